import type { Breaker } from '../exchange/breaker.ts';
import type { Owner } from '../exchange/owner.ts';
import { type HookCall, type HookResult, HookRunner, type HookRunnerOptions } from './hook-runner.ts';
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

interface Registration extends HookCall {
  readonly priority: number;
}

/** A callback that is registered, for whoever shows it. */
export type HookWatcher = Omit<Registration, 'callback'>;

type Registrations = readonly Registration[];

/** Two lists as one; they are known by it as long as neither is replaced. */
interface Merged {
  readonly inherited: Registrations;
  readonly own: Registrations;
  readonly list: Registrations;
}

const none: Registrations = [];

/**
 * Who watches at each hook point, called in turn. Hooks watch: what a callback returns or throws changes no exchange,
 * and no exchange waits for one.
 *
 * A child runs the registrations of its parent as well, also later ones: all by priority, ties with the
 * parent's first. So a generation of plugins has hooks of its own beside those of the service.
 */
export class HookSystem {
  readonly #runner: HookRunner;
  readonly #parent: HookSystem | undefined;
  /** Sorted once, when registered. A list is replaced, never changed, so an execution keeps its own. */
  readonly #registrations = new Map<HookPoint, Registrations>();
  readonly #merged = new Map<HookPoint, Merged>();
  /** Executions that wait for a callback. */
  #waiting = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: HookRunnerOptions, parent?: HookSystem) {
    this.#runner = new HookRunner(options, parent ? parent.#runner : undefined);
    this.#parent = parent;
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
      const result = this.#runner.run(point, registration, payload);
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
}

/** Higher first; sorting is stable, so ties keep their order. */
function byPriority(list: Registration[]): Registrations {
  return list.sort((a, b) => b.priority - a.priority);
}
