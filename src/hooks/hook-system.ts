import type { Breaker } from '../exchange/breaker.ts';
import { DeadlineError, isThenable, withDeadline } from '../exchange/deadline.ts';
import { framesIn, type Owner } from '../exchange/owner.ts';
import { type BegunRun, beginRun, type HookFailure, type HookRun } from './hook-run.ts';
import { type HookPoint, type HookPoints, hookPoints } from './points.ts';

export type HookCallback<P extends HookPoint> = (payload: HookPoints[P]) => unknown;

export interface HookOptions {
  /** Higher runs earlier; ties run in the order of registration. Default 50. */
  readonly priority?: number | undefined;
  /** Who registers, for logs and counts. Default the plugin's name, or `service`. */
  readonly owner?: string | undefined;
  /** The plugin whose callback it is: its runs are timed, its failures told with lines of its source. */
  readonly plugin?: Owner | undefined;
  /** While it is open the callback is skipped. */
  readonly breaker?: Breaker | undefined;
}

/** What one callback did. */
export type HookResult = { readonly owner: string } & (
  | { readonly value: unknown }
  | { readonly error: Error }
);

export interface HookSystemOptions {
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

/** A callback that is registered, for whoever shows it. */
export interface HookWatcher {
  readonly owner: string;
  readonly plugin: Owner | undefined;
  readonly priority: number;
  readonly breaker: Breaker | undefined;
}

interface Registration extends HookWatcher {
  readonly callback: (payload: never) => unknown;
}

type Registrations = readonly Registration[];

/** Two lists as one; they are known by it as long as neither is replaced. */
interface Merged {
  readonly inherited: Registrations;
  readonly own: Registrations;
  readonly list: Registrations;
}

const none: Registrations = [];

/**
 * Runs callbacks at the hook points. Hooks watch: what a callback returns or throws changes no exchange,
 * and no exchange waits for one.
 *
 * A child runs the registrations of its parent as well, also later ones: all by priority, ties with the
 * parent's first. So a generation of plugins has hooks of its own beside those of the service.
 */
export class HookSystem {
  readonly #options: HookSystemOptions;
  readonly #parent: HookSystem | undefined;
  /** Sorted once, when registered. A list is replaced, never changed, so an execution keeps its own. */
  readonly #registrations = new Map<HookPoint, Registrations>();
  readonly #merged = new Map<HookPoint, Merged>();
  /** Callbacks under way; a bound of the process, so a child counts with its parent. */
  readonly #pending: { count: number };
  /** Those that have opened, and have skipped a callback since. */
  readonly #toldOpen = new WeakSet<Breaker>();
  /** Executions that wait for a callback. */
  #waiting = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: HookSystemOptions, parent?: HookSystem) {
    this.#options = options;
    this.#parent = parent;
    this.#pending = parent ? parent.#pending : { count: 0 };
  }

