/**
 * Requests that wait for a connection, first come first served. undici has such a line of its own, which
 * nobody can leave: clients that have gone would keep their places, and their bodies.
 */
export class WaitingLine {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  /** In the order of arrival. */
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Starts it, now or when its turn comes; each start is answered by one `done`. False: the line is full. */
  enter(start: () => void): boolean {
    if (this.#running < this.#runningMax) this.#start(start);
    else if (this.#waiting.size < this.#waitingMax) this.#waiting.add(start);
    else return false;
    return true;
  }

  /** One that has not been started needs no place any more. */
  leave(start: () => void): void {
    this.#waiting.delete(start);
  }

  /** One that was started is over. */
  done(): void {
    this.#running -= 1;
    const [next] = this.#waiting;
    if (!next || this.#running >= this.#runningMax) return;
    this.#waiting.delete(next);
    this.#start(next);
  }

  #start(start: () => void): void {
    this.#running += 1;
    start();
  }
}
