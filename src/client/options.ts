import type { QueryError } from './query-error.ts';
import type { WebSocketClass } from './web-socket.ts';

/** A message as it came. */
export interface ServerEvent {
  readonly type: string;
  readonly id?: unknown;
  readonly [field: string]: unknown;
}

/**
 * - `connecting`: the first attempt.
 * - `open`.
 * - `reconnecting`: there is no connection, and there will be another attempt.
 * - `offline`: the attempts are used up; the next query begins them anew.
 * - `closed`: for good, by `close` or because the server does not want this client.
 */
export type ConnectionState = 'connecting' | 'open' | 'reconnecting' | 'offline' | 'closed';

export interface StateChange {
  readonly state: ConnectionState;
  /** Why there is no connection. */
  readonly error?: QueryError;
  /** In `reconnecting`: the wait until the next attempt. */
  readonly delayMs?: number;
}

export interface ReconnectOptions {
  /** Attempts in a row, the first one included, before those who wait are told. Default 5; `Infinity` is fine. */
  readonly attempts?: number;
  /** About the wait before the second attempt; it doubles with each. Default 250. */
  readonly delayMs?: number;
  /** The longest wait. Default 10 000. */
  readonly delayMaxMs?: number;
}

export interface HeartbeatOptions {
  /** Silence of the server after which it is asked whether it is there. Default 20 000. */
  readonly silenceMs?: number;
  /** How long the answer may take; then the connection is dropped and made anew. Default 10 000. */
  readonly answerMs?: number;
}

export interface ConnectOptions {
  /**
   * Of the handshake, and so of each query. Node, Bun and Deno take them; in browsers no WebSocket does, and
   * `connect` throws: give them with each query there.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Another WebSocket than the platform's: `import { WebSocket } from 'ws'`. */
  readonly webSocket?: WebSocketClass;
  /** Bytes of a reply that may be on their way before they are taken; of one query: `window`. Default 256 KiB. */
  readonly window?: number;
  /** Queries that wait for a connection; one more is rejected with `queue_full`. Default 256. */
  readonly queueMax?: number;
  readonly reconnect?: ReconnectOptions;
  readonly heartbeat?: HeartbeatOptions;
  /** From the attempt to the open connection. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long the server may take to answer `close`. Default 5 000. The client is done with the connection then, but
   * cannot cut it off: Node's own WebSocket holds its process until the server answers, that of `ws` does not.
   */
  readonly closeTimeoutMs?: number;
  /** Each change of the connection's state, for an app that shows it. */
  readonly onState?: (change: StateChange) => void;
  /** Messages that answer no query: those of plugins, and errors that name no query. */
  readonly onMessage?: (message: ServerEvent) => void;
}

export interface QueryOptions {
  /** With the prefix of its upstream, as over HTTP: `/v1/chat/completions`. */
  readonly path: string;
  /** Default `POST`. */
  readonly method?: string;
  /** Beside those of the connection, and in their place. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** An object is sent as JSON; a text and bytes as they are. */
  readonly body?: object | string | Uint8Array;
  readonly trailers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default `events`: a stream's events one by one, other bodies whole. `bytes`: any body, in pieces, as it is. */
  readonly reply?: 'events' | 'bytes';
  /** In place of the connection's. */
  readonly window?: number;
  /** Aborted: the query is cancelled, and rejected with `client_aborted`. */
  readonly signal?: AbortSignal;
  /** W3C Trace Context: the parent of the query's span. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** A message of a type that a plugin brings. */
export interface SentMessage {
  readonly type: string;
  /** The client numbers what it sends. */
  readonly id?: never;
  readonly [field: string]: unknown;
}

export interface SendOptions {
  readonly signal?: AbortSignal;
  /**
   * Whether this message is the last one of the answer; those before it are events. Asked of messages of types
   * that plugins bring: a `response` and an `error` always are. Default: the first one is.
   */
  readonly until?: (message: ServerEvent) => boolean;
  /**
   * The window that the plugin gives the query which it makes of the message, where it does: as much is granted
   * anew as events are taken. Default: none, and what nobody takes is held here.
   */
  readonly window?: number;
}

/** What a client is made with, every default filled in. */
export interface Settings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly webSocket: WebSocketClass | undefined;
  readonly window: number;
  readonly queueMax: number;
  readonly reconnect: Required<ReconnectOptions>;
  readonly heartbeat: Required<HeartbeatOptions>;
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly onState: ((change: StateChange) => void) | undefined;
  readonly onMessage: ((message: ServerEvent) => void) | undefined;
}

/** Throws a `TypeError` where the address is not one of a WebSocket. */
export function settingsOf(url: string | URL, options: ConnectOptions): Settings {
  return {
    url: addressOf(url),
    headers: options.headers,
    webSocket: options.webSocket,
    window: options.window ?? 256 * 1024,
    queueMax: options.queueMax ?? 256,
    reconnect: { attempts: 5, delayMs: 250, delayMaxMs: 10_000, ...options.reconnect },
    heartbeat: { silenceMs: 20_000, answerMs: 10_000, ...options.heartbeat },
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 5_000,
    onState: options.onState,
    onMessage: options.onMessage,
  };
}

/** In a browser the address may be relative to the page. */
function addressOf(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  const address = new URL(url, location?.href);
  address.protocol = address.protocol.replace(/^http/, 'ws');
  if (address.protocol !== 'ws:' && address.protocol !== 'wss:')
    throw new TypeError(`Expected an address that begins with ws:// or wss://, got '${address.protocol}'.`);
  address.hash = '';
  return address.href;
}
