import type { Socket } from 'node:net';

/** What is kept of it; the rest waits in the kernel. */
const keptBytesMax = 64 * 1024;

/**
 * What a client sends before its handshake is answered. It has to wait; but a connection that nobody reads does
 * not tell that its client has gone.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  readonly #onGone: () => void;
  readonly #kept: Buffer[];
  #bytes: number;
  readonly #read = (chunk: Buffer) => {
    this.#kept.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > keptBytesMax) this.#socket.pause();
  };

  constructor(socket: Socket, head: Buffer, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
    this.#kept = head.length > 0 ? [head] : [];
    this.#bytes = head.length;
    socket.on('data', this.#read);
    socket.on('end', onGone);
    socket.on('close', onGone);
  }

  /** Puts it back, to be read by whoever comes next. */
  giveBack(): void {
    const socket = this.#socket;
    socket.pause();
    this.#leave();
    if (this.#bytes > 0) socket.unshift(Buffer.concat(this.#kept));
  }

  /** Nobody wants it: that, and what still comes, is dropped. */
  drop(): void {
    this.#leave();
    this.#socket.resume();
  }

  #leave(): void {
    this.#socket.off('data', this.#read);
    this.#socket.off('end', this.#onGone);
    this.#socket.off('close', this.#onGone);
  }
}
