import type { Response } from 'express';
import { SightlineError } from '../errors.ts';

const minuteMs = 60_000;

/** How many wrong tokens came within the last minute, from anybody. */
export class WrongTokens {
  readonly #max: number;
  readonly #clock: () => number;
  /** When; at most so many, the oldest first. */
  readonly #times: number[] = [];

  /** @param clock Any that rises, in ms. */
  constructor(max: number, clock: () => number = () => performance.now()) {
    this.#max = max;
    this.#clock = clock;
  }

  /** Throws `too_many_wrong_tokens` where no more may be tried, and says when. */
  refuseMore(response: Response): void {
    const [oldest = 0] = this.#times;
    const waitMs = oldest + minuteMs - this.#clock();
    if (this.#times.length < this.#max || waitMs <= 0) return;
    response.set('retry-after', String(Math.ceil(waitMs / 1_000)));
    throw new SightlineError('too_many_wrong_tokens');
  }

  note(): void {
    this.#times.push(this.#clock());
    if (this.#times.length > this.#max) this.#times.shift();
  }
}
