import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly baseUrl: URL;
  /** Visits a second, on average over the day. */
  readonly rate: number;
  readonly seconds: number;
  readonly visits: number;
  readonly seed: number;
  readonly concurrencyMax: number;
  readonly anthropicPrefix: string;
  readonly waitSeconds: number;
  /** Also where no simulator answers. */
  readonly anyBackend: boolean;
}

export const usage = `Usage: npm run demo -- [options]

Sends the traffic of a busy day to a running Sightline, a day in ten minutes: streams and whole replies of
several APIs, models and tenants, WebSocket sessions, clients that hang up, a few faults, and an incident each
day: streams that break off, an agent in a loop, a quota that is used up. Ctrl-C ends it.

  --rate N          visits a second, on average (5)
  --seconds N       end after so long
  --visits N        end after so many visits
  --seed N          the same seed, the same visits (1)
  --concurrency N   visits under way at once, at most (100)
  --anthropic PATH  prefix of an upstream that speaks Anthropic's API: /anthropic (the default upstream)
  --wait SECONDS    how long Sightline may take to answer (5)
  --any-backend     also where no simulator answers: real models cost money
  --help            this text

SIGHTLINE_URL is where Sightline listens (http://localhost:4000).
`;

/** What the command line asks for cannot be done. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

/** Undefined where only help is wanted. Throws an `OptionsError`. */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DemoOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  return {
    baseUrl: readUrl(env.SIGHTLINE_URL || 'http://localhost:4000'),
    rate: positive('rate', values.rate) ?? 5,
    seconds: positive('seconds', values.seconds) ?? Number.POSITIVE_INFINITY,
    visits: positive('visits', values.visits) ?? Number.POSITIVE_INFINITY,
    seed: positive('seed', values.seed) ?? 1,
    concurrencyMax: Math.ceil(positive('concurrency', values.concurrency) ?? 100),
    anthropicPrefix: readPrefix(values.anthropic),
    waitSeconds: positive('wait', values.wait) ?? 5,
    anyBackend: values['any-backend'],
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    rate: text,
    seconds: text,
    visits: text,
    seed: text,
    concurrency: text,
    anthropic: text,
    wait: text,
    'any-backend': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (thrown) {
    throw new OptionsError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new OptionsError(`--${name} is "${text}"; expected a number above 0`);
}

function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new OptionsError(`SIGHTLINE_URL is "${text}"; expected an address such as http://localhost:4000`);
}

function readPrefix(text = ''): string {
  if (text === '' || /^\/[\w./-]*[\w.-]$/.test(text)) return text;
  throw new OptionsError(`--anthropic is "${text}"; expected a path such as /anthropic`);
}
