/**
 * How fast queries may be sent: a Sightline ends the connection of a client that sends more than
 * `clientMessagesPerSecondMax`, and with it every query that is under way. This end keeps below its own value of that
 * limit, in any second that the other one may count by: a bucket of an eighth of it, filled at three quarters of it a
 * second. The last eighth is for messages that do not wait, which take from the bucket as well.
 *
 * Times are readings of one clock, in ms.
 */
export class Pace {
  readonly #size: number;
  readonly #perMs: number;
  #left: number;
  #at = Number.NEGATIVE_INFINITY;

  constructor(messagesPerSecondMax: number) {
    this.#size = Math.max(1, messagesPerSecondMax / 8);
    this.#perMs = (messagesPerSecondMax * 3) / 4 / 1_000;
    this.#left = this.#size;
  }

  /** Until one more query may be sent; 0: now. */
  waitMs(now: number): number {
    this.#left = Math.min(this.#size, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#left >= 1 ? 0 : Math.ceil((1 - this.#left) / this.#perMs);
  }

  /** A message is sent. */
  spend(): void {
    this.#left -= 1;
  }
}
