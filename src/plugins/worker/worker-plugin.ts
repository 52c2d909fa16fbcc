import { isDeepStrictEqual } from 'node:util';
import type { HookPoint } from '../../hooks/points.ts';
import type { Middleware } from '../../middleware/middleware.ts';
import { PluginProblem } from '../problem.ts';
import { atLines } from './plain-error.ts';
import type { Registered } from './protocol.ts';
import { hookProxy, middlewareProxy } from './proxies.ts';
import { Thread, type ThreadOptions } from './thread.ts';
import type { ThreadPlugin } from './thread-start.ts';

export interface WorkerPluginOptions extends ThreadOptions {
  /**
   * Told of hook callbacks that failed in the thread: nobody waits for them, so nobody else would hear of it.
   * Without it they are logged.
   */
  readonly onHookFailure?: (point: HookPoint, error: Error) => void;
}

/** A plugin that lives in a thread of its own, as the service sees it. */
export interface WorkerPlugin {
  readonly name: string;
  readonly version: string;
  /** Each callback asks the thread. Their errors have stacks in lines of the TypeScript source. */
  readonly middleware: readonly { readonly middleware: Middleware; readonly priority: number | undefined }[];
  readonly hooks: readonly {
    readonly point: HookPoint;
    readonly callback: (payload: never) => void;
    readonly priority: number | undefined;
  }[];
  /** Threads that had to be ended, or ended themselves, and were started again. */
  readonly restarts: number;
  /** The frames of what a callback threw: they are in lines of the TypeScript source already. */
  frames(error: Error): string;
  /**
   * Runs `cleanup` within its deadline, then ends the thread, come what may. Idempotent. Resolves with what
   * `cleanup` threw, if it did; never rejects.
   */
  stop(): Promise<unknown>;
}

/**
 * Starts the thread, evaluates and initializes. Rejects with a `PluginProblem`; nothing is left of it then.
 *
 * It separates time and memory, not rights: the code in a thread may do what the process may do.
 */
export async function startWorkerPlugin(options: WorkerPluginOptions): Promise<WorkerPlugin> {
  const thread = newThread(options);
  return new RestartingPlugin(options, thread, await thread.started);
}

/** There may be no thread to be had: a container's are counted. */
function newThread(options: ThreadOptions): Thread {
  try {
    return new Thread(options);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const { file } = options.build;
    throw new PluginProblem('evaluate', `Its thread was not started: ${reason}`, { file }, thrown);
  }
}

/**
 * A thread that ends is replaced at once. One whose replacements end soon as well waits between them, twice
 * as long each time: starting a thread costs a fifth of a second of processor time.
 */
const restartDelayMsMin = 100;
const restartDelayMsMax = 30_000;
/** A thread that has served for so long begins with a clean sheet. */
const steadyAfterMs = 30_000;

