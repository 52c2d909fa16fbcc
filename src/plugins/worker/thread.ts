import { basename } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Meter } from '@opentelemetry/api';
import type { ExchangeView } from '../../exchange/view.ts';
import type { Limits } from '../../limits.ts';
import type { Logger } from '../../log.ts';
import type { PluginBuild } from '../compile/build.ts';
import { argumentBuffers } from './call-argument.ts';
import { ExchangeSeats, type Seat } from './exchange-seats.ts';
import { Instruments } from './instruments.ts';
import { MemoryWatch, resourceLimitsFor } from './memory-watch.ts';
import { type PendingCall, PendingCalls } from './pending-calls.ts';
import { revivedError } from './plain-error.ts';
import { applyTags } from './plain-exchange.ts';
import type { PlainAnswer } from './plain-message.ts';
import type { CallArgument, CallTarget, FromThread, ThreadData, ToThread } from './protocol.ts';
import { type PluginIdentity, type ThreadPlugin, ThreadStart } from './thread-start.ts';

export type WorkerLimits = Pick<
  Limits,
  | 'pluginWorkerTimeoutMs'
  | 'pluginWorkerHeapBytesMax'
  | 'pluginWorkerCallsMax'
  | 'pluginInitializeTimeoutMs'
  | 'pluginCleanupTimeoutMs'
>;

export interface ThreadOptions {
  readonly build: PluginBuild;
  /** Raw, for the plugin of this name. */
  readonly config: (plugin: string) => unknown;
  readonly log: Logger;
  /** Where the instruments of the plugin of this name record. */
  readonly meter: (plugin: string) => Meter;
  readonly limits: WorkerLimits;
}

interface WaitingCall extends PendingCall {
  readonly seat: Seat | undefined;
  readonly settle: (error: Error | undefined, answer: PlainAnswer | undefined) => void;
}

/** The thread's own file: TypeScript when run from the sources, JavaScript when built. */
const entry = new URL(`./thread-main${import.meta.url.slice(-3)}`, import.meta.url);

/** Confirmations of what was taken are sent for so many at once. Far below the thread's credit. */
const takenAtOnce = 16;

/** A thread that sits in a system call ends when that returns; nobody waits longer than this for it. */
const terminateTimeoutMs = 1_000;

/**
 * One thread of a plugin, from its start to its end. It starts once, and ends once: by `stop`, or by its own
 * fault, of which `onEnd` tells. Whatever the code in it does, the process goes on.
 */
export class Thread {
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #begun = new Int32Array(new SharedArrayBuffer(4));
  readonly #calls: PendingCalls<WaitingCall>;
  readonly #seats: ExchangeSeats;
  readonly #start: ThreadStart;
  readonly #memory: MemoryWatch;
  readonly #cleaned = Promise.withResolvers<unknown>();
  readonly #gone = Promise.withResolvers<void>();
  #instruments: Instruments | undefined;
  #log: Logger;
  #taken = 0;
  #isStopping = false;
  #endReason: string | undefined;
  #fatal: Error | undefined;
  /** Told, once, when it has ended by its own fault after it had started. */
  onEnd: ((reason: string, error: Error | undefined) => void) | undefined;
  onUnhooked: ((hook: number) => void) | undefined;

