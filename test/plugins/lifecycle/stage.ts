import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createNoopMeter, type Meter, trace } from '@opentelemetry/api';
import { pino } from 'pino';
import type { FlowServices } from '../../../src/flow/flow.ts';
import { InFlight } from '../../../src/flow/in-flight.ts';
import { HookSystem } from '../../../src/hooks/hook-system.ts';
import type { HookPoint } from '../../../src/hooks/points.ts';
import { defaultLimits, type Limits } from '../../../src/limits.ts';
import type { MessageType } from '../../../src/messages/message-type.ts';
import { type StackEntry, stackEntry } from '../../../src/middleware/stack.ts';
import { PluginBuildError, PluginBuilder } from '../../../src/plugins/compile/builder.ts';
import type { PluginHost, PluginTelemetry } from '../../../src/plugins/lifecycle/host.ts';
import { PluginLifecycleManager } from '../../../src/plugins/lifecycle/lifecycle-manager.ts';
import type { FileChange } from '../../../src/plugins/loader/dynamic-loader.ts';

export interface StageOptions {
  readonly limits?: Partial<Limits>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly meter?: Meter;
  readonly middleware?: readonly StackEntry[];
  readonly messageTypes?: readonly MessageType[];
}

/** The lifecycle manager with a folder of real files, built and evaluated for real, and no service around it. */
export class Stage {
  readonly folder: string;
  readonly manager: PluginLifecycleManager;
  /** Hook points of plugins as they came: `loaded a@1.0.0`. */
  readonly events: string[] = [];
  readonly logged: Record<string, unknown>[] = [];
  readonly counted: string[] = [];
  /** What plugins note by `globalThis.noted.get(folder)`. */
  readonly noted: string[] = [];
  readonly #builder: PluginBuilder;

  constructor(folder: string, options: StageOptions) {
    this.folder = folder;
    notes().set(folder, this.noted);
    const limits: Limits = { ...defaultLimits, ...options.limits };
    this.#builder = new PluginBuilder({ folder, fileBytesMax: limits.pluginFileBytesMax });
    const host = this.#host(limits, options);
    this.manager = new PluginLifecycleManager(host, {
      folder,
      required: options.required ?? [],
      reservedNames: new Set(host.middleware.map((entry) => entry.name)),
    });
    for (const point of ['plugin.loaded', 'plugin.reloaded', 'plugin.unloaded'] as const) {
      host.hooks.registerHook(point, ({ plugin, version }) => {
        this.events.push(`${point.slice('plugin.'.length)} ${plugin}@${version}`);
      });
    }
    host.hooks.registerHook('plugin.rejected', ({ plugin, version, problem }) => {
      this.events.push(`rejected ${plugin}@${version} (${problem.step}): ${problem.message}`);
    });
  }

