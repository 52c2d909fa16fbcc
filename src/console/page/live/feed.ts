import { batch, type Signal, signal } from '@preact/signals';
import type { ExchangesTick } from '../../../admin/api/events.ts';
import type { ExchangesWindow } from '../../../admin/api/exchanges.ts';
import { ApiError } from '../state/api.ts';
import { exchangesPath, type Filter, noFilter } from './filter.ts';
import {
  type Ask,
  asksOf,
  emptyWindow,
  endedPerAsk,
  type LiveWindow,
  olderThan,
  runningMax,
  withNewer,
  withNewest,
  withOlder,
  withRunning,
} from './window.ts';

export interface FeedOptions {
  /** Rejects with an `ApiError`, or when the signal aborts. */
  readonly get: (path: string, signal: AbortSignal) => Promise<ExchangesWindow>;
  /** Runs `then` after so long. Returns what calls that off. */
  readonly wait: (ms: number, then: () => void) => () => void;
}

/** What the feed goes by. */
export interface Sight {
  readonly filter: Filter;
  readonly tick: ExchangesTick | undefined;
  /** What is on the page stays as it is. */
  readonly isPaused: boolean;
  /** Nobody sees the page: nothing is asked for. */
  readonly isHidden: boolean;
}

/** From the end of one round of questions to the next. */
export const restMs = 600;
/** From one round to the next where nothing begins or ends: the figures of what is in flight change all the same. */
export const idleMs = 1_000;
/** After an error, unless the service names another time. */
export const errorRestMs = 3_000;

/** Keeps a window of the exchanges up to date. One question at a time, and a rest after each round of them. */
export class Feed {
  readonly window: Signal<LiveWindow> = signal(emptyWindow);
  /** Of the last round; undefined where all of it was answered. */
  readonly error: Signal<ApiError | undefined> = signal(undefined);
  /** The window is of another filter, or of before a lost connection, until the new one is there. */
  readonly isStale: Signal<boolean> = signal(true);
  readonly isLoadingOlder: Signal<boolean> = signal(false);
  readonly #options: FeedOptions;
  #sight: Sight = { filter: noFilter, tick: undefined, isPaused: false, isHidden: true };
  #round: AbortController | undefined;
  #isResting = false;
  /** Something has given a reason for a round while there could be none. */
  #isDue = false;
  #callOff: (() => void) | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  look(sight: Sight): void {
    const path = exchangesPath(this.#sight.filter, {});
    this.#sight = sight;
    if (exchangesPath(sight.filter, {}) === path) this.#wake();
    else this.restart();
  }

  /** Older ones than the last are wanted: also while the list is paused. */
  older(): void {
    if (this.isLoadingOlder.peek() || olderThan(this.window.peek()) === undefined) return;
    this.isLoadingOlder.value = true;
    this.#wake();
  }

  /** What is known may be wrong by now. It stays until the newest is there. */
  restart(): void {
    this.stop();
    this.isStale.value = true;
    this.#wake();
  }

  /** Nothing is asked for until somebody looks again. Idempotent. */
  stop(): void {
    this.#round?.abort();
    this.#round = undefined;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#isResting = false;
    this.#isDue = false;
    this.isLoadingOlder.value = false;
  }

  #wake(): void {
    if (this.#round || this.#isResting) this.#isDue = true;
    else if (!this.#sight.isHidden) this.#begin();
  }

  #begin(): void {
    const { tick, isPaused } = this.#sight;
    const base = this.isStale.peek() ? emptyWindow : this.window.peek();
    const asks = asksOf(base, tick, isPaused);
    if (asks.length === 0 && !this.isLoadingOlder.peek()) return;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#isDue = false;
    this.#round = new AbortController();
    void this.#run(asks, base, this.#round.signal);
  }

  async #run(asks: readonly Ask[], base: LiveWindow, signal: AbortSignal): Promise<void> {
    let window = base;
    try {
      for (const ask of asks) window = await this.#ask(ask, window, signal);
      const isLoadingOlder = this.isLoadingOlder.peek();
      if (isLoadingOlder) window = await this.#askOlder(window, signal);
      if (signal.aborted) return;
      batch(() => {
        this.window.value = window;
        this.error.value = undefined;
        this.isStale.value = false;
        if (isLoadingOlder) this.isLoadingOlder.value = false;
      });
      // The service has begun anew.
      if (window.newest === undefined) this.#isDue = true;
      this.#rest(restMs);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asError(thrown);
      this.error.value = error;
      this.isLoadingOlder.value = false;
      this.#isDue = true;
      this.#rest(error.retryAfterMs ?? errorRestMs);
    }
  }

  async #ask(ask: Ask, window: LiveWindow, signal: AbortSignal): Promise<LiveWindow> {
    const { filter } = this.#sight;
    const { get } = this.#options;
    if (ask === 'running')
      return withRunning(
        window,
        await get(exchangesPath(filter, { state: 'in_flight', limit: runningMax }), signal),
      );
    const ended = { state: 'ended', limit: endedPerAsk };
    if (ask === 'newer' && window.newest !== undefined)
      return withNewer(window, await get(exchangesPath(filter, { ...ended, after: window.newest }), signal));
    return withNewest(window, await get(exchangesPath(filter, ended), signal));
  }

  async #askOlder(window: LiveWindow, signal: AbortSignal): Promise<LiveWindow> {
    const before = olderThan(window);
    if (before === undefined) return window;
    const path = exchangesPath(this.#sight.filter, { state: 'ended', limit: endedPerAsk, before });
    return withOlder(window, await this.#options.get(path, signal), before);
  }

  #rest(ms: number): void {
    const { wait } = this.#options;
    this.#round = undefined;
    this.#isResting = true;
    this.#callOff = wait(ms, () => {
      this.#isResting = false;
      this.#callOff = undefined;
      if (this.#isDue) this.#wake();
      else this.#callOff = wait(Math.max(0, idleMs - ms), () => this.#wake());
    });
  }
}

function asError(thrown: unknown): ApiError {
  return thrown instanceof ApiError ? thrown : new ApiError(0, { code: 'unknown', message: String(thrown) });
}
