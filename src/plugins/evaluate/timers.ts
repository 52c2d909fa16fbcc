import { promisify } from 'node:util';
import type { shadowedTimers } from '../compile/module-scope.ts';

type Callback = (...values: unknown[]) => unknown;
type Timer = NodeJS.Timeout | NodeJS.Immediate;
type TimerFunctions = Record<(typeof shadowedTimers)[number], Callback>;

/**
 * The timers of one evaluated module: real ones, that end with it.
 *
 * After `dispose`, setting one still gives back a timer, which never fires. Throwing instead would reach
 * code that goes on for exchanges which began with this version, and fail them for a timer that is worth
 * nothing any more.
 */
export class Timers {
  readonly #onError: ((error: unknown) => void) | undefined;
  /** Those that are still to fire. */
  readonly #pending = new Set<Timer>();
  #isDisposed = false;

  /** `onError` is told of what a callback throws; without it that is an uncaught exception, as ever. */
  constructor(onError?: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** How many are still to fire. */
  get pending(): number {
    return this.#pending.size;
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const timer of this.#pending) cancel(timer);
    this.#pending.clear();
  }

  readonly functions: TimerFunctions = {
    setTimeout: this.#setter(setTimeout, 'once'),
    setInterval: this.#setter(setInterval, 'again'),
    setImmediate: this.#setter(setImmediate, 'once'),
    clearTimeout: (timer) => this.#clear(timer),
    clearInterval: (timer) => this.#clear(timer),
    clearImmediate: (timer) => this.#clear(timer),
  };

  #setter(
    real: typeof setTimeout | typeof setInterval | typeof setImmediate,
    fires: 'once' | 'again',
  ): Callback {
    const set = real as unknown as (...values: unknown[]) => Timer;
    const setter = (callback: unknown, ...values: unknown[]) => {
      // Node has the words for what is no function.
      if (typeof callback !== 'function') return set(callback);
      const timers = this;
      const timer = set(
        function (this: unknown, ...given: unknown[]) {
          if (fires === 'once') timers.#pending.delete(timer);
          timers.#run(callback as Callback, this, given);
        },
        ...values,
      );
      if (this.#isDisposed) cancel(timer);
      else this.#track(timer);
      return timer;
    };
    // `promisify(setTimeout)` waits by Node's own timer: a promise that nobody waits for runs nothing.
    const promised: unknown = Reflect.get(real, promisify.custom);
    return promised === undefined ? setter : Object.assign(setter, { [promisify.custom]: promised });
  }

  #track(timer: Timer): void {
    this.#pending.add(timer);
    // A timer can be ended by its own methods, too, and must not be kept then.
    timer[Symbol.dispose] = this.#dispose;
    if ('close' in timer) timer.close = this.#close;
  }

  // Functions of the module, not of the timer: many timers share them.
  readonly #dispose = ofThis((timer: Timer) => void this.#clear(timer));
  readonly #close = ofThis((timer: NodeJS.Timeout) => {
    this.#clear(timer);
    return timer;
  });

  #clear(given: unknown): undefined {
    // Node takes a timer's number for it.
    const timer = typeof given === 'object' ? given : this.#numbered(given);
    this.#pending.delete(timer as Timer);
    cancel(timer as Timer);
  }

  #numbered(given: unknown): Timer | undefined {
    for (const timer of this.#pending) {
      if (Symbol.toPrimitive in timer && timer[Symbol.toPrimitive]() === Number(given)) return timer;
    }
    return undefined;
  }

  #run(callback: Callback, self: unknown, values: unknown[]): void {
    // One that was refreshed after it had fired is in no list, so this is asked here as well.
    if (this.#isDisposed) return;
    const onError = this.#onError;
    if (!onError) {
      Reflect.apply(callback, self, values);
      return;
    }
    try {
      const returned: unknown = Reflect.apply(callback, self, values);
      if (returned instanceof Promise) returned.catch(onError);
    } catch (error) {
      onError(error);
    }
  }
}

/** `clearTimeout` ends intervals as well. */
function cancel(timer: Timer | undefined): void {
  if (timer && 'refresh' in timer) clearTimeout(timer);
  else clearImmediate(timer);
}

function ofThis<This, Result>(method: (self: This) => Result): (this: This) => Result {
  return function (this: This) {
    return method(this);
  };
}
