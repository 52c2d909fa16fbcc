import type { Socket } from 'node:net';
import { type ClientOptions, type PerMessageDeflateOptions, WebSocket } from 'ws';
import type { Limits } from '../../limits.ts';
import { streamSubprotocol } from '../../stream/protocol.ts';
import { whyUnreachable } from '../failure.ts';

/** Where another Sightline speaks the stream protocol, and what it wants to see before it does. */
export interface HubAddress {
  readonly url: URL;
  /** Of the upgrade: a gateway before the hub asks for its authorization here. */
  readonly headers: Readonly<Record<string, string>>;
  /** Compress messages: a narrow line is worth it, and it costs more CPU than all the rest of the way. */
  readonly compression: boolean;
}

/** Why there is no connection, in words that go on after "cannot be reached:". */
export interface Refusal {
  readonly why: string;
  /** The same would be said again: no further try. */
  readonly isFinal: boolean;
  readonly cause: unknown;
}

export interface HandshakeWatcher {
  /** `socket` is what it runs on. */
  onOpen(webSocket: WebSocket, socket: Socket): void;
  onRefused(refusal: Refusal): void;
}

/** Each message by itself, so that no connection holds on to a window; small ones go as they are. */
const deflate: PerMessageDeflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold: 1_024,
  // Of the four threads that Node has for this, file access and name resolution.
  concurrencyLimit: 2,
};

/** Statuses below 500 that may be another one soon. */
const passing = new Set([408, 425, 429]);

/** One try to connect, from the first packet to the answered upgrade. Told to the watcher exactly once. */
export class Handshake {
  readonly #webSocket: WebSocket;
  readonly #watcher: HandshakeWatcher;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(address: HubAddress, limits: Limits, watcher: HandshakeWatcher) {
    this.#watcher = watcher;
    const options: ClientOptions & { closeTimeout: number } = {
      headers: address.headers,
      maxPayload: limits.messageBytesMax,
      closeTimeout: limits.closeTimeoutMs,
      perMessageDeflate: address.compression && deflate,
      finishRequest: (request) => {
        request.once('socket', (socket) => {
          const isReady = 'encrypted' in socket ? 'secureConnect' : 'connect';
          socket.once(isReady, () => this.#wait(limits.upgradeTimeoutMs, 'no answer to the upgrade in time'));
        });
        request.end();
      },
    };
    this.#wait(limits.connectTimeoutMs, 'no connection within the connect timeout');
    this.#webSocket = new WebSocket(address.url, streamSubprotocol, options);
    // Comes before `open`, and has the socket, which ws keeps to itself.
    this.#webSocket.on('upgrade', ({ socket }) => {
      this.#socket = socket;
    });
    this.#webSocket.on('open', () => {
      if (this.#socket && this.#end()) watcher.onOpen(this.#webSocket, this.#socket);
    });
    this.#webSocket.on('unexpected-response', (_request, { statusCode = 0 }) => {
      this.#refuse({
        why: `the upgrade was answered with status ${statusCode}`,
        isFinal: statusCode < 500 && !passing.has(statusCode),
        cause: undefined,
      });
    });
    // It stays: a socket that is cut off in its handshake tells of that as well.
    this.#webSocket.on('error', (error) => {
      this.#refuse({ why: whyFailed(error), isFinal: false, cause: error });
    });
  }

  /** Nobody waits for it any more, and the watcher is not told. */
  abort(): void {
    if (this.#end()) this.#webSocket.terminate();
  }

  #wait(ms: number, why: string): void {
    clearTimeout(this.#timer);
    if (!this.#isOver)
      this.#timer = setTimeout(() => this.#refuse({ why, isFinal: false, cause: undefined }), ms);
  }

  #refuse(refusal: Refusal): void {
    if (!this.#end()) return;
    this.#webSocket.terminate();
    this.#watcher.onRefused(refusal);
  }

  /** False where it was over already. */
  #end(): boolean {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    clearTimeout(this.#timer);
    return isFirst;
  }
}

/** ws says in words what was wrong with an upgrade that came; Node has codes for what kept it from coming. */
function whyFailed(error: Error): string {
  const why = whyUnreachable(error);
  if (why !== undefined) return why;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code?.startsWith('HPE_')) return 'its answer to the upgrade is not HTTP';
  if (code !== undefined) return `the connection broke off during the upgrade (${code})`;
  return `it does not speak ${streamSubprotocol} (${error.message})`;
}
