import type { ServerResponse } from 'node:http';

/** Larger pieces are cut, so that an abort shows how much had really gone out. */
const pieceBytesMax = 64 * 1024;

interface Note {
  /** Falls due when so many bytes of the body have gone out. */
  readonly at: number;
  readonly sent: () => void;
}

/**
 * The way to one client: writes in the size of pieces that was asked for, honours backpressure, and ends
 * every wait the moment the client is gone.
 */
export class Line {
  readonly #response: ServerResponse;
  readonly #chunkBytes: number | undefined;
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #gone: Promise<void>;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the wait for time that is under way. */
  #awake: (() => void) | undefined;
  /** Ends the wait for room in the buffer, or for the last bytes to go out, that is under way. */
  #wake: (() => void) | undefined;
  /** Bytes that still wait to become a full chunk. */
  #rest: Buffer = Buffer.alloc(0);
  #accepted = 0;
  #sent = 0;
  readonly #notes: Note[] = [];

  constructor(
    response: ServerResponse,
    chunkBytes: number | undefined,
    onBytes: (bytes: Uint8Array) => void,
  ) {
    this.#response = response;
    this.#chunkBytes = chunkBytes;
    this.#onBytes = onBytes;
    this.#gone = new Promise((resolve) => {
      response.once('close', () => {
        this.#closed = true;
        clearTimeout(this.#timer);
        this.#awake?.();
        this.#wake?.();
        resolve();
      });
    });
    response.on('drain', () => this.#wake?.());
    // A write that loses the race with the client's hang-up; `close` follows and says all there is to say.
    response.on('error', () => {});
  }

  /** The client has gone, or the connection was destroyed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when the connection is closed, whoever closes it. */
  gone(): Promise<void> {
    return this.#gone;
  }

  /** Resolves early when the client goes. */
  async sleep(ms: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#timer = setTimeout(resolve, ms);
      this.#awake = resolve;
    });
    this.#awake = undefined;
  }

  /**
   * Writes a piece of the body; `sent` is called once all of it has gone out, and never if it has not. What
   * it returns has to be awaited before the next piece; nothing where there is room at once.
   */
  write(bytes: Buffer, sent?: () => void): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#accepted += bytes.length;
    if (sent) this.#notes.push({ at: this.#accepted, sent });
    if (this.#chunkBytes !== undefined) return this.#writeChunks(bytes, this.#chunkBytes);
    if (bytes.length > pieceBytesMax) return this.#writePieces(bytes);
    return this.#put(bytes) ? undefined : this.#room();
  }

  /** Sends what is held back to become a full chunk. */
  async flush(): Promise<void> {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    if (rest.length > 0 && !this.#closed && !this.#put(rest)) await this.#room();
  }

  /** Sends what is held back and ends the reply properly. */
  async end(): Promise<void> {
    await this.flush();
    if (!this.#closed) this.#response.end();
  }

  /** Destroys the connection, but not before the client has been sent all that was written. */
  async breakOff(): Promise<void> {
    await this.flush();
    while (!this.#closed && this.#sent < this.#accepted) await this.#room();
    this.#response.socket?.destroy();
  }

  async #writePieces(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed; at += pieceBytesMax) {
      if (!this.#put(bytes.subarray(at, at + pieceBytesMax))) await this.#room();
    }
  }

  /** Each chunk in a turn of its own: what is written in one turn would leave as one packet. */
  async #writeChunks(bytes: Buffer, chunkBytes: number): Promise<void> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= chunkBytes && !this.#closed) {
      const chunk = this.#rest.subarray(0, chunkBytes);
      this.#rest = this.#rest.subarray(chunkBytes);
      if (!this.#put(chunk)) await this.#room();
      await new Promise(setImmediate);
    }
  }

  #put(bytes: Buffer): boolean {
    return this.#response.write(bytes, (error) => {
      if (error) return;
      this.#onBytes(bytes);
      this.#sent += bytes.length;
      while (this.#notes[0] && this.#notes[0].at <= this.#sent) this.#notes.shift()?.sent();
      if (this.#sent === this.#accepted) this.#wake?.();
    });
  }

  async #room(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
