import type { Socket } from 'node:net';
import type { Received } from '../exchange/session-facts.ts';

export interface TrafficOptions {
  /** Counted up: what comes from the client. */
  readonly received: Received;
  /** Counted up: what it is sent. */
  readonly sent: Received;
  /** What had been read from the socket before the first frame. */
  readonly bytesBefore: number;
}

/**
 * Counts what goes over a connection, both ways. Made when the answer to the handshake has been written: bytes
 * count from the first frame on. ws joins the frames of a message: of one that came in pieces a single one is known.
 */
export class Traffic {
  readonly #socket: Socket;
  readonly #received: Received;
  readonly #sent: Received;
  readonly #readBefore: number;
  readonly #writtenBefore: number;

  constructor(socket: Socket, { received, sent, bytesBefore }: TrafficOptions) {
    this.#socket = socket;
    this.#received = received;
    this.#sent = sent;
    this.#readBefore = bytesBefore;
    this.#writtenBefore = socket.bytesWritten;
  }

  /** Bytes that the client, or the kernel for it, has taken. */
  get bytesTaken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  frameCame(): void {
    this.#received.frames += 1;
    this.#received.bytes = this.#socket.bytesRead - this.#readBefore;
  }

  messageCame(): void {
    this.#received.messages += 1;
  }

  frameSent(): void {
    this.#sent.frames += 1;
  }

  messageSent(): void {
    this.#sent.messages += 1;
    this.#sent.frames += 1;
  }

  /** Some of what was sent has been taken. */
  taken(): void {
    // To ask for the bytes costs the more the more of them wait, and the last of them to go asks again.
    if (this.#socket.writableLength === 0) this.#noteTaken();
  }

  /** The connection is gone. */
  closed(): void {
    this.#received.bytes = this.#socket.bytesRead - this.#readBefore;
    this.#noteTaken();
  }

  #noteTaken(): void {
    this.#sent.bytes = Math.max(0, this.bytesTaken - this.#writtenBefore);
  }
}