  constructor(options: ThreadOptions) {
    const { build, limits, log } = options;
    this.#options = options;
    this.#log = log.child({ file: build.file });
    this.#calls = new PendingCalls({
      timeoutMs: limits.pluginWorkerTimeoutMs,
      callsMax: limits.pluginWorkerCallsMax,
      begun: this.#begun,
      onHang: (culprit) => this.#hangs(culprit),
    });
    this.#start = new ThreadStart({
      file: build.file,
      timeoutMs: limits.pluginInitializeTimeoutMs,
      config: options.config,
      post: (message) => this.#post(message),
      onEvaluated: (identity) => this.#evaluated(identity),
      onReady: () => this.#worker.unref(),
      onFailed: (reason) => this.#end(reason),
    });
    this.#seats = new ExchangeSeats((seats) => this.#post({ kind: 'over', seats }));
    const workerData: ThreadData = { build, begun: this.#begun };
    this.#worker = new Worker(entry, {
      workerData,
      name: basename(build.file),
      // What was preloaded into the process, or given by `--eval`, is not for every thread of it.
      execArgv: [],
      // Nothing of it is to be seen: the thread itself gives what is printed to the log.
      stdout: true,
      stderr: true,
      resourceLimits: resourceLimitsFor(limits.pluginWorkerHeapBytesMax),
    });
    this.#memory = new MemoryWatch(this.#worker, {
      bytesMax: limits.pluginWorkerHeapBytesMax,
      collect: () => this.#post({ kind: 'collect' }),
      onExceeded: (reason) => this.#end(reason),
    });
    this.#worker.on('message', (message: FromThread) => this.#take(message));
    this.#worker.on('messageerror', () => this.#end('it sent something that cannot be read'));
    this.#worker.on('error', (thrown) => this.#threw(thrown));
    this.#worker.on('exit', (code) => this.#exited(code));
  }

  /** Resolves when `initialize` has. Rejects with a `PluginProblem`; the thread is ended then. */
  get started(): Promise<ThreadPlugin> {
    return this.#start.plugin;
  }

  get isFull(): boolean {
    return this.#calls.isFull;
  }

  /**
   * Calls a callback; `settle` hears of the answer once, never before this has returned. Throws where the
   * argument cannot cross.
   */
  call(
    target: CallTarget,
    what: string,
    argument: CallArgument,
    view: ExchangeView | undefined,
    settle: WaitingCall['settle'],
  ): Seat | undefined {
    const seat = view && this.#seats.of(view);
    const { id } = this.#calls.add((call) => ({ ...call, seat, settle }), what);
    if (seat) seat.calls += 1;
    // Somebody waits for it: until its answer or its deadline it is a reason for the process to stay.
    if (this.#calls.size === 1) this.#worker.ref();
    const exchange = seat && this.#seats.plain(seat);
    try {
      this.#post({ kind: 'call', id, target, argument, exchange }, argumentBuffers(argument));
    } catch (thrown) {
      this.#takeCall(id);
      if (seat && exchange?.head) seat.isTold = false;
      throw thrown;
    }
    return seat;
  }

  /**
   * Runs `cleanup` within its deadline and ends the thread, come what may. Resolves with what `cleanup`
   * threw, if it did; never rejects.
   */
  async stop(): Promise<unknown> {
    const { pluginCleanupTimeoutMs } = this.#options.limits;
    this.#isStopping = true;
    if (this.#start.isReady && this.#endReason === undefined) {
      this.#worker.ref();
      this.#post({ kind: 'stop' });
      const late = new Error(`cleanup gave no answer within ${pluginCleanupTimeoutMs} ms`);
      const timer = setTimeout(() => this.#cleaned.resolve(late), pluginCleanupTimeoutMs);
      const failure = await this.#cleaned.promise;
      clearTimeout(timer);
      await this.#terminate();
      return failure;
    }
    this.#end('it is stopped');
    await this.#terminate();
    return undefined;
  }

  #post(message: ToThread, moved: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, moved);
  }

  #take(message: FromThread): void {
    if (this.#endReason !== undefined && message.kind !== 'log') return;
    try {
      this.#handle(message);
    } catch (thrown) {
      this.#log.warn({ error: String(thrown) }, 'a message of a plugin in a worker cannot be taken');
    }
  }

  #handle(message: FromThread): void {
    switch (message.kind) {
      case 'answer':
        this.#answered(message);
        break;
      case 'tags': {
        const seat = this.#seats.at(message.seat);
        if (seat) applyTags(seat.view, message.tags);
        break;
      }
      case 'log':
        this.#noteTaken();
        this.#log[message.level](fieldsOf(message), message.message);
        break;
      case 'recordings':
        this.#noteTaken();
        this.#instruments?.record(message.recordings);
        break;
      case 'instrument':
        this.#instruments?.create(message);
        break;
      case 'unhooked':
        this.onUnhooked?.(message.hook);
        break;
      case 'fatal':
        this.#fatal = revivedError(message.error);
        break;
      case 'collected':
        this.#memory.collected(message.bytes);
        break;
      case 'stopped':
        this.#cleaned.resolve(message.error && revivedError(message.error));
        break;
      default:
        this.#start.take(message);
    }
  }

  #evaluated({ name, version }: PluginIdentity): void {
    this.#log = this.#options.log.child({ plugin: name, version });
    this.#instruments = new Instruments(this.#options.meter(name));
  }

  #answered({ id, answer, error, tags }: FromThread & { kind: 'answer' }): void {
    const call = this.#takeCall(id);
    if (tags && call?.seat) applyTags(call.seat.view, tags);
    call?.settle(error && revivedError(error), answer);
  }

  #takeCall(id: number): WaitingCall | undefined {
    const call = this.#calls.take(id);
    if (call?.seat) call.seat.calls -= 1;
    if (this.#calls.size === 0 && !this.#isStopping) this.#worker.unref();
    return call;
  }

  #noteTaken(): void {
    this.#taken += 1;
    if (this.#taken < takenAtOnce) return;
    this.#post({ kind: 'taken', count: this.#taken });
    this.#taken = 0;
  }

  #hangs(culprit: PendingCall | undefined): void {
    const { pluginWorkerTimeoutMs } = this.#options.limits;
    const what = culprit ? `${culprit.what} gave no answer` : 'it took no calls';
    this.#end(`${what} within ${pluginWorkerTimeoutMs} ms`);
  }

  #threw(thrown: unknown): void {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    this.#end(message, thrown instanceof Error ? thrown : undefined);
  }

  #exited(code: number): void {
    const reason = this.#fatal
      ? `nobody caught: ${this.#fatal.message}`
      : `it ended itself with code ${code}`;
    this.#end(reason, this.#fatal);
    this.#worker.removeAllListeners();
    this.#gone.resolve();
  }

  /** It is of no more use, whether it has gone already or not. The first reason is the one that tells. */
  #end(reason: string, error?: Error): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#start.ended(reason, error);
    this.#release(`: its thread was ended, as ${reason}`);
    this.#cleaned.resolve(this.#isStopping ? new Error(reason) : undefined);
    if (this.#start.isReady && !this.#isStopping) this.onEnd?.(reason, error);
    void this.#terminate();
  }

  async #terminate(): Promise<void> {
    this.#endReason ??= 'it is stopped';
    this.#release(' has been stopped');
    this.#memory.stop();
    void this.#worker.terminate().catch(() => undefined);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, terminateTimeoutMs);
    await Promise.race([this.#gone.promise, late]);
    clearTimeout(timer);
  }

  /** Nobody waits for it any more. */
  #release(why: string): void {
    for (const call of this.#calls.takeAll()) {
      call.settle(new Error(`${this.#subject}${why}`), undefined);
    }
    this.#seats.clear();
  }

  get #subject(): string {
    const { name, version } = this.#start.identity ?? {
      name: basename(this.#options.build.file),
      version: '',
    };
    return `plugin '${name}' ${version}`.trimEnd();
  }
}

function fieldsOf({ fields, error }: FromThread & { kind: 'log' }): object {
  return error ? { ...fields, err: revivedError(error) } : fields;
}
