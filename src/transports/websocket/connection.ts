import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { ErrorCode } from '../../errors.ts';
import type { Limits } from '../../limits.ts';
import type { ReceivedMessage } from '../../stream/protocol.ts';
import { parseJsonObject } from '../../wire/json.ts';
import { Heartbeat, type Patient } from '../../wire/websocket/heartbeat.ts';
import { Pace } from './pace.ts';
import { Seats } from './seats.ts';
import { readServerMessage } from './server-message.ts';

/** Why a connection is no more. */
export interface Loss {
  /** Of queries that had no reply yet. Those that had a part of one are `upstream_truncated`, unless it is `upstream_lost`. */
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ConnectionWatcher {
  onMessage(connection: Connection, message: ReceivedMessage): void;
  /** There is room again. */
  onWritable(): void;
  /** Once: nothing more is sent or received. */
  onLost(connection: Connection, loss: Loss): void;
  /** Once, after `onLost`: its socket is gone. */
  onGone(connection: Connection): void;
}

/** An open WebSocket to another Sightline: messages both ways, and whether the other end is there. */
export class Connection implements Patient {
  /** Queries that were sent here and have not been answered. */
  readonly seats: Seats;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #watcher: ConnectionWatcher;
  readonly #limits: Limits;
  readonly #heartbeat: Heartbeat;
  readonly #onSent = () => this.#sent();
  readonly #pace: Pace;
  #rest: NodeJS.Timeout | undefined;
  #bytesTaken = 0;
  #isFull = false;
  #isLost = false;

  constructor(webSocket: WebSocket, socket: Socket, limits: Limits, watcher: ConnectionWatcher) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#watcher = watcher;
    this.#limits = limits;
    this.#heartbeat = new Heartbeat(this, limits);
    this.seats = new Seats(limits.streamQueriesMax);
    this.#pace = new Pace(limits.clientMessagesPerSecondMax);
    webSocket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
    webSocket.on('ping', () => this.#heartbeat.heard(performance.now()));
    webSocket.on('pong', () => this.#heartbeat.heard(performance.now()));
    webSocket.on('error', (error) => this.#fail(error));
    webSocket.on('close', (code, reason) => {
      this.#lose('upstream_closed', `The upstream closed the connection (${closedBy(code, reason)}).`);
      watcher.onGone(this);
    });
  }

  readonly isHeld = false;

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  ping(): void {
    this.#webSocket.ping();
  }

  /** Where it still takes what was before the ping, it has not seen that. */
  silent(): boolean {
    const taken = this.#socket.bytesWritten - this.#socket.writableLength;
    const isBehind = this.#webSocket.bufferedAmount > 0 && taken > this.#bytesTaken;
    this.#bytesTaken = taken;
    if (isBehind) return true;
    const { pongTimeoutMs } = this.#limits;
    this.#lose('upstream_lost', `The upstream did not answer a ping within ${pongTimeoutMs} ms.`);
    this.#webSocket.terminate();
    return false;
  }

  /** One more query may be sent; otherwise `onWritable` follows, an answer to one of those before it, or `onLost`. */
  hasRoom(): boolean {
    if (this.#webSocket.readyState !== WebSocket.OPEN || !this.seats.hasRoom) return false;
    this.#isFull = this.#webSocket.bufferedAmount >= this.#limits.sendBufferBytesMax;
    return !this.#isFull && this.isOnPace();
  }

  /** One more message is not too many; otherwise the calls are asked again what they have to grant. */
  isOnPace(): boolean {
    const waitMs = this.#pace.waitMs(performance.now());
    if (waitMs > 0) this.#rest ??= setTimeout(() => this.#rested(), waitMs);
    return waitMs === 0;
  }

  /** Lost where the connection is. Small messages need not ask whether there is room. */
  send(message: string): void {
    this.#pace.spend();
    this.#webSocket.send(message, this.#onSent);
  }

  /** Tells the other end, which answers; it is cut off where it does not. */
  close(code: number, reason: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#heartbeat.stop();
    clearTimeout(this.#rest);
    this.#webSocket.close(code, reason);
  }

  destroy(): void {
    this.#isLost = true;
    this.#heartbeat.stop();
    clearTimeout(this.#rest);
    this.#webSocket.terminate();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#isLost) return;
    this.#heartbeat.heard(performance.now());
    if (isBinary) {
      this.#refuse(1003, 'expected text messages');
      return;
    }
    const json = parseJsonObject(data.toString());
    if (!json) {
      this.#refuse(1007, 'expected JSON objects');
      return;
    }
    const message = readServerMessage(json);
    if (message === 'invalid') this.#refuse(1002, 'expected messages of the stream protocol');
    else if (message === 'unknown') return;
    else if (message.type === 'ping') this.send(JSON.stringify({ type: 'pong', id: message.id }));
    else this.#watcher.onMessage(this, message);
  }

  /** What the other end says cannot be understood: not to be guessed at. */
  refuse(reason: string): void {
    this.#refuse(1002, reason);
  }

  #refuse(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
    this.#lose('upstream_invalid_reply', `The upstream does not keep to the stream protocol: ${reason}.`);
  }

  /** By ws: a frame that is none, a message above the limit, a socket that broke. It closes by itself. */
  #fail(error: Error): void {
    const code = 'code' in error ? error.code : undefined;
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      this.#lose('upstream_message_too_large', 'The upstream sent a message that is larger than the limit.');
    } else if (typeof code === 'string' && code.startsWith('WS_ERR_')) {
      this.#lose('upstream_bad_frame', `The upstream sent something that is no WebSocket message (${code}).`);
    } else {
      this.#lose('upstream_closed', `The connection to the upstream broke (${code ?? error.message}).`);
    }
  }

  #lose(code: ErrorCode, message: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#heartbeat.stop();
    clearTimeout(this.#rest);
    this.#watcher.onLost(this, { code, message });
  }

  #sent(): void {
    if (this.#isFull && !this.#isLost && this.hasRoom()) this.#watcher.onWritable();
  }

  #rested(): void {
    this.#rest = undefined;
    if (this.#isLost) return;
    this.#watcher.onWritable();
    for (const call of this.seats.calls()) call.grant();
  }
}

/** 1006 is no code of anybody: there was no close frame (RFC 6455 §7.1.5). */
function closedBy(code: number, reason: Buffer): string {
  if (code === 1006) return 'without a close frame';
  return reason.length > 0 ? `${code}: ${reason}` : String(code);
}
