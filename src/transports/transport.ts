import type { SightlineError } from '../errors.ts';
import type { ConnectTry } from '../exchange/attempt.ts';
import type { QueryBody } from '../exchange/query.ts';
import type { RawHeaders } from '../wire/headers.ts';

/** A request as it goes to an upstream. */
export interface TransportRequest {
  readonly method: string;
  /** Path and query string on the upstream, as they are to stand on the wire. */
  readonly target: string;
  /** End-to-end headers, `host` among them. */
  readonly headers: RawHeaders;
  readonly body: QueryBody;
  /** Trailer fields, asked for when the body has ended. */
  readonly trailers: () => RawHeaders;
}

/** What the receiver of a reply may do to its flow. All are safe at any time and after the end. */
export interface FlowControl {
  pause(): void;
  resume(): void;
  /** Ends the request at once; nothing more is received. */
  abort(): void;
}

/**
 * Receives one reply: `onHead`, then `onData` any number of times, then `onEnd`; or at any moment `onError`,
 * which ends it.
 */
export interface ReplyReceiver {
  onHead(status: number, statusMessage: string, headers: RawHeaders): void;
  onData(chunk: Buffer): void;
  onEnd(trailers: RawHeaders): void;
  onError(error: SightlineError): void;
  /** A connection was tried that this request waits for. Only where requests share one. */
  onConnectTry?(connectTry: ConnectTry): void;
}

/** `connecting`: also while it tries again. */
export type TransportState = 'idle' | 'connecting' | 'open' | 'closed';

export interface TransportHealth {
  readonly state: TransportState;
  readonly connections: number;
  /** Requests with a connection. */
  readonly running: number;
  /** Requests that wait for one. */
  readonly queued: number;
}

/**
 * How bytes travel to one upstream.
 *
 * `connect` makes it ready and may be called again; `send` connects where nobody has. `close` is idempotent,
 * safe before `connect`, lets what runs finish within `deadlineMs` and then cuts it off. After `close`,
 * `send` answers with an error.
 */
export interface Transport {
  readonly health: TransportHealth;
  connect(): Promise<void>;
  /** Never throws: every failure reaches the receiver, and no call reaches it before `send` has returned. */
  send(request: TransportRequest, receiver: ReplyReceiver): FlowControl;
  close(deadlineMs: number): Promise<void>;
}
