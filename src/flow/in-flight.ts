import type { SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** An exchange that runs, and the means to end it. */
export interface Running {
  readonly exchange: Exchange;
  fail(error: SightlineError): void;
}

/** The exchanges in flight. */
export class InFlight {
  readonly #running = new Set<Running>();
  #whenEmpty: (() => void)[] = [];

  get size(): number {
    return this.#running.size;
  }

  add(one: Running): void {
    this.#running.add(one);
  }

  delete(one: Running): void {
    this.#running.delete(one);
    if (this.#running.size > 0) return;
    for (const resolve of this.#whenEmpty) resolve();
    this.#whenEmpty = [];
  }

  exchanges(): Exchange[] {
    return Array.from(this.#running, (one) => one.exchange);
  }

  empty(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  failAll(error: SightlineError): void {
    for (const one of [...this.#running]) one.fail(error);
  }
}
