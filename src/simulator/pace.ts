export interface Tempo {
  /** From the request's arrival to the first token. */
  readonly timeToFirstTokenMs: number;
  /** `Infinity`: as fast as the client takes them. */
  readonly tokensPerSecond: number;
}

/** A whole reply takes the time of its tokens, but nobody wants to wait for megabytes of padding. */
const wholeTokensMax = 512;

/**
 * When each token is due, counted from one fixed moment: a late timer delays one token and not all that
 * follow.
 */
export class Pace {
  readonly #firstAt: number;
  readonly #intervalMs: number;
  #tokens = 0;

  constructor(startedAt: number, tempo: Tempo) {
    this.#firstAt = startedAt + tempo.timeToFirstTokenMs;
    this.#intervalMs = 1000 / tempo.tokensPerSecond;
  }

  /** Milliseconds until the next token is due; 0 when it is. */
  next(): number {
    const dueAt = this.#firstAt + this.#intervalMs * this.#tokens;
    this.#tokens += 1;
    return Math.max(0, Math.ceil(dueAt - performance.now()));
  }

  /** Milliseconds until a whole reply of so many tokens is due. */
  whole(tokens: number): number {
    const dueAt = this.#firstAt + this.#intervalMs * Math.min(tokens, wholeTokensMax);
    return Math.max(0, Math.ceil(dueAt - performance.now()));
  }
}
