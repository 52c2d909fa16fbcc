import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { type ErrorCode, errorTable, SightlineError } from '../errors.ts';
import type { Received, SessionClose } from '../exchange/session-facts.ts';
import type { Limits } from '../limits.ts';
import { Heartbeat, type Patient } from './heartbeat.ts';
import type { Outlet } from './stream-sink.ts';

/** A handshake that was answered with a WebSocket. */
export interface OpenSocket {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  /** What the socket had read before the first frame. */
  readonly bytesBefore: number;
}

export interface ConnectionOptions {
  readonly limits: Limits;
  /** Counted up. */
  readonly received: Received;
  readonly watcher: ConnectionWatcher;
}

/** Told of what happens on a connection. */
export interface ConnectionWatcher {
  onMessage(data: Buffer, isBinary: boolean): void;
  /** There is room again, after `isFull`. */
  onDrain(): void;
  /** It cannot go on: whoever watches closes it. */
  onFailure(error: SightlineError): void;
  /** Once, at the end. */
  onClose(close: SessionClose): void;
}

/** RFC 6455 §5.5: a control frame has 125 bytes at most, and the code takes two of them. */
const reasonCharsMax = 123;

/** What ws says is wrong with the client's frames, where it is not simply a bad one. */
const frameErrors: Readonly<Record<string, ErrorCode>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'message_too_large',
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 'message_too_large',
  WS_ERR_INVALID_UTF8: 'bad_text',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'too_many_messages',
};

/**
 * One WebSocket of the stream protocol: messages in and out, with back pressure both ways, and the means to find
 * out that nobody is at the other end.
 */
export class StreamConnection implements Outlet, Patient {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #watcher: ConnectionWatcher;
  readonly #received: Received;
  readonly #heartbeat: Heartbeat;
  readonly #bytesBefore: number;
  #close: SessionClose | undefined;
  #stall: NodeJS.Timeout | undefined;
  #isFull = false;
  #isTogether = false;
  #holds = 0;
  #secondSince = 0;
  #inThisSecond = 0;

  constructor({ webSocket, socket, bytesBefore }: OpenSocket, options: ConnectionOptions) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#bytesBefore = bytesBefore;
    this.#limits = options.limits;
    this.#received = options.received;
    this.#watcher = options.watcher;
    this.#heartbeat = new Heartbeat(this, options.limits);
    webSocket.on('message', (data, isBinary) => {
      if (this.#admit()) {
        this.#received.messages += 1;
        // `nodebuffer`, the type that ws has where nobody sets another.
        this.#watcher.onMessage(data as Buffer, isBinary);
      }
    });
    webSocket.on('ping', (data) => {
      if (this.#admit()) webSocket.pong(data);
    });
    webSocket.on('pong', () => this.#admit());
    webSocket.on('error', (error) => this.#refuse(error));
    webSocket.on('close', (code, reason) => this.#closed(code, reason));
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  get isHeld(): boolean {
    return this.#webSocket.isPaused;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** Bytes that the client has not taken. */
  get bytesWaiting(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(message: string, onSent?: (isSent: boolean) => void): void {
    this.#webSocket.send(message, (error) => {
      onSent?.(!error);
      this.#lookAtOutput();
    });
    if (!this.#isTogether) this.#lookAtOutput();
  }

  together(send: () => void): void {
    if (this.#isTogether) {
      send();
      return;
    }
    this.#isTogether = true;
    this.#socket.cork();
    try {
      send();
    } finally {
      this.#socket.uncork();
      this.#isTogether = false;
      this.#lookAtOutput();
    }
  }

  ping(): void {
    this.#webSocket.ping();
  }

  silent(): boolean {
    // It cannot have seen the ping: what it has not taken yet is before it.
    const isBehind = this.bytesWaiting > 0;
    if (isBehind) this.#watchOutput();
    else this.#watcher.onFailure(new SightlineError('client_lost'));
    return isBehind;
  }

  /** Reads no further until `release`. What was read before still comes. */
  hold(): void {
    this.#holds += 1;
    this.#webSocket.pause();
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#webSocket.resume();
  }

  /** Closes it, as far as nobody has before. */
  close(code: number, reason: string): void {
    if (this.#isOpen) {
      const text = reason.replace(/[^\x20-\x7e]/g, '?').slice(0, reasonCharsMax);
      this.#close = { by: 'sightline', code, reason: text };
      this.#webSocket.close(code, text);
    }
    // Its answer would never be read.
    this.#webSocket.resume();
  }

  /** Cuts it off: whoever is at the other end does not read what is before a close frame. */
  cutOff(): void {
    this.#webSocket.terminate();
  }

  get #isOpen(): boolean {
    return this.#close === undefined && this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** One more message or control frame: counted, and looked at only where there are not too many of them. */
  #admit(): boolean {
    if (!this.#isOpen) return false;
    const now = performance.now();
    this.#heartbeat.heard(now);
    this.#received.frames += 1;
    this.#noteBytes();
    if (now - this.#secondSince >= 1_000) {
      this.#secondSince = now;
      this.#inThisSecond = 0;
    }
    this.#inThisSecond += 1;
    if (this.#inThisSecond <= this.#limits.clientMessagesPerSecondMax) return true;
    this.#watcher.onFailure(new SightlineError('too_many_messages'));
    return false;
  }

  /** The client's frames are broken: ws has closed the connection, with the code that says how. */
  #refuse(cause: Error & { readonly code?: string }): void {
    const error = frameError(cause);
    this.#close ??= { by: 'sightline', code: errorTable[error.code].close, reason: '' };
    this.#watcher.onFailure(error);
  }

  #closed(code: number, reason: Buffer): void {
    this.#heartbeat.stop();
    this.#stopWatching();
    this.#noteBytes();
    this.#watcher.onClose(this.#close ?? { by: 'client', code, reason: reason.toString() });
  }

  #noteBytes(): void {
    this.#received.bytes = this.bytesRead - this.#bytesBefore;
  }

  #lookAtOutput(): void {
    if (!this.#isOpen) return;
    const { sendBufferBytesMax } = this.#limits;
    if (!this.#isFull && this.bytesWaiting > sendBufferBytesMax) {
      this.#isFull = true;
      // Whoever does not read is not read either: each message of it may want an answer.
      this.hold();
      this.#watchOutput();
    } else if (this.#isFull && this.bytesWaiting <= sendBufferBytesMax / 2) {
      this.#isFull = false;
      this.release();
      this.#watcher.onDrain();
    }
  }

  /** The client has to take something of what waits for it, in time. */
  #watchOutput(): void {
    if (this.#stall) return;
    const before = this.#taken;
    this.#stall = setTimeout(() => {
      this.#stall = undefined;
      if (this.bytesWaiting === 0) return;
      // Slow is not stalled.
      if (this.#taken > before) this.#watchOutput();
      else this.#watcher.onFailure(new SightlineError('client_stalled'));
    }, this.#limits.clientStallTimeoutMs).unref();
  }

  get #taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  #stopWatching(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
  }
}

function frameError(cause: Error & { readonly code?: string }): SightlineError {
  const { code = '' } = cause;
  if (code.startsWith('Z_')) {
    return new SightlineError('bad_text', {
      message: 'The client sent a compressed message that cannot be decompressed.',
      cause,
    });
  }
  return new SightlineError(frameErrors[code] ?? 'bad_frame', { cause });
}
