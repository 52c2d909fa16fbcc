/**
 * For tests of plugins: a whole Sightline in the test's own process, in front of a simulated model, with
 * exactly the plugins that the test names.
 *
 *     await using sightline = await startWithPlugins({ plugins: [new URL('./hello.plugin.ts', import.meta.url)] });
 *     const reply = await sightline.chat('Hello!');
 *     assert.equal(reply.status, 200);
 *     assert.equal(await sightline.metric('hello_exchanges_total'), 1);
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { SightlineError } from './errors.ts';
import { defaultLimits } from './limits.ts';
import type { PluginBuild } from './plugins/compile/build.ts';
import { PluginBuilder } from './plugins/compile/builder.ts';
import { describeProblem, PluginProblem } from './plugins/problem.ts';
import { Service } from './service.ts';
import { type Simulator, startSimulator } from './simulator/simulator.ts';
import type { StoredSpan, TraceSummary } from './telemetry/spans/trace-store.ts';
import { openConnection, type TestConnection } from './testing-connection.ts';
import { asJsonObject, isJsonObject, type JsonObject, parseJsonObject } from './wire/json.ts';
import { SseParser } from './wire/sse-parser.ts';

export type { TestConnection };

export interface StartOptions {
  /** Files of plugins, those that they depend on among them: URLs, or paths from the working directory. */
  readonly plugins: readonly (string | URL)[];
  /** By the name of a plugin, as `plugins.config` in sightline.yaml. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The plugin folder, where plugins import files from above their own; else it is that of each plugin. */
  readonly folder?: string | URL;
  /** Other sections of sightline.yaml: `{ middleware: ['stream-usage'], limits: { hookTimeoutMs: 100 } }`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface ChatOptions {
  /** Default false. */
  readonly stream?: boolean;
  /** Default `gpt-4o`. The README lists the simulator's models that misbehave. */
  readonly model?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** More fields of the query: `{ stream_options: { include_usage: true } }`. */
  readonly body?: JsonObject;
}

export interface ChatReply {
  readonly status: number;
  readonly headers: Headers;
  /** As it came. */
  readonly body: string;
  /** What the model said. */
  readonly text: string;
  /** The data of each event of a stream. */
  readonly events: readonly string[];
  /** It came to its proper end. */
  readonly isComplete: boolean;
}

export interface Trace extends Omit<TraceSummary, 'spans'> {
  readonly spans: readonly StoredSpan[];
}

/** A Sightline with plugins. `await using` stops it, as `stop` does. */
export interface TestSightline extends AsyncDisposable {
  /** Where clients connect. */
  readonly url: string;
  /** Where operators connect: `/metrics`, `/api/plugins`. */
  readonly adminUrl: string;
  /** The service itself: `service.plugins.unload('hello')`. */
  readonly service: Service;
  /** One chat query. Resolves when its exchange has ended on our side too: telemetry is made by then. */
  chat(prompt: string, options?: ChatOptions): Promise<ChatReply>;
  /** A WebSocket, as a client opens it: at `/stream`, or below the prefix of an upstream. */
  connect(path: string, headers?: Readonly<Record<string, string>>): Promise<TestConnection>;
  /** Of the exchanges that have ended, newest first. */
  traces(): readonly Trace[];
  /** The page that Prometheus scrapes. */
  metrics(): Promise<string>;
  /**
   * The sum over the series of that name on the page whose labels are as wanted; 0 where there are none. Names
   * are Prometheus's: a counter `hello.exchanges` is `hello_exchanges_total`.
   */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Resolves when all the plugins are active. Rejects where one is not, with `file:line:column` and what was
 * expected.
 */
export async function startWithPlugins(options: StartOptions): Promise<TestSightline> {
  const builds = await buildAll(options);
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  let service: Service | undefined;
  try {
    const config = await configOf(options, simulator);
    service = await Service.start({ config, env: { OTEL_TRACES_EXPORTER: 'none' } });
    await activate(service, builds);
    refuseUnused(service, options);
  } catch (thrown) {
    await service?.stop();
    await simulator.close();
    throw thrown;
  }
  return new Running(service, simulator);
}

class Running implements TestSightline {
  readonly service: Service;
  readonly #simulator: Simulator;
  #stopped: Promise<void> | undefined;

  constructor(service: Service, simulator: Simulator) {
    this.service = service;
    this.#simulator = simulator;
  }

  get url(): string {
    return this.service.dataUrl;
  }

  get adminUrl(): string {
    return this.service.adminUrl;
  }

