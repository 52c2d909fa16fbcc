import { readFileSync } from 'node:fs';
import { adminRoutes } from '../src/admin/admin-plane.ts';
import { duration } from '../src/alerts/duration.ts';
import type { Threshold } from '../src/alerts/threshold.ts';
import { thresholds } from '../src/alerts/thresholds.ts';
import type { Dialect } from '../src/dialects/dialect.ts';
import { dialects, sessionDialects } from '../src/dialects/index.ts';
import { errorTable } from '../src/errors.ts';
import { outcomes } from '../src/exchange/outcome.ts';
import { hookPoints } from '../src/hooks/points.ts';
import { defaultLimits, type LimitName, upstreamLimitNames } from '../src/limits.ts';
import { builtinMiddleware } from '../src/middleware/builtin/index.ts';
import { type FaultName, faultPattern, faultTable } from '../src/simulator/faults.ts';
import { messageRows } from '../src/stream/message-table.ts';
import { metric } from '../src/telemetry/names.ts';

/** The tables of the README that are made from the code: `npm run generate` writes them, a test compares. */
const tables: Readonly<Record<string, () => string>> = {
  outcomes: () =>
    table(
      ['outcome', 'meaning'],
      Object.entries(outcomes).map(([name, text]) => [code(name), text]),
    ),
  hooks: () =>
    table(
      ['hook point', 'when'],
      Object.entries(hookPoints).map(([name, when]) => [code(name), when]),
    ),
  middleware: () =>
    table(
      ['middleware', 'what it does'],
      builtinMiddleware.map(({ name, summary }) => [code(name), summary]),
    ),
  dialects: () =>
    table(
      ['dialect', 'request', 'operation', 'provider'],
      [
        ...dialects.map((one) => dialectRow(one, 'POST')),
        ...sessionDialects.map((one) => dialectRow(one, 'WebSocket')),
      ],
    ),
  'stream-messages': () =>
    table(
      ['message', 'from', 'fields', 'meaning'],
      messageRows.map(({ type, from, fields, meaning }) => [
        code(type),
        from,
        fields.map(code).join(', '),
        meaning,
      ]),
    ),
  errors: () =>
    table(
      ['code', 'status', 'outcome', 'message'],
      Object.entries(errorTable).map(([name, row]) => [
        code(name),
        String(row.status),
        code(row.outcome),
        row.message,
      ]),
    ),
  metrics: () =>
    table(
      ['metric', 'kind', 'unit', 'meaning'],
      Object.values(metric).map((row) => [
        code(row.name),
        row.kind.replaceAll('_', ' '),
        code(row.unit),
        row.description,
      ]),
    ),
  thresholds: () =>
    table(
      ['alert', 'fires', 'severity', 'what is the matter', 'what to do'],
      thresholds.map((row) => [code(row.id), firingOf(row), row.severity, row.summary, row.action]),
    ),
  admin: () =>
    table(
      ['route', 'shows'],
      Object.entries(adminRoutes).map(([route, text]) => [code(route), text]),
    ),
  faults: () =>
    table(
      ['model', 'what the simulator does'],
      Object.entries(faultTable).map(([name, row]) => [code(faultPattern(name as FaultName)), row.effect]),
    ),
  limits: () => table(['limit', 'default', 'reason'], limitRows()),
};

/** The README with each generated table in its place, between `<!-- generated: name -->` and `<!-- end -->`. */
export function renderReadme(text: string): string {
  return text.replace(/<!-- generated: ([\w-]+) -->\n[\s\S]*?<!-- end -->/g, (_, name: string) => {
    const make = tables[name];
    if (!make) throw new Error(`README.md asks for the table '${name}', which nobody makes`);
    return `<!-- generated: ${name} -->\n${make()}\n<!-- end -->`;
  });
}

function dialectRow({ name, path, operation, provider }: Dialect, request: string): string[] {
  return [code(name), code(`${request} …${path}`), operation, provider];
}

/** `above 5,000 ms over 5m, for 2m`. */
function firingOf({ title, comparison, limit, unit, windowMs, holdMs, exchangesMin }: Threshold): string {
  const amount = `${limit.toLocaleString('en')} ${unit}`.trim();
  const window = windowMs > 0 ? ` over ${duration(windowMs)}` : '';
  const enough = exchangesMin === undefined ? '' : `, of at least ${exchangesMin} exchanges`;
  const hold = holdMs > 0 ? `, for ${duration(holdMs)}` : '';
  return `${title} ${comparison} ${amount}${window}${enough}${hold}`;
}

/** The reasons stand as comments beside the numbers; that is where whoever changes one sees them. */
function limitRows(): string[][] {
  const source = readFileSync(new URL('../src/limits.ts', import.meta.url), 'utf8');
  return (Object.keys(defaultLimits) as LimitName[]).map((name) => {
    const comment = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${name}:`).exec(source)?.[1];
    const reason = comment?.replace(/\s*\n\s*\*\s*/g, ' ').trim();
    if (!reason) throw new Error(`the limit '${name}' has no reason beside it`);
    const own = (upstreamLimitNames as readonly string[]).includes(name) ? ' *' : '';
    return [code(name) + own, amount(name, defaultLimits[name]), reason];
  });
}

function amount(name: string, value: number): string {
  if (/Bytes/.test(name) || name === 'attributeCharsMax') {
    const units: [number, string][] = [
      [2 ** 30, 'GiB'],
      [2 ** 20, 'MiB'],
      [2 ** 10, 'KiB'],
    ];
    const unit = units.find(([size]) => value % size === 0);
    return unit ? `${value / unit[0]} ${unit[1]}` : String(value);
  }
  if (/Ms(Max)?$/.test(name)) return value % 1_000 === 0 ? `${value / 1_000} s` : `${value} ms`;
  return String(value);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
