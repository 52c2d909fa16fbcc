/**
 * A message that is being put together. One buffer that grows, since a message of many small frames would else
 * be many small objects.
 */
export class Assembly {
  #bytes: Buffer | undefined;
  #length = 0;

  /** The piece is copied. */
  push(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (this.#bytes === undefined) {
      this.#bytes = Buffer.from(piece);
    } else {
      if (length > this.#bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2));
        this.#bytes.copy(larger, 0, 0, this.#length);
        this.#bytes = larger;
      }
      piece.copy(this.#bytes, this.#length);
    }
    this.#length = length;
  }

  /** The whole message; the next one begins. */
  take(): Buffer {
    const whole = this.#bytes?.subarray(0, this.#length) ?? Buffer.alloc(0);
    this.#bytes = undefined;
    this.#length = 0;
    return whole;
  }
}
