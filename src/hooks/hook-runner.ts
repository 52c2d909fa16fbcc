import type { Breaker } from '../exchange/breaker.ts';
import { DeadlineError, isThenable, withDeadline } from '../exchange/deadline.ts';
import { framesIn, type Owner } from '../exchange/owner.ts';
import { type BegunRun, beginRun, type HookFailure, type HookRun } from './hook-run.ts';
import type { HookPoint } from './points.ts';

/** What one callback did. */
export type HookResult = { readonly owner: string } & (
  | { readonly value: unknown }
  | { readonly error: Error }
);

export interface HookRunnerOptions {
  /** Deadline of one callback, ms. */
  readonly timeoutMs: number;
  /** Executions that wait for a callback at once; above it further ones are skipped and reported. */
  readonly pendingMax: number;
  /**
   * Told of every callback that failed; of those that an open breaker skips, of the first one after it has
   * opened. `frames` are those of the error in its plugin's own source. What it throws itself reaches nobody.
   */
  readonly onFailure: (
    point: HookPoint,
    owner: string,
    failure: HookFailure,
    error: Error,
    frames: string | undefined,
  ) => void;
  /** Told of every further callback that an open breaker skips, to be counted. */
  readonly onSkipped?: ((point: HookPoint, owner: string) => void) | undefined;
  /** Told of every run of a plugin's callback, when it is over. */
  readonly onRun?: ((run: HookRun) => void) | undefined;
}

/** A callback that watches, and whose it is. */
export interface HookCall {
  readonly callback: (payload: never) => unknown;
  readonly owner: string;
  readonly plugin: Owner | undefined;
  readonly breaker: Breaker | undefined;
}

/**
 * Runs one callback and keeps what it does away from everybody else: it has a deadline, an open breaker skips it, too
 * many are not under way at once, and its failures are told and no more.
 */
export class HookRunner {
  readonly #options: HookRunnerOptions;
  /** Callbacks under way: a bound of the process. */
  readonly #pending: { count: number };
  /** Those that have opened, and have skipped a callback since. */
  readonly #toldOpen = new WeakSet<Breaker>();

  /** @param other Counts what is under way together with this one. */
  constructor(options: HookRunnerOptions, other?: HookRunner) {
    this.#options = options;
    this.#pending = other ? other.#pending : { count: 0 };
  }

  /** Never throws or rejects. A promise only where the callback has not answered. */
  run(point: HookPoint, call: HookCall, payload: unknown): HookResult | Promise<HookResult> {
    const { owner, breaker } = call;
    if (this.#pending.count >= this.#options.pendingMax) {
      const error = new Error(`${this.#pending.count} hook callbacks are under way already`);
      return this.#failed(point, owner, 'skipped', error);
    }
    if (breaker) {
      if (!breaker.allows()) return this.#skipped(point, call, breaker);
      this.#toldOpen.delete(breaker);
    }
    const run = call.plugin && beginRun(point, call.plugin, payload);
    try {
      const returned = call.callback(payload as never);
      if (isThenable(returned)) return this.#await(point, call, run, returned);
      this.#succeeded(point, call, run);
      return { owner, value: returned };
    } catch (thrown) {
      return this.#lost(point, call, run, 'threw', thrown);
    }
  }

  async #await(
    point: HookPoint,
    call: HookCall,
    run: BegunRun | undefined,
    running: PromiseLike<unknown>,
  ): Promise<HookResult> {
    this.#pending.count += 1;
    try {
      const value = await withDeadline(running, this.#options.timeoutMs);
      this.#succeeded(point, call, run);
      return { owner: call.owner, value };
    } catch (thrown) {
      const failure = thrown instanceof DeadlineError ? 'timed_out' : 'threw';
      return this.#lost(point, call, run, failure, thrown);
    } finally {
      this.#pending.count -= 1;
    }
  }

  #succeeded(point: HookPoint, { breaker }: HookCall, run: BegunRun | undefined): void {
    breaker?.succeeded(point);
    if (run) this.#tellRun(run, undefined, undefined, undefined);
  }

  #lost(
    point: HookPoint,
    { owner, plugin, breaker }: HookCall,
    run: BegunRun | undefined,
    failure: HookFailure,
    thrown: unknown,
  ): HookResult {
    breaker?.failed(point, thrown);
    const error = asError(thrown);
    const frames = failure === 'threw' ? framesIn(plugin, error) : undefined;
    if (run) this.#tellRun(run, failure, error, frames);
    return this.#failed(point, owner, failure, error, frames);
  }

  #tellRun(
    run: BegunRun,
    failure: HookFailure | undefined,
    error: Error | undefined,
    frames: string | undefined,
  ): void {
    const durationMs = performance.now() - run.startedAt;
    try {
      this.#options.onRun?.({ ...run, durationMs, failure, error, frames });
    } catch {
      // As below.
    }
  }

  /** Told once for each time that the breaker opens: what is called a thousand times a second fills no log. */
  #skipped(point: HookPoint, { owner }: HookCall, breaker: Breaker): HookResult {
    const error = new Error('its breaker is open after repeated failures');
    if (!this.#toldOpen.has(breaker)) {
      this.#toldOpen.add(breaker);
      return this.#failed(point, owner, 'skipped', error);
    }
    try {
      this.#options.onSkipped?.(point, owner);
    } catch {
      // As below.
    }
    return { owner, error };
  }

  #failed(
    point: HookPoint,
    owner: string,
    failure: HookFailure,
    error: Error,
    frames?: string | undefined,
  ): HookResult {
    try {
      this.#options.onFailure(point, owner, failure, error, frames);
    } catch {
      // Whoever cannot be told of a failure must not become one: nobody waits for a hook.
    }
    return { owner, error };
  }
}

/** Anything can be thrown, also what has no text. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const isObject = typeof thrown === 'object' || typeof thrown === 'function';
  return new Error(isObject ? 'something was thrown that is no Error' : String(thrown), { cause: thrown });
}