  #host(limits: Limits, options: StageOptions): PluginHost {
    const hookOptions = { timeoutMs: 1_000, pendingMax: 100, onFailure: () => undefined };
    const hooks = new HookSystem(hookOptions);
    const log = pino({ level: 'trace' }, { write: (line: string) => this.logged.push(JSON.parse(line)) });
    const shared = {
      recorder: {
        begin: () => undefined,
        beginAttempt: () => [],
        middlewareRan: () => undefined,
        end: () => undefined,
      },
      inFlight: new InFlight(),
      limits,
      log,
    };
    return {
      limits,
      log,
      config: options.config ?? {},
      hooks,
      createHooks: () => new HookSystem(hookOptions, hooks),
      middleware: options.middleware ?? [],
      messageTypes: options.messageTypes ?? [],
      stackOptions: { timeoutMs: 1_000, onFailure: () => undefined },
      services: (parts): FlowServices => ({ ...shared, ...parts }),
      meter: () => options.meter ?? createNoopMeter(),
      tracer: (name) => trace.getTracer(name),
      hookFailed: (point, plugin) => this.counted.push(`hook of ${plugin} at ${point} failed`),
      forget: (name) => this.counted.push(`forget ${name}`),
      telemetry: this.#telemetry(),
    };
  }

  #telemetry(): PluginTelemetry {
    return {
      changed: (change, plugin) => this.counted.push(`${change} ${plugin}`),
      moved: (from, to) => this.counted.push(`${from} → ${to}`),
      lifecycleRan: ({ name }, point, _ms, failed) =>
        this.counted.push(`${name} ${point}${failed ? ' failed' : ''}`),
      messageHandled: ({ type, owner, result }) =>
        this.counted.push(`message ${type} of ${owner?.name}: ${result}`),
      breakersOpen: (plugin, change) => this.counted.push(`breakers of ${plugin} ${change}`),
      strayError: (plugin) => this.counted.push(`stray error of ${plugin}`),
      leaked: (plugin) => this.counted.push(`leak of ${plugin}`),
    };
  }

  async write(name: string, source: string): Promise<void> {
    const file = join(this.folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, source);
  }

  /** A plugin that notes what becomes of it; `body` stands in `initialize`, `head` before the definition. */
  async writePlugin(name: string, { version = '1.0.0', needs = {}, mayUse = {}, head = '', body = '' } = {}) {
    await this.write(
      `${name}.plugin.ts`,
      pluginSource(this.folder, { name, version, needs, mayUse, head, body }),
    );
  }

  /** What the loader would report of these files, as one batch; also of those that are gone. */
  async apply(...names: string[]): Promise<void> {
    await this.manager.apply(await Promise.all(names.map((name) => this.#change(name))));
  }

  async #change(name: string): Promise<FileChange> {
    const file = join(this.folder, name.includes('.') ? name : `${name}.plugin.ts`);
    if (!existsSync(file)) return { kind: 'gone', file };
    try {
      return { kind: 'built', file, build: await this.#builder.build(file) };
    } catch (thrown) {
      if (thrown instanceof PluginBuildError) return { kind: 'broken', file, problem: thrown };
      throw thrown;
    }
  }

  async remove(...names: string[]): Promise<void> {
    const files = names.map((name) => join(this.folder, `${name}.plugin.ts`));
    await this.manager.apply(files.map((file) => ({ kind: 'gone', file })));
  }

  /** `a@1.0.0 b@1.0.0`, dependencies first. */
  get active(): string {
    return this.manager.generation.instances.map(({ name, version }) => `${name}@${version}`).join(' ');
  }

  stateOf(name: string): string | undefined {
    return this.manager.find(name)?.state;
  }

  /** Notes since the last time somebody asked. */
  takeNotes(): string[] {
    return this.noted.splice(0);
  }

  /** Resolves when the old generations have been let go of. */
  async drained(): Promise<void> {
    while (this.manager.draining.length > 0) await new Promise((resolve) => setImmediate(resolve));
    // The queue is behind the cleanup of the last one.
    await new Promise((resolve) => setImmediate(resolve));
  }

  hooksAt(point: HookPoint): boolean {
    return this.manager.services.hooks.has(point);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.stop();
    await this.#builder.close();
    notes().delete(this.folder);
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function createStage(options: StageOptions = {}): Promise<Stage> {
  return new Stage(await mkdtemp(join(tmpdir(), 'sightline-lifecycle-')), options);
}

export function middlewareNames(stage: Stage): string[] {
  return stage.manager.services.stack.list.map((entry) => entry.name);
}

export { stackEntry };

interface Source {
  readonly name: string;
  readonly version: string;
  readonly needs: object;
  readonly mayUse: object;
  readonly head: string;
  readonly body: string;
}

function pluginSource(folder: string, { name, version, needs, mayUse, head, body }: Source): string {
  return `import { definePlugin } from 'sightline';
const note = (text: string) => (globalThis as any).noted.get(${JSON.stringify(folder)})?.push(text);
${head}
export default definePlugin({
  name: '${name}',
  version: '${version}',
  dependencies: ${JSON.stringify(needs)},
  optionalDependencies: ${JSON.stringify(mayUse)},
  async initialize(context) {
    note('${name}@${version} initialize');
    context.signal.addEventListener('abort', () => note('${name}@${version} abort'));
    ${body}
    return { version: '${version}' };
  },
  cleanup() {
    note('${name}@${version} cleanup');
  },
});
`;
}

function notes(): Map<string, string[]> {
  const scope = globalThis as typeof globalThis & { noted?: Map<string, string[]> };
  scope.noted ??= new Map();
  return scope.noted;
}