  /** Returns the remover of this registration; calling it again does nothing. */
  registerHook<P extends HookPoint>(
    point: P,
    callback: HookCallback<P>,
    options: HookOptions = {},
  ): () => void {
    if (!Object.hasOwn(hookPoints, point)) {
      throw new TypeError(
        `Unknown hook point '${point}'; expected one of ${Object.keys(hookPoints).join(', ')}.`,
      );
    }
    const { priority = 50, plugin, owner = plugin?.name ?? 'service', breaker } = options;
    if (!Number.isFinite(priority)) {
      throw new TypeError(`The priority of a hook must be a finite number, not ${priority}.`);
    }
    const registration: Registration = { callback, priority, owner, plugin, breaker };
    this.#registrations.set(point, byPriority([...this.#own(point), registration]));
    return () => {
      this.#registrations.set(
        point,
        this.#own(point).filter((other) => other !== registration),
      );
    };
  }

  /** Is anybody watching? Ask before making a payload that costs something. */
  has(point: HookPoint): boolean {
    return this.#own(point).length > 0 || this.#parent?.has(point) === true;
  }

  /** In the order in which they are called. */
  watchers(point: HookPoint): readonly HookWatcher[] {
    return this.#at(point);
  }

  /** Tells the watchers and goes on: whoever emits waits for nobody. */
  notify<P extends HookPoint>(point: P, payload: HookPoints[P]): void {
    if (this.has(point)) void this.executeHooks(point, payload);
  }

  /**
   * Runs the callbacks in turn, each with its deadline, and collects what they did, in order. Never rejects.
   */
  // No await for a callback that has answered: a synchronous watcher sees the moment that it watches.
  async executeHooks<P extends HookPoint>(point: P, payload: HookPoints[P]): Promise<HookResult[]> {
    // What one callback does to it is not what the next one sees.
    Object.freeze(payload);
    const results: HookResult[] = [];
    let isWaiting = false;
    for (const registration of this.#at(point)) {
      const result = this.#run(point, registration, payload);
      if (result instanceof Promise && !isWaiting) {
        isWaiting = true;
        this.#waiting += 1;
      }
      results.push(result instanceof Promise ? await result : result);
    }
    if (isWaiting) this.#waited();
    return results;
  }

  /**
   * Resolves when no execution of this system waits for a callback: each has answered or missed its deadline.
   * For whoever is about to clean up behind callbacks.
   */
  idle(): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #waited(): void {
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle = [];
  }

  #own(point: HookPoint): Registrations {
    return this.#registrations.get(point) ?? none;
  }

  #at(point: HookPoint): Registrations {
    const own = this.#own(point);
    const inherited = this.#parent ? this.#parent.#at(point) : none;
    if (inherited.length === 0) return own;
    if (own.length === 0) return inherited;
    const known = this.#merged.get(point);
    if (known?.own === own && known.inherited === inherited) return known.list;
    const list = byPriority([...inherited, ...own]);
    this.#merged.set(point, { inherited, own, list });
    return list;
  }

  #run(point: HookPoint, registration: Registration, payload: unknown): HookResult | Promise<HookResult> {
    const { owner, breaker } = registration;
    if (this.#pending.count >= this.#options.pendingMax) {
      const error = new Error(`${this.#pending.count} hook callbacks are under way already`);
      return this.#failed(point, owner, 'skipped', error);
    }
    if (breaker) {
      if (!breaker.allows()) return this.#skipped(point, registration, breaker);
      this.#toldOpen.delete(breaker);
    }
    const run = registration.plugin && beginRun(point, registration.plugin, payload);
    try {
      const returned = registration.callback(payload as never);
      if (isThenable(returned)) return this.#await(point, registration, run, returned);
      this.#succeeded(point, registration, run);
      return { owner, value: returned };
    } catch (thrown) {
      return this.#lost(point, registration, run, 'threw', thrown);
    }
  }

  async #await(
    point: HookPoint,
    registration: Registration,
    run: BegunRun | undefined,
    running: PromiseLike<unknown>,
  ): Promise<HookResult> {
    this.#pending.count += 1;
    try {
      const value = await withDeadline(running, this.#options.timeoutMs);
      this.#succeeded(point, registration, run);
      return { owner: registration.owner, value };
    } catch (thrown) {
      const failure = thrown instanceof DeadlineError ? 'timed_out' : 'threw';
      return this.#lost(point, registration, run, failure, thrown);
    } finally {
      this.#pending.count -= 1;
    }
  }

  #succeeded(point: HookPoint, { breaker }: Registration, run: BegunRun | undefined): void {
    breaker?.succeeded(point);
    if (run) this.#tellRun(run, undefined, undefined, undefined);
  }

  #lost(
    point: HookPoint,
    { owner, plugin, breaker }: Registration,
    run: BegunRun | undefined,
    failure: HookFailure,
    thrown: unknown,
  ): HookResult {
    breaker?.failed(point);
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
  #skipped(point: HookPoint, { owner }: Registration, breaker: Breaker): HookResult {
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

/** Higher first; sorting is stable, so ties keep their order. */
function byPriority(list: Registration[]): Registrations {
  return list.sort((a, b) => b.priority - a.priority);
}

/** Anything can be thrown, also what has no text. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const isObject = typeof thrown === 'object' || typeof thrown === 'function';
  return new Error(isObject ? 'something was thrown that is no Error' : String(thrown), { cause: thrown });
}
