import type { Limits } from '../../limits.ts';

export interface HeartbeatOptions {
  readonly limits: Pick<Limits, 'pingIntervalMs' | 'pongTimeoutMs'>;
  /** Sends a ping; false where none can be sent now. */
  readonly ping: () => boolean;
  /** What the peer has taken of all that was written to it, bytes: one that takes something is there. */
  readonly taken: () => number;
  /** Once: the peer is not there. */
  readonly onLost: () => void;
}

/** Asks a silent peer whether it is there. Any byte from it is an answer. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  #heardAt = performance.now();
  /** Undefined: nothing was asked. */
  #pingedAt: number | undefined;
  #takenBefore = 0;
  #isPaused = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#lookIn(options.limits.pingIntervalMs);
  }

  /** Something has come from the peer, at this reading of `performance.now()`. */
  heard(at: number): void {
    this.#heardAt = at;
    this.#pingedAt = undefined;
  }

  /** Nothing is read from the peer now: its silence tells nothing. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.heard(performance.now());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const { pingIntervalMs, pongTimeoutMs } = this.#options.limits;
    const now = performance.now();
    if (this.#isPaused) {
      this.#lookIn(pingIntervalMs);
    } else if (this.#pingedAt === undefined) {
      const silence = now - this.#heardAt;
      // Timers come up to a millisecond early.
      if (silence + 1 < pingIntervalMs) this.#lookIn(pingIntervalMs - silence);
      else this.#ask(now);
    } else if (this.#options.taken() > this.#takenBefore) {
      this.#takenBefore = this.#options.taken();
      this.#lookIn(pongTimeoutMs);
    } else {
      this.#options.onLost();
    }
  }

  #ask(now: number): void {
    const { limits, ping, taken } = this.#options;
    if (!ping()) {
      this.#lookIn(limits.pingIntervalMs);
      return;
    }
    this.#pingedAt = now;
    this.#takenBefore = taken();
    this.#lookIn(limits.pongTimeoutMs);
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }
}
