/** A pause that somebody can cut short. It keeps no process up unless it is told to. */
export class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  /** Ends the pause under way, or else the next one. */
  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** What was rung for is being done from here on. */
  clear(): void {
    this.#isRung = false;
  }

  /** Resolves after so long, or when it rings. One pause at a time. */
  async pause(ms: number): Promise<void> {
    if (this.#isRung) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, ms).unref();
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
