/** One message as it came. */
interface Waiting {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

export interface MessageLineOptions {
  /** Bytes that may wait. What has been read already cannot be sent back to where it came from. */
  readonly bytesMax: number;
  /** Takes one message. The promise, where one is needed, resolves when the next one may come; it never rejects. */
  readonly take: (data: Buffer, isBinary: boolean) => Promise<void> | undefined;
  /** From the first message that takes time to the last one of those behind it. */
  readonly onBusy: (isBusy: boolean) => void;
  readonly onOverflow: () => void;
}

/** Messages one after the other, in the order in which they came. */
export class MessageLine {
  readonly #options: MessageLineOptions;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #isBusy = false;

  constructor(options: MessageLineOptions) {
    this.#options = options;
  }

  /** A message is being taken that needs time. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  push(data: Buffer, isBinary: boolean): void {
    if (this.#isBusy) {
      this.#bytes += data.length;
      if (this.#bytes > this.#options.bytesMax) this.#options.onOverflow();
      else this.#waiting.push({ data, isBinary });
      return;
    }
    const busy = this.#options.take(data, isBinary);
    if (!busy) return;
    this.#isBusy = true;
    this.#options.onBusy(true);
    void this.#goOn(busy);
  }

  /** What still waits is not taken. */
  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  async #goOn(first: Promise<void>): Promise<void> {
    await first;
    for (let i = 0; i < this.#waiting.length; i += 1) {
      const { data, isBinary } = this.#waiting[i] as Waiting;
      const busy = this.#options.take(data, isBinary);
      if (busy) await busy;
    }
    this.clear();
    this.#isBusy = false;
    this.#options.onBusy(false);
  }
}
