import type { Socket } from 'node:net';
import { closeFrame, messageFrame, pingFrame } from '../../wire/websocket/frame-writer.ts';

export interface OutletOptions {
  /** The peer is a server. */
  readonly isMasked: boolean;
  readonly stallTimeoutMs: number;
  /** The peer takes no more for now. */
  readonly onFull: () => void;
  /** It takes more again, or what waited for the end of a message has gone to it. */
  readonly onRoom: () => void;
  /** Nothing goes out any more; once. */
  readonly onClosed: () => void;
  /** The peer has taken nothing of what waits for it, for too long. */
  readonly onStall: () => void;
}

/**
 * What goes to one peer of a session: the frames of the other one as they come, control frames of ours between
 * two frames, messages of ours between two messages, at last a close frame. What comes after that is dropped.
 */
export class Outlet {
  readonly #socket: Socket;
  readonly #options: OutletOptions;
  /** The other peer's frame, or its message, has gone on in part. */
  #isInFrame = false;
  #isInMessage = false;
  #isClosed = false;
  /** A close frame of ours that waits for the end of a frame. */
  #close: Buffer | undefined;
  /** Messages of ours that wait for the end of a message. */
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #stall: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: OutletOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('drain', () => options.onRoom());
  }

  /** Nothing goes out any more: a close frame has, or the connection ends without. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Something of ours waits for the end of a frame or message. */
  get isQueueing(): boolean {
    return this.#queuedBytes > 0 || this.#close !== undefined;
  }

  /** The peer takes no more for now. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Bytes that have not gone to the peer. */
  get waiting(): number {
    return this.#socket.writableLength + this.#queuedBytes;
  }

  /** Bytes that the peer has taken, as far as one can see: they may be on their way. */
  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** Bytes of the other peer's frames. `isInFrame`, `isInMessage`: what has begun does not end with them. */
  forward(bytes: Buffer, isInFrame: boolean, isInMessage: boolean): void {
    if (this.#isClosed) return;
    this.#isInFrame = isInFrame;
    this.#isInMessage = isInMessage;
    this.#write(bytes);
    if (this.isQueueing) this.#release();
  }

  /** A whole close frame of the other peer's. */
  forwardClose(bytes: Buffer): void {
    if (this.#isClosed) return;
    this.#isInFrame = false;
    this.#write(bytes);
    this.#closed();
  }

  /** A message of ours, where one can stand: now, or as soon as the other peer's message has ended. */
  send(data: Buffer, isBinary: boolean): void {
    if (this.#isClosed) return;
    const frame = messageFrame(data, isBinary, this.#options.isMasked);
    if (!this.#isInMessage && !this.#isInFrame) {
      this.#write(frame);
      return;
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
  }

  /** False where the peer has the beginning of a frame: nothing can stand there. */
  ping(payload: Buffer): boolean {
    if (this.#isClosed || this.#isInFrame) return false;
    this.#write(pingFrame(payload, this.#options.isMasked));
    return true;
  }

  /** A close frame of ours, now or as soon as the other peer's frame has ended. Of several the first goes out. */
  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#close ??= closeFrame(code, reason, this.#options.isMasked);
    if (!this.#isInFrame) this.#release();
  }

  /** Nothing is written, or waited for, any more. */
  stop(): void {
    clearTimeout(this.#stall);
    this.#closed();
  }

  #release(): void {
    if (this.#isInFrame) return;
    if (this.#close) {
      this.#write(this.#close);
      this.#closed();
    } else if (!this.#isInMessage) {
      const queue = this.#queue;
      this.#queue = [];
      this.#queuedBytes = 0;
      for (const frame of queue) this.#write(frame);
      this.#options.onRoom();
    }
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#close = undefined;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#options.onClosed();
  }

  #write(bytes: Buffer): void {
    if (!this.#socket.write(bytes)) this.#options.onFull();
    if (this.#stall === undefined && this.#socket.writableLength > 0) this.#watch();
  }

  /** One look each `stallTimeoutMs` as long as something waits: slow is not stalled. */
  #watch(): void {
    const takenBefore = this.taken;
    this.#stall = setTimeout(() => {
      this.#stall = undefined;
      if (this.#socket.writableLength === 0) return;
      if (this.taken > takenBefore) this.#watch();
      else this.#options.onStall();
    }, this.#options.stallTimeoutMs).unref();
  }
}
