import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Two plugins that share a helper with a number in it, the second on top of the first. Each callback notes on
 * the exchange which number it has, so an exchange that sees two generations, or half of one, shows.
 */

const helper = (number: number) => `export const number = ${number};
type Views = Map<string, Set<number>>;
const views = (globalThis as unknown as { views: Views }).views;
export function note(exchange: { id: string }): void {
  const seen = views.get(exchange.id);
  if (seen) seen.add(number);
  else views.set(exchange.id, new Set([number]));
}
`;

const plugin = (name: string, needs: string) => `import { definePlugin } from 'sightline';
import { note, number } from './number.ts';

export default definePlugin({
  name: '${name}',
  version: \`1.0.\${number}\`,
  dependencies: ${needs},
  initialize(context) {
    const timer = setInterval(() => undefined, 1_000);
    const calls = context.meter.createCounter('${name}.calls');
    context.meter.createObservableGauge('${name}.number').addCallback((result) => result.observe(number));
    context.registerHook('exchange.started', ({ exchange }) => note(exchange));
    context.registerHook('exchange.ended', ({ exchange }) => note(exchange), { priority: 10 });
    context.registerMiddleware({
      name: '${name}',
      beforeQuery(query, exchange) {
        note(exchange);
        calls.add(1);
        timer.refresh();
      },
      onChunk(chunk, exchange) {
        note(exchange);
      },
      async afterResponse(reply, exchange) {
        note(exchange);
      },
    });
    return { number };
  },
  cleanup() {},
});
`;

/** What can be wrong with a version, and at which line of the file of the first plugin. */
const faults: readonly { readonly source: string; readonly line: number }[] = [
  { source: 'const = 1;', line: 1 },
  { source: '\nthrow new Error("at the top");', line: 2 },
  { source: '\n\nimport { missing } from "./number.ts"; missing();', line: 3 },
  {
    source: `import { definePlugin } from 'sightline';
export default definePlugin({
  name: 'first',
  version: '1.0.0',
  initialize() {
    throw new Error('no database');
  },
});`,
    line: 6,
  },
];

export class VersionedPlugins {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<VersionedPlugins> {
    const plugins = new VersionedPlugins(await mkdtemp(join(tmpdir(), 'sightline-soak-')));
    await plugins.write(0);
    await plugins.#writeFile('second.plugin.ts', plugin('second', `{ first: '^1.0.0' }`));
    return plugins;
  }

  /** The next good version of both. */
  async write(number: number): Promise<void> {
    await this.#writeFile('number.ts', helper(number));
    await this.#writeFile('first.plugin.ts', plugin('first', '{}'));
  }

  /** A version of the first that cannot be used. Returns the line that has to be told. */
  async writeBroken(number: number): Promise<number> {
    const { source, line } = faults[number % faults.length] as (typeof faults)[number];
    await this.#writeFile('first.plugin.ts', `${source}\n// ${number}\n`);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  #writeFile(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }
}
