import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { type ErrorCode, errorTable, SightlineError } from '../errors.ts';
import type { Received, SessionClose } from '../exchange/session-facts.ts';
import type { Limits } from '../limits.ts';
import { Heartbeat, type Patient } from '../wire/websocket/heartbeat.ts';
import type { Outlet } from './stream-sink.ts';
import { Traffic } from './traffic.ts';

/** A handshake that was answered with a WebSocket. */
export interface OpenSocket {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  /** What had been read from the socket before the first frame. */
  readonly bytesBefore: number;
}

export interface ConnectionOptions {
  readonly limits: Limits;
  /** Counted up: what comes from the client. */
  readonly received: Received;
  /** Counted up: what it is sent. */
  readonly sent: Received;
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

/** What ws says where no close frame came (RFC 6455 §7.1.5). */
const noCloseFrame = 1006;

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
  readonly #traffic: Traffic;
  readonly #heartbeat: Heartbeat;
  #close: SessionClose | undefined;
  #stall: NodeJS.Timeout | undefined;
  #isFull = false;
  #isTogether = false;
  #holds = 0;
  #isDeaf = false;
  #secondSince = 0;
  #inThisSecond = 0;

  constructor({ webSocket, socket, bytesBefore }: OpenSocket, options: ConnectionOptions) {
    const { limits, watcher, received, sent } = options;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#limits = limits;
    this.#watcher = watcher;
    this.#traffic = new Traffic(socket, { received, sent, bytesBefore });
    this.#heartbeat = new Heartbeat(this, limits);
    webSocket.on('message', (data, isBinary) => {
      if (!this.#admit()) return;
      this.#traffic.messageCame();
      // `nodebuffer`, the type that ws has where nobody sets another.
      watcher.onMessage(data as Buffer, isBinary);
    });
    webSocket.on('ping', (data) => {
      if (this.#admit()) this.#pong(data);
    });
    webSocket.on('pong', () => this.#admit());
    webSocket.on('error', (error) => this.#refuse(error));
    webSocket.on('close', (code, reason) => this.#closed(code, reason));
  }

  /** Nobody has closed it. */
  get isOpen(): boolean {
    return this.#close === undefined && this.#webSocket.readyState === this.#webSocket.OPEN;
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
    if (this.isOpen) this.#traffic.messageSent();
    // Where a text has to wait, Node keeps it, and beside it three times its length; bytes it keeps once.
    const isLarge = message.length > this.#limits.sendBufferBytesMax;
    this.#webSocket.send(isLarge ? Buffer.from(message) : message, { binary: false }, (error) => {
      onSent?.(!error);
      this.#taken();
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
    if (this.isOpen) this.#traffic.frameSent();
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
    if (this.#holds > 0) return;
    this.#webSocket.resume();
    this.#heartbeat.heard(performance.now());
  }

  /** It will be closed: nothing more is taken from the client. */
  deafen(): void {
    if (this.#isDeaf) return;
    this.#isDeaf = true;
    this.hold();
  }

  /** Closes it, as far as nobody has before. */
  close(code: number, reason: string): void {
    if (this.isOpen) {
      const text = reason.replace(/[^\x20-\x7e]/g, '?').slice(0, reasonCharsMax);
      this.#close = { by: 'sightline', code, reason: text };
      this.#traffic.frameSent();
      this.#webSocket.close(code, text);
    }
    // Its answer would never be read.
    this.#webSocket.resume();
  }

  /** Cuts it off: whoever is at the other end does not read what is before a close frame. */
  cutOff(): void {
    this.#webSocket.terminate();
  }

  /** One more message or control frame: counted, and looked at only where there are not too many of them. */
  #admit(): boolean {
    if (!this.isOpen || this.#isDeaf) return false;
    const now = performance.now();
    this.#heartbeat.heard(now);
    this.#traffic.frameCame();
    if (now - this.#secondSince >= 1_000) {
      this.#secondSince = now;
      this.#inThisSecond = 0;
    }
    this.#inThisSecond += 1;
    if (this.#inThisSecond <= this.#limits.clientMessagesPerSecondMax) return true;
    this.#watcher.onFailure(new SightlineError('too_many_messages'));
    return false;
  }

  /** A flood of pings is answered like one of messages: no further than the client takes the answers. */
  #pong(data: Buffer): void {
    this.#traffic.frameSent();
    this.#webSocket.pong(data, false, () => this.#taken());
    this.#lookAtOutput();
  }

  /** The client's frames are broken: ws has closed the connection, with the code that says how. */
  #refuse(cause: Error & { readonly code?: string }): void {
    const error = frameError(cause);
    if (!this.#close) this.#traffic.frameSent();
    this.#close ??= { by: 'sightline', code: errorTable[error.code].close, reason: '' };
    this.#watcher.onFailure(error);
  }

  #closed(code: number, reason: Buffer): void {
    this.#heartbeat.stop();
    this.#stopWatching();
    if (code !== noCloseFrame) {
      this.#traffic.frameCame();
      // ws has answered it.
      if (!this.#close) this.#traffic.frameSent();
    }
    this.#traffic.closed();
    this.#watcher.onClose(this.#close ?? { by: 'client', code, reason: reason.toString() });
  }

  #taken(): void {
    this.#traffic.taken();
    this.#lookAtOutput();
  }

  #lookAtOutput(): void {
    if (!this.isOpen) return;
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
    const before = this.#traffic.bytesTaken;
    this.#stall = setTimeout(() => {
      this.#stall = undefined;
      if (this.bytesWaiting === 0) return;
      // Slow is not stalled.
      if (this.#traffic.bytesTaken > before) this.#watchOutput();
      else this.#watcher.onFailure(new SightlineError('client_stalled'));
    }, this.#limits.clientStallTimeoutMs).unref();
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