class RestartingPlugin implements WorkerPlugin {
  readonly name: string;
  readonly version: string;
  readonly middleware: WorkerPlugin['middleware'];
  readonly hooks: WorkerPlugin['hooks'];
  readonly #options: WorkerPluginOptions;
  readonly #registered: Registered;
  readonly #unhooked = new Set<number>();
  readonly #threadOfNow = () => this.#readyThread();
  readonly #whenStarted = () => {
    const isFull = this.#waiting >= this.#options.limits.pluginWorkerCallsMax;
    return this.#starting && !isFull ? this.#waitForStart(this.#starting.promise) : undefined;
  };
  /** A new thread is started soon, and calls wait for what becomes of it. */
  #starting: PromiseWithResolvers<void> | undefined;
  #waiting = 0;
  /** The one that serves, or the one that starts. */
  #thread: Thread | undefined;
  #isReady = true;
  #startedAt = performance.now();
  /** Ends in a row that came soon. */
  #failures = 0;
  #restarts = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped: Promise<unknown> | undefined;

  constructor(options: WorkerPluginOptions, thread: Thread, { name, version, ...registered }: ThreadPlugin) {
    this.#options = options;
    this.name = name;
    this.version = version;
    this.#registered = registered;
    this.middleware = registered.middleware.map((plain, i) => ({
      middleware: middlewareProxy(this.#threadOfNow, this.#whenStarted, i, plain),
      priority: plain.priority,
    }));
    this.hooks = registered.hooks.map(({ point, priority }, i) => ({
      point,
      priority,
      callback: this.#hook(i),
    }));
    this.#use(thread);
  }

  get restarts(): number {
    return this.#restarts;
  }

  frames(error: Error): string {
    return atLines(error.stack ?? '');
  }

  stop(): Promise<unknown> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<unknown> {
    clearTimeout(this.#timer);
    this.#startingIsOver();
    const thread = this.#thread;
    this.#thread = undefined;
    return thread?.stop();
  }

  /** The start of a thread has a deadline of its own, and becomes something in any case. */
  async #waitForStart(starting: Promise<void>): Promise<void> {
    this.#waiting += 1;
    await starting;
    this.#waiting -= 1;
  }

  #startingIsOver(): void {
    this.#starting?.resolve();
    this.#starting = undefined;
  }

  #readyThread(): Thread {
    const thread = this.#isReady ? this.#thread : undefined;
    if (thread && !thread.isFull) return thread;
    const subject = `plugin '${this.name}' ${this.version}`;
    if (this.#stopped) throw new Error(`${subject} has been stopped`);
    if (!thread) throw new Error(`${subject} is being started again after its thread ended`);
    const { pluginWorkerCallsMax } = this.#options.limits;
    throw new Error(`${subject}: ${pluginWorkerCallsMax} calls of its worker are under way already`);
  }

  #hook(index: number): (payload: never) => void {
    const plain = this.#registered.hooks[index];
    if (!plain) throw new RangeError(`There is no hook ${index}.`);
    const proxy = hookProxy(this.#threadOfNow, index, plain, (point, error) =>
      this.#hookFailed(point, error),
    );
    return (payload) => {
      if (!this.#unhooked.has(index)) proxy(payload);
    };
  }

  #hookFailed(point: HookPoint, error: Error): void {
    const { onHookFailure, log } = this.#options;
    if (onHookFailure) {
      try {
        onHookFailure(point, error);
      } catch {
        // Whoever cannot be told of a failure must not become one: nobody waits for a hook.
      }
    } else
      log.warn(
        { ...this.#fields, point, error: error.message, stack: error.stack },
        'a hook callback failed',
      );
  }

  #use(thread: Thread): void {
    this.#thread = thread;
    this.#isReady = true;
    this.#startingIsOver();
    this.#startedAt = performance.now();
    thread.onEnd = (reason, error) => this.#ended(reason, error);
    thread.onUnhooked = (hook) => this.#unhooked.add(hook);
  }

  #ended(reason: string, error: Error | undefined): void {
    this.#isReady = false;
    if (performance.now() - this.#startedAt >= steadyAfterMs) this.#failures = 0;
    this.#startAgain(reason, error);
  }

  #startAgain(reason: string, error: Error | undefined): void {
    if (this.#stopped) return;
    this.#thread = undefined;
    const delayMs =
      this.#failures === 0 ? 0 : Math.min(restartDelayMsMin * 2 ** (this.#failures - 1), restartDelayMsMax);
    this.#failures += 1;
    this.#restarts += 1;
    const when = delayMs === 0 ? 'at once' : `in ${delayMs} ms`;
    this.#options.log.warn(
      { ...this.#fields, restarts: this.#restarts, reason, ...(error && { stack: error.stack }) },
      `the worker of plugin '${this.name}' has ended: ${reason}; a new one starts ${when}, without its state`,
    );
    this.#startingIsOver();
    if (delayMs < this.#options.limits.pluginWorkerTimeoutMs) this.#starting = Promise.withResolvers();
    this.#timer = setTimeout(() => void this.#restart(), delayMs).unref();
  }

  async #restart(): Promise<void> {
    try {
      const thread = newThread(this.#options);
      this.#thread = thread;
      const { name, version, ...registered } = await thread.started;
      if (this.#stopped) return;
      if (
        name !== this.name ||
        version !== this.version ||
        !isDeepStrictEqual(registered, this.#registered)
      ) {
        void thread.stop();
        this.#startAgain('it registered something else than when it was loaded', undefined);
        return;
      }
      this.#unhooked.clear();
      this.#use(thread);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#startAgain(error.message, error);
    }
  }

  get #fields() {
    return { plugin: this.name, version: this.version };
  }
}
