import type { SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** An exchange that runs, and the means to end it. */
export interface Running {
  readonly exchange: Exchange;
  fail(error: SightlineError): void;
  /** The service stops: what would go on as long as nobody ends it ends now, or as soon as nothing runs on it. */
  drain?(): void;
}

/**
 * The exchanges in flight. Each has a seat, which a later one takes after it: a `Set` that changes all the
 * time leaves old tables behind, and V8 keeps what was in them until its next full collection.
 */
export class InFlight {
  readonly #seats: (Running | undefined)[] = [];
  readonly #free: number[] = [];
  #whenEmpty: (() => void)[] = [];

  get size(): number {
    return this.#seats.length - this.#free.length;
  }

  /** Returns the seat, for `delete`. */
  add(one: Running): number {
    const seat = this.#free.pop() ?? this.#seats.length;
    this.#seats[seat] = one;
    return seat;
  }

  delete(seat: number): void {
    this.#seats[seat] = undefined;
    this.#free.push(seat);
    if (this.size > 0) return;
    for (const resolve of this.#whenEmpty) resolve();
    this.#whenEmpty = [];
  }

  exchanges(): Exchange[] {
    return this.#running().map((one) => one.exchange);
  }

  empty(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  drainAll(): void {
    for (const one of this.#running()) one.drain?.();
  }

  failAll(error: SightlineError): void {
    for (const one of this.#running()) one.fail(error);
  }

  #running(): Running[] {
    return this.#seats.filter((one) => one !== undefined);
  }
}
