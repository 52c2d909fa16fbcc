import type { WebSocket } from 'ws';

/** A client that reads so much later than it is written to is waited for. */
const bufferedBytesMax = 64 * 1024;

/** The way to one client over a WebSocket: honours back pressure, and ends every wait when the client is gone. */
export class SocketLine {
  readonly #socket: WebSocket;
  #isClosed = false;
  #isMute = false;
  #unsent = 0;
  #waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.once('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
    // Of a frame that breaks the protocol, or a client that hung up: `close` follows and says all there is to say.
    socket.on('error', () => {});
  }

  /** Nothing can be sent any more, and nothing that was will be told as sent. */
  get closed(): boolean {
    return this.#isClosed;
  }

  /** `sent` is called once the message has gone out, and never if it has not. */
  send(data: string | Buffer, sent?: () => void, isBinary = false): void {
    if (this.#isClosed || this.#isMute) return;
    this.#unsent += 1;
    this.#socket.send(data, { binary: isBinary }, (error) => {
      this.#unsent -= 1;
      if (!error) sent?.();
      this.#wake();
    });
  }

  /** An answer to what was read: nothing more is read until there is room for it. */
  answer(data: string | Buffer, sent?: () => void, isBinary = false): void {
    this.send(data, sent, isBinary);
    const room = this.room();
    if (!room || this.#socket.isPaused) return;
    this.#socket.pause();
    void room.then(() => this.#socket.resume());
  }

  /** To be awaited before the next message; nothing where there is room at once. */
  room(): Promise<void> | undefined {
    return this.#hasRoom() ? undefined : this.#until(() => this.#hasRoom());
  }

  /** From here on nothing is sent, though all is read. */
  mute(): void {
    this.#isMute = true;
  }

  /** Closes properly, after all that was sent. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Destroys the connection, but not before all that was sent has gone out. */
  async breakOff(): Promise<void> {
    this.mute();
    await this.#until(() => this.#unsent === 0);
    this.#socket.terminate();
  }

  #hasRoom(): boolean {
    return this.#isClosed || this.#socket.bufferedAmount <= bufferedBytesMax;
  }

  async #until(done: () => boolean): Promise<void> {
    while (!this.#isClosed && !done()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
