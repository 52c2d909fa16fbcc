import { withDeadline } from '../../exchange/deadline.ts';
import { wordsOf } from '../../exchange/thrown.ts';
import type { PluginBuild } from '../compile/build.ts';
import { type EvaluatedModule, evaluate } from '../evaluate/evaluate.ts';
import type { LoadedDefinition } from '../plugin.ts';
import { PluginProblem } from '../problem.ts';
import { readConfig, readDefinition } from '../shape.ts';
import { wantsWorker } from '../worker/wants-worker.ts';
import { startWorkerPlugin, type WorkerPlugin } from '../worker/worker-plugin.ts';
import type { Dependent } from './dependencies.ts';
import type { LifecycleHost } from './host.ts';
import { InProcessBody } from './in-process.ts';
import { PluginInstance } from './instance.ts';
import { reportStray } from './stray-errors.ts';

/** A version that is evaluated and not active yet. */
export interface Candidate extends Dependent {
  readonly build: PluginBuild;
  /**
   * Checks the config and initializes, once. `used` is what `initialize` of the plugins returned that it
   * uses, by name. Rejects with a `PluginProblem`; nothing is left of it then.
   */
  start(used: ReadonlyMap<string, unknown>): Promise<PluginInstance>;
  /** It will not be started. Idempotent; nothing where it was. */
  discard(): void;
}

/** Evaluates a build and reads what it says of itself. Rejects with a `PluginProblem`. */
export function prepare(host: LifecycleHost, build: PluginBuild): Promise<Candidate> {
  return wantsWorker(build) ? prepareWorker(host, build) : prepareInProcess(host, build);
}

async function prepareInProcess(host: LifecycleHost, build: PluginBuild): Promise<Candidate> {
  let name = build.file;
  const module = await evaluateInTime(host, build, () => name);
  try {
    const definition = readDefinition(module.exports, build.file);
    name = definition.name;
    if (definition.isolation === 'worker') {
      throw new PluginProblem('shape', `Write "isolation: 'worker'" as a literal in definePlugin({ … }).`, {
        file: build.file,
      });
    }
    const self = selfOf(definition);
    return {
      ...self,
      build,
      start: (used) => startInProcess(host, build, definition, module, used),
      discard: () => module.dispose(),
    };
  } catch (thrown) {
    module.dispose();
    throw thrown;
  }
}

async function evaluateInTime(
  host: LifecycleHost,
  build: PluginBuild,
  nameOf: () => string,
): Promise<EvaluatedModule> {
  const { pluginInitializeTimeoutMs: timeoutMs } = host.limits;
  const signal = AbortSignal.timeout(timeoutMs);
  let module: EvaluatedModule | undefined;
  const onTimerError = (thrown: unknown) => {
    const frames = thrown instanceof Error ? module?.frames(thrown) : undefined;
    reportStray(host, { plugin: nameOf(), file: build.file }, thrown, frames);
  };
  try {
    module = await evaluate(build, { signal, onTimerError });
    return module;
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    const message = `Its module gave no answer within ${timeoutMs} ms.`;
    throw new PluginProblem('evaluate', message, { file: build.file }, thrown);
  }
}

async function startInProcess(
  host: LifecycleHost,
  build: PluginBuild,
  definition: LoadedDefinition,
  module: EvaluatedModule,
  used: ReadonlyMap<string, unknown>,
): Promise<PluginInstance> {
  const { name, version } = definition;
  const { limits, telemetry } = host;
  let config: unknown;
  try {
    config = await withDeadline(
      readConfig(definition, configOf(host, name), build.file),
      limits.pluginInitializeTimeoutMs,
    );
  } catch (thrown) {
    module.dispose();
    throw thrown instanceof PluginProblem
      ? thrown
      : new PluginProblem('config', `Its schema failed: ${wordsOf(thrown)}`, { file: build.file }, thrown);
  }
  const owner = { name, version, frames: (error: Error) => module.frames(error) };
  const begun = performance.now();
  try {
    const body = await InProcessBody.start({
      file: build.file,
      definition,
      module,
      config,
      log: host.log.child({ plugin: name, version }),
      meter: host.meter(name),
      tracer: host.tracer(name),
      used,
      limits,
    });
    telemetry.lifecycleRan(owner, 'initialize', performance.now() - begun, false);
    return new PluginInstance(host, selfOf(definition), build, body);
  } catch (thrown) {
    telemetry.lifecycleRan(owner, 'initialize', performance.now() - begun, true);
    host.leakWatch.watch({ plugin: name, version }, module.life);
    throw thrown;
  }
}

/** A worker is evaluated and initialized in one go: its code is not to run here, not even to be asked its name. */
async function prepareWorker(host: LifecycleHost, build: PluginBuild): Promise<Candidate> {
  let plugin = build.file;
  const worker = await startWorkerPlugin({
    build,
    config: (name) => configOf(host, name),
    log: host.log,
    meter: (name) => host.meter(name),
    limits: host.limits,
    onHookFailure: (point, error) => host.hookFailed(point, plugin, error),
  });
  const { name, version } = worker;
  plugin = name;
  const self = { name, version, dependencies: {}, optionalDependencies: {} };
  let isStarted = false;
  return {
    ...self,
    build,
    start: async () => {
      isStarted = true;
      return new PluginInstance(host, self, build, bodyOf(worker));
    },
    discard: () => {
      if (!isStarted) void worker.stop();
    },
  };
}

function bodyOf(worker: WorkerPlugin) {
  return {
    middleware: worker.middleware.map((one) => ({ ...one, name: one.middleware.name })),
    hooks: worker.hooks,
    messageTypes: [],
    api: undefined,
    life: undefined,
    get restarts() {
      return worker.restarts;
    },
    // What is thrown in a worker stays there.
    hasThrown: () => false,
    frames: (error: Error) => worker.frames(error),
    stop: () => worker.stop(),
  };
}

/** What is configured for a plugin, as a copy: what a version does to it, the next one must not find. */
function configOf({ config }: LifecycleHost, name: string): unknown {
  return Object.hasOwn(config, name) ? copyOf(config[name]) : undefined;
}

/** Of plain data; an embedding program may also give what cannot be copied, such as a function. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyOf(one)]));
}

function selfOf({
  name,
  version,
  dependencies = {},
  optionalDependencies = {},
}: LoadedDefinition): Dependent {
  return { name, version, dependencies, optionalDependencies };
}
