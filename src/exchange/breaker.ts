import { wordsOf } from './thrown.ts';

export type BreakerState = 'closed' | 'open' | 'half_open';

export interface Failure {
  /** Of call. */
  readonly kind: string;
  /** The beginning of what was thrown, in its own words. */
  readonly message: string;
  readonly at: Date;
}

/** What was thrown may quote all of somebody's prompt. */
const messageCharsMax = 500;

export interface BreakerOptions {
  /** Failures of one kind, one after the other, that open it. */
  readonly failuresMax: number;
  /** How long it lets nothing through, ms. */
  readonly openMs: number;
  /** Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Told of each change. What it throws reaches nobody. */
  readonly onChange?: ((state: BreakerState) => void) | undefined;
}

/**
 * Keeps calls away from what fails again and again: closed → (failures) → open → (time) → half open, where one
 * call may try: it works → closed, it fails → open.
 *
 * Failures are counted per kind of call: thousands of chunks that went well do not hide an `afterResponse`
 * that always fails.
 */
export class Breaker {
  readonly #failuresMax: number;
  readonly #openMs: number;
  readonly #now: () => number;
  readonly #onChange: BreakerOptions['onChange'];
  /** Failures since the last success, by kind; only of those that failed last. */
  readonly #failures = new Map<string, number>();
  #state: BreakerState = 'closed';
  #lastFailure: Failure | undefined;
  /** When it opened, or when its newest trial began. */
  #since = 0;

  constructor({ failuresMax, openMs, now = () => performance.now(), onChange }: BreakerOptions) {
    this.#failuresMax = failuresMax;
    this.#openMs = openMs;
    this.#now = now;
    this.#onChange = onChange;
  }

  get state(): BreakerState {
    return this.#state;
  }

  get lastFailure(): Failure | undefined {
    return this.#lastFailure;
  }

  /** Open, and its time is not over. Only a look: it takes no trial. */
  get isOpen(): boolean {
    return this.#state === 'open' && !this.#isTimeOver();
  }

  /**
   * May a call be made now? When an open breaker's time is over, the first to ask makes the trial. A trial
   * that never reports back frees its place when as much time has passed again.
   */
  allows(): boolean {
    if (this.#state === 'closed') return true;
    if (!this.#isTimeOver()) return false;
    this.#since = this.#now();
    this.#change('half_open');
    return true;
  }

  succeeded(kind: string): void {
    if (this.#state === 'half_open') {
      this.#failures.clear();
      this.#change('closed');
    } else if (this.#failures.size > 0) {
      this.#failures.delete(kind);
    }
  }

  failed(kind: string, thrown: unknown): void {
    // A copy: a slice would keep all of a long text, as the error itself keeps the code that threw it.
    const message = Buffer.from(wordsOf(thrown).slice(0, messageCharsMax)).toString();
    this.#lastFailure = { kind, message, at: new Date() };
    // A call that began before it opened says nothing new.
    if (this.#state === 'open') return;
    const failures = (this.#failures.get(kind) ?? 0) + 1;
    this.#failures.set(kind, failures);
    if (this.#state === 'closed' && failures < this.#failuresMax) return;
    this.#since = this.#now();
    this.#change('open');
  }

  #isTimeOver(): boolean {
    return this.#now() - this.#since >= this.#openMs;
  }

  #change(state: BreakerState): void {
    if (state === this.#state) return;
    this.#state = state;
    try {
      this.#onChange?.(state);
    } catch {
      // Whoever watches it must not break what it guards.
    }
  }
}
