import type { Settings } from './options.ts';
import { listenTo, openSocket, type WebSocketLike } from './web-socket.ts';

/** How a connection ended, or did not come to be. */
export interface ConnectionEnd {
  /** Of the close frame; 1006 where there was none (RFC 6455 §7.4.1). */
  readonly code: number;
  /** The server's, or what is known of the failure. */
  readonly reason: string;
  readonly wasOpen: boolean;
}

export interface ConnectionOwner {
  opened(): void;
  received(data: unknown): void;
  /** Once, and nothing after it. */
  ended(end: ConnectionEnd): void;
}

/** `WebSocket.OPEN`. */
const openState = 1;

/** A close code of ours: a client may give 1000 and those from 3000 on, nothing else. */
const droppedCode = 4_000;

/**
 * One WebSocket from its handshake to its end. It hears by itself whether the server is still there: silence is
 * broken by a `ping` of the protocol, since a browser cannot send one of WebSocket's own.
 */
export class Connection {
  readonly #settings: Settings;
  readonly #owner: ConnectionOwner;
  readonly #socket: WebSocketLike;
  #isOpen = false;
  #hasEnded = false;
  #failure = '';
  #heardAtMs = 0;
  /** The server was asked whether it is there. */
  #isAsked = false;
  #timer: ReturnType<typeof setTimeout>;

  /** Throws where the platform cannot make it. */
  constructor(settings: Settings, owner: ConnectionOwner) {
    this.#settings = settings;
    this.#owner = owner;
    const { connectTimeoutMs } = settings;
    this.#socket = openSocket(settings.url, settings);
    listenTo(this.#socket, 'open', () => this.#opened());
    listenTo(this.#socket, 'message', ({ data }) => this.#received(data));
    listenTo(this.#socket, 'error', ({ message }) => {
      this.#failure = message ?? '';
    });
    listenTo(this.#socket, 'close', ({ code, reason }) => this.#end(code, reason || this.#failure));
    this.#timer = setTimeout(
      () => this.drop(`no connection within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
  }

  /** What is sent now can arrive: the server has not begun to close either. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#hasEnded && this.#socket.readyState === openState;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** The proper end: the server is told, and may answer within `closeTimeoutMs`. */
  close(code: number): void {
    if (this.#hasEnded) return;
    const { closeTimeoutMs } = this.#settings;
    this.#wait(closeTimeoutMs, () => this.drop(`no close frame within ${closeTimeoutMs} ms`));
    this.#socket.close(code);
  }

  /** The end at once, whatever the server does. */
  drop(why: string): void {
    this.#end(1006, why);
    // Its handlers find that it has ended. `ws` waits 30 s for a close frame of a server that is gone.
    this.#socket.close(droppedCode, why);
    if ('terminate' in this.#socket && typeof this.#socket.terminate === 'function') this.#socket.terminate();
  }

  #opened(): void {
    if (this.#hasEnded) return;
    this.#isOpen = true;
    this.#heardAtMs = performance.now();
    this.#listen();
    this.#owner.opened();
  }

  #received(data: unknown): void {
    if (this.#hasEnded) return;
    this.#heardAtMs = performance.now();
    // Any message is a sign of life.
    if (this.#isAsked) {
      this.#isAsked = false;
      this.#listen();
    }
    this.#owner.received(data);
  }

  /** One timer looks again and again, rather than each message setting one. */
  #listen(): void {
    const { silenceMs, answerMs } = this.#settings.heartbeat;
    const leftMs = this.#heardAtMs + silenceMs - performance.now();
    if (leftMs > 0) {
      this.#wait(leftMs, () => this.#listen());
      return;
    }
    this.#isAsked = true;
    this.#wait(answerMs, () => this.drop(`no answer to a ping within ${answerMs} ms`));
    if (this.isOpen) this.send('{"type":"ping"}');
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  #end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#owner.ended({ code, reason, wasOpen: this.#isOpen });
  }
}