  async chat(prompt: string, options: ChatOptions = {}): Promise<ChatReply> {
    const { stream = false, model = 'gpt-4o', headers, body } = options;
    const response = await fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: prompt }], ...body }),
    });
    const { bytes, isComplete } = await readAll(response);
    await this.service.inFlight.empty();
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    const events = isStream ? eventsOf(bytes) : [];
    return {
      status: response.status,
      headers: response.headers,
      body: bytes.toString(),
      text: (isStream ? events : [bytes.toString()]).map(textOf).join(''),
      events,
      isComplete,
    };
  }

  connect(path: string, headers?: Readonly<Record<string, string>>): Promise<TestConnection> {
    return openConnection(new URL(path, this.url), headers);
  }

  traces(): readonly Trace[] {
    const { traces } = this.service.telemetry;
    return traces
      .list(Number.POSITIVE_INFINITY)
      .map((summary) => ({ ...summary, spans: traces.get(summary.traceId)?.spans ?? [] }));
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.adminUrl}/metrics`)).text();
  }

  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const wanted = Object.entries(labels);
    return samplesOf(await this.metrics())
      .filter((one) => one.name === name && wanted.every(([key, value]) => one.labels.get(key) === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.service.stop().then(() => this.#simulator.close());
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Built here rather than found by the service: its folder would bring every plugin that lies there. */
async function buildAll({ plugins, folder }: StartOptions): Promise<PluginBuild[]> {
  const files = plugins.map(pathOf);
  const builders: PluginBuilder[] = [];
  const build = (file: string) => {
    const root = folder === undefined ? dirname(file) : pathOf(folder);
    const builder = new PluginBuilder({ folder: root, fileBytesMax: defaultLimits.pluginFileBytesMax });
    builders.push(builder);
    return builder.build(file);
  };
  const results = await Promise.allSettled(files.map(build));
  for (const builder of builders) await builder.close();
  refuse(results.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : [])));
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** As a user would write it, so that it is checked as a user's is. */
async function configOf({ config = {}, settings }: StartOptions, simulator: Simulator): Promise<Config> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-plugins-'));
  const file = {
    upstreams: { default: simulator.url },
    data: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    log: { level: 'silent' },
    plugins: { folder: './none', watch: false, config },
    ...settings,
  };
  try {
    // JSON is YAML.
    await writeFile(join(folder, 'sightline.yaml'), JSON.stringify(file));
    return loadConfig({}, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function activate(service: Service, builds: readonly PluginBuild[]): Promise<void> {
  const { manager } = service.plugins;
  // In one go: they may depend on each other.
  await manager.apply(builds.map((build) => ({ kind: 'built', file: build.file, build })));
  const problems = manager.records.flatMap(({ newestProblem }) => (newestProblem ? [newestProblem] : []));
  refuse(problems.map(describeProblem));
}

/** A name that was mistyped would leave the plugin with its defaults, and the test with a riddle. */
function refuseUnused({ plugins }: Service, { config = {} }: StartOptions): void {
  const names = plugins.manager.generation.instances.map(({ name }) => name);
  const unused = Object.keys(config).filter((name) => !names.includes(name));
  refuse(unused.map((name) => `config.${name} is of no plugin here; expected one of ${names.join(', ')}.`));
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new SightlineError('plugin_rejected', { message: problems.join('\n') });
}

function messageOf(thrown: unknown): string {
  return thrown instanceof PluginProblem ? thrown.describe() : String(thrown);
}

function pathOf(file: string | URL): string {
  return file instanceof URL || file.startsWith('file:') ? fileURLToPath(file) : resolve(file);
}

async function readAll(response: Response): Promise<{ bytes: Buffer; isComplete: boolean }> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of response.body ?? []) pieces.push(piece);
    return { bytes: Buffer.concat(pieces), isComplete: true };
  } catch {
    return { bytes: Buffer.concat(pieces), isComplete: false };
  }
}

function eventsOf(bytes: Buffer): string[] {
  const events: string[] = [];
  const parser = new SseParser({
    eventBytesMax: defaultLimits.eventBytesMax,
    onEvent: ({ data }) => events.push(data),
  });
  parser.push(bytes);
  return events;
}

/** Of the first choice, in a whole reply or in an event. */
function textOf(json: string): string {
  const choices = parseJsonObject(json)?.choices;
  const [choice] = Array.isArray(choices) ? choices.filter(isJsonObject) : [];
  const content = asJsonObject(choice?.message ?? choice?.delta)?.content;
  return typeof content === 'string' ? content : '';
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function samplesOf(page: string) {
  return page
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', inner = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      const labels = Array.from(inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g), ([, key = '', text = '']) => {
        const said = text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
        return [key, said] as const;
      });
      return { name, labels: new Map(labels), value: Number(value) };
    });
}
