import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { createNoopMeter, type Meter, trace } from '@opentelemetry/api';
import { pino } from 'pino';
import { openaiChat } from '../../../src/dialects/openai-chat.ts';
import { Exchange } from '../../../src/exchange/exchange.ts';
import { Query } from '../../../src/exchange/query.ts';
import type { HookPoint } from '../../../src/hooks/points.ts';
import { defaultLimits } from '../../../src/limits.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import type { PluginBuild } from '../../../src/plugins/compile/build.ts';
import { InProcessBody } from '../../../src/plugins/lifecycle/in-process.ts';
import { PluginProblem } from '../../../src/plugins/problem.ts';
import { readDefinition } from '../../../src/plugins/shape.ts';
import type { WorkerLimits } from '../../../src/plugins/worker/thread.ts';
import { startWorkerPlugin, type WorkerPlugin } from '../../../src/plugins/worker/worker-plugin.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { type PluginFolder, pluginFolder } from '../compile/plugin-folder.ts';

export interface LogRecord {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** What was logged, and what will be. */
export class LogBook {
  readonly records: LogRecord[] = [];
  readonly #events = new EventEmitter();
  readonly log = pino(
    { level: 'debug', base: null },
    new Writable({
      write: (line, _encoding, done) => {
        this.records.push(JSON.parse(String(line)));
        this.#events.emit('record');
        done();
      },
    }),
  );

  /** The first record that satisfies it, now or later. */
  async find(predicate: (record: LogRecord) => boolean): Promise<LogRecord> {
    for (;;) {
      const found = this.records.find(predicate);
      if (found) return found;
      await new Promise((resolve) => this.#events.once('record', resolve));
    }
  }
}

export interface WorkshopOptions {
  readonly limits?: Partial<WorkerLimits>;
  readonly config?: unknown;
  readonly meter?: Meter;
  readonly onHookFailure?: (point: HookPoint, error: Error) => void;
}

export interface Loaded {
  readonly middleware: readonly Middleware[];
  readonly hooks: WorkerPlugin['hooks'];
  readonly book: LogBook;
}

/** A plugin's body, in a file that declares it; `extra` stands beside `initialize`. */
export function source(initialize: string, extra = ''): string {
  return `
import { definePlugin, Reply, Query, Chunk, SightlineError, createKey } from 'sightline';
export default definePlugin({
  name: 'sample',
  version: '1.2.3',
  isolation: 'worker',
  ${extra}
  initialize({ registerMiddleware, registerHook, log, meter, config, signal, ...rest }) {
${initialize}
  },
});
// The imports are there for whoever needs them.
void [Reply, Query, Chunk, SightlineError, createKey];
`;
}

export class Workshop {
  readonly folder: PluginFolder;
  readonly #test: TestContext;

  private constructor(test: TestContext, folder: PluginFolder) {
    this.#test = test;
    this.folder = folder;
  }

  static async open(test: TestContext): Promise<Workshop> {
    return new Workshop(test, await pluginFolder(test));
  }

  async build(text: string, file = 'sample.plugin.ts') {
    await this.folder.write({ [file]: text });
    return this.folder.build(file);
  }

  async inWorker(text: string, options: WorkshopOptions = {}): Promise<Loaded & { plugin: WorkerPlugin }> {
    return this.start(await this.build(text), options);
  }

  async start(build: PluginBuild, options: WorkshopOptions = {}): Promise<Loaded & { plugin: WorkerPlugin }> {
    const book = new LogBook();
    const { config, limits, meter = createNoopMeter(), onHookFailure } = options;
    const plugin = await startWorkerPlugin({
      build,
      config: () => config,
      log: book.log,
      meter: () => meter,
      limits: { ...defaultLimits, ...limits },
      ...(onHookFailure && { onHookFailure }),
    });
    this.#test.after(() => plugin.stop());
    return { plugin, middleware: plugin.middleware.map((one) => one.middleware), hooks: plugin.hooks, book };
  }

  async inProcess(
    text: string,
    { config, meter = createNoopMeter() }: WorkshopOptions = {},
  ): Promise<Loaded> {
    const book = new LogBook();
    const module = await this.folder.evaluate((await this.build(text)) && 'sample.plugin.ts');
    const body = await InProcessBody.start({
      file: this.folder.path('sample.plugin.ts'),
      definition: readDefinition(module.exports, 'sample.plugin.ts'),
      module,
      config,
      log: book.log,
      meter,
      tracer: trace.getTracer('test'),
      used: new Map(),
      limits: defaultLimits,
    });
    this.#test.after(() => body.stop());
    return { middleware: body.middleware.map((one) => one.middleware), hooks: body.hooks, book };
  }

  /** Why it was refused. */
  async refusal(text: string, options: WorkshopOptions = {}): Promise<PluginProblem> {
    const thrown = await this.inWorker(text, options).then(
      () => new Error('it was loaded'),
      (error: unknown) => error,
    );
    if (thrown instanceof PluginProblem) return thrown;
    throw thrown;
  }
}

export function sampleQuery(payload: JsonObject = {}): Query {
  const body = Buffer.from(JSON.stringify({ model: 'm', messages: [], ...payload }));
  const headers = ['content-type', 'application/json'];
  return new Query({ method: 'POST', target: '/v1/chat/completions', headers, body });
}

let exchanges = 0;

export function sampleExchange(): Exchange {
  exchanges += 1;
  const head = {
    method: 'POST',
    target: '/v1/chat/completions?a=b',
    path: '/v1/chat/completions',
    headers: ['Content-Type', 'application/json', 'X-Tenant', 'blue', 'x-tenant', 'red'],
    httpVersion: '1.1',
  };
  const route = { template: '/v1/chat/completions', upstream: 'default', dialect: openaiChat };
  return new Exchange(`exchange-${exchanges}`, false, head, route, defaultLimits);
}

/** Asks the plugin's first middleware about a query. */
export function ask({ middleware: [first] }: Loaded, payload?: JsonObject, exchange = sampleExchange()) {
  const answer = first?.beforeQuery?.(sampleQuery(payload), exchange.view);
  return Promise.resolve(answer);
}

export async function failure(running: Promise<unknown>): Promise<Error> {
  const thrown = await running.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  return thrown as Error;
}
