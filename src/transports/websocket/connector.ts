import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { SightlineError } from '../../errors.ts';
import type { ConnectTry } from '../../exchange/attempt.ts';
import type { Limits } from '../../limits.ts';
import { Handshake, type HandshakeWatcher, type HubAddress, type Refusal } from './handshake.ts';
import { reconnectDelay } from './reconnect-delay.ts';

export interface ConnectorWatcher {
  /** Somebody still waits for the connection: another try is worth it. */
  readonly isWaiting: boolean;
  onConnectTry(connectTry: ConnectTry): void;
  onConnected(webSocket: WebSocket, socket: Socket): void;
  onGivenUp(error: SightlineError): void;
}

/** Connects: tries again where a try fails, later each time, until one succeeds or there were enough. */
export class Connector implements HandshakeWatcher {
  readonly #address: HubAddress;
  readonly #limits: Limits;
  readonly #watcher: ConnectorWatcher;
  #handshake: Handshake | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Since it was started, the one under way among them; 0 where it rests. */
  #tries = 0;

  constructor(address: HubAddress, limits: Limits, watcher: ConnectorWatcher) {
    this.#address = address;
    this.#limits = limits;
    this.#watcher = watcher;
  }

  get isConnecting(): boolean {
    return this.#tries > 0;
  }

  start(): void {
    if (!this.isConnecting) this.#try();
  }

  /** Tries no more; the watcher is not told. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#handshake?.abort();
    this.#rest();
  }

  onOpen(webSocket: WebSocket, socket: Socket): void {
    const number = this.#tries;
    this.#rest();
    this.#watcher.onConnectTry({ number, at: performance.now(), error: undefined, nextInMs: undefined });
    this.#watcher.onConnected(webSocket, socket);
  }

  onRefused({ why, isFinal, cause }: Refusal): void {
    const number = this.#tries;
    const isLast = isFinal || number >= this.#limits.reconnectAttemptsMax;
    const tries = isLast && number > 1 ? ` It was tried ${number} times.` : '';
    const error = new SightlineError('upstream_unreachable', {
      message: `The upstream cannot be reached: ${why}.${tries}`,
      cause,
    });
    const nextInMs = isLast ? undefined : reconnectDelay(number, this.#limits, Math.random());
    if (isLast) this.#rest();
    else this.#timer = setTimeout(() => this.#tryAgain(), nextInMs);
    this.#watcher.onConnectTry({ number, at: performance.now(), error, nextInMs });
    if (isLast) this.#watcher.onGivenUp(error);
  }

  #tryAgain(): void {
    if (this.#watcher.isWaiting) this.#try();
    else this.#rest();
  }

  #try(): void {
    this.#tries += 1;
    this.#handshake = new Handshake(this.#address, this.#limits, this);
  }

  #rest(): void {
    this.#tries = 0;
    this.#handshake = undefined;
  }
}
