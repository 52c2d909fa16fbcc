import { DeadlineError, isThenable, withDeadline } from '../exchange/deadline.ts';
import { type HookPoint, type HookPoints, hookPoints } from './points.ts';

export type HookCallback<P extends HookPoint> = (payload: HookPoints[P]) => unknown;

export interface HookOptions {
  /** Higher runs earlier; ties run in the order of registration. Default 50. */
  readonly priority?: number;
  /** Who registers, for logs and counts. Default `service`. */
  readonly owner?: string;
}

/** What one callback did. */
export type HookResult = { readonly owner: string } & (
  | { readonly value: unknown }
  | { readonly error: Error }
);

export type HookFailure = 'threw' | 'timed_out' | 'skipped';

interface HookSystemOptions {
  /** Deadline of one callback, ms. */
  readonly timeoutMs: number;
  /** Executions that wait for a callback at once; above it further ones are skipped and reported. */
  readonly pendingMax: number;
  /** Told of every callback that failed. What it throws itself reaches nobody. */
  readonly onFailure: (point: HookPoint, owner: string, failure: HookFailure, error: Error) => void;
}

interface Registration {
  readonly callback: (payload: never) => unknown;
  readonly priority: number;
  readonly owner: string;
}

/**
 * Runs callbacks at the hook points. Hooks watch: what a callback returns or throws changes no exchange,
 * and no exchange waits for one.
 */
export class HookSystem {
  readonly #options: HookSystemOptions;
  /** Sorted once, when registered. A list is replaced, never changed, so an execution keeps its own. */
  readonly #registrations = new Map<HookPoint, readonly Registration[]>();
  #pending = 0;

  constructor(options: HookSystemOptions) {
    this.#options = options;
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
    const { priority = 50, owner = 'service' } = options;
    if (!Number.isFinite(priority)) {
      throw new TypeError(`The priority of a hook must be a finite number, not ${priority}.`);
    }
    const registration: Registration = { callback, priority, owner };
    const list = [...this.#at(point), registration].sort((a, b) => b.priority - a.priority);
    this.#registrations.set(point, list);
    return () => {
      this.#registrations.set(
        point,
        this.#at(point).filter((other) => other !== registration),
      );
    };
  }

  /** Is anybody watching? Ask before making a payload that costs something. */
  has(point: HookPoint): boolean {
    return this.#at(point).length > 0;
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
    const results: HookResult[] = [];
    for (const registration of this.#at(point)) {
      const result = this.#run(point, registration, payload);
      results.push(result instanceof Promise ? await result : result);
    }
    return results;
  }

  #at(point: HookPoint): readonly Registration[] {
    return this.#registrations.get(point) ?? [];
  }

  #run(point: HookPoint, registration: Registration, payload: unknown): HookResult | Promise<HookResult> {
    const { owner } = registration;
    if (this.#pending >= this.#options.pendingMax) {
      const error = new Error(`${this.#pending} hook callbacks are under way already`);
      return this.#failed(point, owner, 'skipped', error);
    }
    try {
      const returned = registration.callback(payload as never);
      return isThenable(returned) ? this.#await(point, owner, returned) : { owner, value: returned };
    } catch (thrown) {
      return this.#failed(point, owner, 'threw', thrown);
    }
  }

  async #await(point: HookPoint, owner: string, running: PromiseLike<unknown>): Promise<HookResult> {
    this.#pending += 1;
    try {
      return { owner, value: await withDeadline(running, this.#options.timeoutMs) };
    } catch (thrown) {
      return this.#failed(point, owner, thrown instanceof DeadlineError ? 'timed_out' : 'threw', thrown);
    } finally {
      this.#pending -= 1;
    }
  }

  #failed(point: HookPoint, owner: string, failure: HookFailure, thrown: unknown): HookResult {
    const error = asError(thrown);
    try {
      this.#options.onFailure(point, owner, failure, error);
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
