import type { ExchangeView } from '../../exchange/view.ts';
import { type PlainExchange, plainExchangeHead, plainExchangeState } from './plain-exchange.ts';

/** An exchange that the thread knows of. */
export interface Seat {
  readonly number: number;
  readonly view: ExchangeView;
  /** Calls under way. */
  calls: number;
  /** Middleware that it has entered and will leave, by index. */
  readonly entered: Map<number, Leaving>;
  isTold: boolean;
  /** When the exchange was first seen to have ended, `performance.now()`. */
  endedAt: number | undefined;
}

/** Which callbacks a middleware has for the way out. */
export interface Leaving {
  readonly afterResponse: boolean;
  readonly onError: boolean;
}

/** How often the seats are looked over. */
const sweepMs = 1_000;
/** After its end an exchange is still told of to hooks, at once but for those that wait for others. */
const graceMs = 5_000;
/** A middleware that was entered is left after the deadlines of those further in, if it is told at all. */
const leavingGraceMs = 60_000;

/**
 * The exchanges that one thread knows of. It keeps what the plugin notes on each until it is told that the
 * exchange is over: when no callback can come any more.
 */
export class ExchangeSeats {
  readonly #seats = new Map<ExchangeView, Seat>();
  readonly #byNumber = new Map<number, Seat>();
  readonly #onOver: (seats: readonly number[]) => void;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(onOver: (seats: readonly number[]) => void) {
    this.#onOver = onOver;
  }

  get size(): number {
    return this.#seats.size;
  }

  of(view: ExchangeView): Seat {
    const known = this.#seats.get(view);
    if (known) return known;
    this.#last += 1;
    const seat: Seat = {
      number: this.#last,
      view,
      calls: 0,
      entered: new Map(),
      isTold: false,
      endedAt: undefined,
    };
    this.#seats.set(view, seat);
    this.#byNumber.set(seat.number, seat);
    this.#timer ??= setInterval(() => this.sweep(performance.now()), sweepMs).unref();
    return seat;
  }

  at(number: number): Seat | undefined {
    return this.#byNumber.get(number);
  }

  /** What crosses with a call. */
  plain(seat: Seat): PlainExchange {
    const head = seat.isTold ? undefined : plainExchangeHead(seat.view);
    seat.isTold = true;
    return { seat: seat.number, head, state: plainExchangeState(seat.view) };
  }

  /** Tells of those that are over, and forgets them. */
  sweep(now: number): void {
    const over: number[] = [];
    for (const seat of this.#seats.values()) {
      if (!isOver(seat, now)) continue;
      over.push(seat.number);
      this.#seats.delete(seat.view);
      this.#byNumber.delete(seat.number);
    }
    if (over.length > 0) this.#onOver(over);
    if (this.#seats.size === 0) this.#stopTimer();
  }

  clear(): void {
    this.#seats.clear();
    this.#byNumber.clear();
    this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function isOver(seat: Seat, now: number): boolean {
  const { outcome } = seat.view;
  if (outcome === undefined || seat.calls > 0) return false;
  seat.endedAt ??= now;
  const way = outcome === 'completed' ? 'afterResponse' : 'onError';
  const isInside = seat.entered.values().some((leaving) => leaving[way]);
  return now - seat.endedAt >= (isInside ? leavingGraceMs : graceMs);
}
