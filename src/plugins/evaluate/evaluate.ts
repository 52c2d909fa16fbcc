import { pathToFileURL } from 'node:url';
import type { PluginBuild } from '../compile/build.ts';
import { scopeParameters, shadowedTimers } from '../compile/module-scope.ts';
import type { SourcePlace } from '../problem.ts';
import { problemOf, syntaxProblem } from './evaluate-problem.ts';
import { importSightline, requireFor } from './packages.ts';
import { Scope } from './scope.ts';
import { Timers } from './timers.ts';
import { Trace } from './trace.ts';

/** The module of a plugin, as it ran. */
export interface EvaluatedModule {
  readonly exports: Readonly<Record<string, unknown>>;
  /** An error's stack frames in TypeScript lines ("at fn (/abs/x.plugin.ts:12:5)"), without the message; frames outside the plugin unchanged. */
  frames(error: Error): string;
  /** The first place of an error in the plugin's own source. */
  placeOf(error: unknown): SourcePlace | undefined;
  /** Clears timers that are still set; later ones never fire. Idempotent. */
  dispose(): void;
  /** Lives as long as any closure of the module does: for finding leaks. */
  readonly life: WeakRef<object>;
}

export interface EvaluateOptions {
  /** Told of what a timer's callback throws or rejects with; without it that is an uncaught exception. */
  readonly onTimerError?: (error: unknown) => void;
  /** Gives up: timers are cleared, and what the module does from then on reaches nobody. */
  readonly signal?: AbortSignal;
}

type Exports = Readonly<Record<string, unknown>>;
type ModuleFunction = (...values: unknown[]) => Promise<Exports>;

const AsyncFunction = (async () => undefined).constructor as new (...text: string[]) => ModuleFunction;

/** Each evaluation has a name of its own in stacks, so that no version is taken for another. */
let evaluations = 0;

/**
 * Runs a build's code. Rejects with a `PluginProblem` and its place in the TypeScript source. An evaluation
 * that never ends is the caller's to give up.
 */
export async function evaluate(build: PluginBuild, options: EvaluateOptions = {}): Promise<EvaluatedModule> {
  const url = urlOf(build.file);
  const trace = new Trace(build.file, url, build.map);
  const timers = new Timers(options.onTimerError);
  try {
    const { exports, life } = await withSignal(run(build, trace, timers, options.signal), options.signal);
    return { exports, life, ...handles(trace, timers) };
  } catch (thrown) {
    timers.dispose();
    throw problemOf(thrown, trace);
  }
}

/** V8 takes no name that has a quote in it, and URLs leave some as they are. */
function urlOf(file: string): string {
  return `${pathToFileURL(file).href.replaceAll("'", '%27')}?v=${++evaluations}`;
}

/** Apart from the exports, so that whoever reads stacks of an old version does not keep its module. */
function handles(trace: Trace, timers: Timers): Pick<EvaluatedModule, 'frames' | 'placeOf' | 'dispose'> {
  return {
    frames: (error) => trace.frames(error),
    placeOf: (error) => trace.placeOf(error),
    dispose: () => timers.dispose(),
  };
}

async function run(
  build: PluginBuild,
  trace: Trace,
  timers: Timers,
  signal: AbortSignal | undefined,
): Promise<{ exports: Exports; life: WeakRef<object> }> {
  const module = compile(build.code, trace);
  const sightline = await importSightline();
  // The code keeps this object in its outermost scope and nobody else keeps it.
  const life = {};
  const exports = await module(
    new Scope(trace, signal),
    life,
    requireFor(build.file, sightline),
    ...shadowedTimers.map((name) => timers.functions[name]),
  );
  return { exports, life: new WeakRef(life) };
}

function compile(code: string, trace: Trace): ModuleFunction {
  try {
    return new AsyncFunction(...scopeParameters, `${code}\n//# sourceURL=${trace.url}`);
  } catch (error) {
    throw syntaxProblem(error, code, trace);
  }
}

/** The promise's own end is heard in any case. */
function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
