export interface HeartbeatLimits {
  /** Silence after which a peer is asked. */
  readonly pingIntervalMs: number;
  /** The time it has to answer. */
  readonly pongTimeoutMs: number;
}

/** Whose heart it is. */
export interface Patient {
  /** Everything that came, also a part of a message: a sign of life. */
  readonly bytesRead: number;
  /** Nothing is read from it at the moment: its silence means nothing. */
  readonly isHeld: boolean;
  ping(): void;
  /** It has not answered a ping in time. Returns whether to go on. */
  silent(): boolean;
}

/** Asks whoever was silent for a while whether it is still there. */
export class Heartbeat {
  readonly #patient: Patient;
  readonly #limits: HeartbeatLimits;
  #timer: NodeJS.Timeout;
  #heardAt = performance.now();
  #lookedAt = this.#heardAt;
  #bytesRead: number;
  #isAsked = false;

  constructor(patient: Patient, limits: HeartbeatLimits) {
    this.#patient = patient;
    this.#limits = limits;
    this.#bytesRead = patient.bytesRead;
    this.#timer = this.#after(limits.pingIntervalMs);
  }

  /** A message or a control frame has come, or may be waiting: nothing was read, and now it is again. */
  heard(at: number): void {
    this.#heardAt = at;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    const next = this.#next(performance.now());
    if (next !== undefined) this.#timer = this.#after(next);
  }

  /** Looks, and says when to look again. */
  #next(now: number): number | undefined {
    const { pingIntervalMs, pongTimeoutMs } = this.#limits;
    const { bytesRead, isHeld } = this.#patient;
    if (isHeld || bytesRead !== this.#bytesRead || this.#heardAt > this.#lookedAt) {
      // The beginning of a long message is heard of only here.
      const lastAt = isHeld || this.#heardAt < this.#lookedAt ? now : this.#heardAt;
      this.#bytesRead = bytesRead;
      this.#lookedAt = now;
      this.#isAsked = false;
      return Math.max(1, pingIntervalMs - (now - lastAt));
    }
    if (!this.#isAsked) {
      this.#isAsked = true;
      this.#patient.ping();
      return pongTimeoutMs;
    }
    return this.#patient.silent() ? pongTimeoutMs : undefined;
  }
}
