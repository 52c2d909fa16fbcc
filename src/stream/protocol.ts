/**
 * The stream protocol, version 1: on one WebSocket at `/stream` a client asks many queries at once. Each
 * message is a JSON object `{ type, id, … }` in a text frame; `id` is chosen by the client, and names its query
 * until the `response` or `error` that ends it.
 *
 * A query takes the way of an HTTP request with the same method, path, headers and body. What the client sent
 * with the upgrade (authorization, tenant) is sent with each query, unless the query has a header of that name.
 *
 * Flow control is that of HTTP/2 (RFC 9113 §5.2) in one direction: where a query names a `window`, at most so
 * many bytes of its reply are on their way until the client grants more.
 */
import { z } from 'zod';
import type { Usage } from '../exchange/facts.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { JsonObject } from '../wire/json.ts';

/** `sec-websocket-protocol`; a client may offer it, and gets it back where it does. */
export const streamSubprotocol = 'sightline.stream.v1';

/** Where the stream protocol is spoken. */
export const streamPath = '/stream';

/** Header names as they were written; a list where a header came more than once. */
export type MessageHeaders = Readonly<Record<string, string | readonly string[]>>;

const headerName = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/, 'expected header names (RFC 9110 §5.1)');
const headerValue = z
  .string()
  .max(16_384)
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected header values without line breaks (RFC 9110 §5.5)');
const headers = z.record(headerName, z.union([headerValue, z.array(headerValue).max(64)]));

const id = z.union(
  [z.string().min(1).max(128), z.number().int().nonnegative()],
  'expected an id: a text of 1 to 128 characters, or a whole number',
);

/** The messages of a client. Unknown fields are refused: a slip of the pen must not be passed over. */
export const clientMessages = {
  query: z
    .strictObject({
      type: z.literal('query'),
      id,
      method: z
        .string()
        .regex(/^[A-Z]{1,20}$/, 'expected a method in capital letters')
        .default('POST'),
      /** With the prefix of its upstream, as over HTTP. */
      path: z
        .string()
        .max(8_192)
        .regex(/^\/[\x21-\x7e]*$/, 'expected a path that begins with "/"'),
      headers: headers.optional(),
      /** The body: as JSON, as text, or as bytes. */
      body: z.record(z.string(), z.unknown(), 'expected a JSON object').optional(),
      text: z.string().optional(),
      base64: z.base64('expected base64').optional(),
      trailers: headers.optional(),
      /** Default `events`: a stream's events one by one, other bodies whole. `bytes`: any body, in pieces, as it is. */
      reply: z.enum(['events', 'bytes'], 'expected "events" or "bytes"').default('events'),
      window: z
        .number()
        .int()
        .min(1)
        .max(2 ** 31 - 1)
        .optional(),
      /** W3C Trace Context: the parent of the query's span. Default: the session's span. */
      traceparent: z.string().max(256).optional(),
      tracestate: z.string().max(1_024).optional(),
    })
    .refine(
      ({ body, text, base64 }) => [body, text, base64].filter((one) => one !== undefined).length <= 1,
      'expected one of body, text and base64',
    ),
  /** The query is no longer wanted: it ends as `client_aborted`, and is answered with an `error`. */
  cancel: z.strictObject({ type: z.literal('cancel'), id }),
  /** So many bytes more of the query's reply may be sent. */
  window: z.strictObject({
    type: z.literal('window'),
    id,
    bytes: z
      .number()
      .int()
      .min(1)
      .max(2 ** 31 - 1),
  }),
  /** Answered by a `pong` with the same id. */
  ping: z.strictObject({ type: z.literal('ping'), id: id.optional() }),
  /** The answer to a `ping` of ours. */
  pong: z.strictObject({ type: z.literal('pong'), id: id.optional() }),
} as const;

export type ClientMessageType = keyof typeof clientMessages;
export type MessageId = z.output<typeof id>;
export type QueryMessage = z.output<typeof clientMessages.query>;
/** As a client writes it: what has a default may be left out. */
export type QueryMessageInput = z.input<typeof clientMessages.query>;

/**
 * A part of a reply. In `events` one event of the stream: `data` parsed where it is JSON, else as text. In
 * `bytes` a piece of the body: `text` where it is valid UTF-8, else `base64`. The first one has the head.
 */
export interface ChunkMessage {
  readonly type: 'chunk';
  readonly id: MessageId;
  readonly status?: number;
  readonly statusMessage?: string;
  readonly headers?: MessageHeaders;
  /** The `event:` field, where the stream has one. */
  readonly event?: string;
  readonly data?: unknown;
  readonly text?: string;
  readonly base64?: string;
}

/**
 * The end of a query that was answered, whatever the status. The head where no chunk had it; the body where it
 * was not sent in chunks.
 */
export interface ResponseMessage {
  readonly type: 'response';
  readonly id: MessageId;
  readonly status: number;
  readonly statusMessage?: string;
  readonly headers?: MessageHeaders;
  readonly body?: JsonObject;
  readonly text?: string;
  readonly base64?: string;
  readonly trailers?: MessageHeaders;
  readonly outcome: Outcome;
  readonly model?: string;
  readonly usage?: Readonly<Usage>;
  readonly finishReasons?: readonly string[];
  readonly traceId?: string;
}

/** A query that ended without its whole reply, or a message that was not accepted; without id where none was read. */
export interface ErrorMessage {
  readonly type: 'error';
  readonly id?: MessageId;
  readonly error: {
    /** Of the error table. */
    readonly code: string;
    readonly message: string;
    readonly status: number;
    /** What of the message was wrong: `body.model`. */
    readonly field?: string;
    readonly reason?: string;
    readonly outcome?: Outcome;
    readonly traceId?: string;
    readonly exchangeId?: string;
  };
}

export interface PingMessage {
  readonly type: 'ping' | 'pong';
  readonly id?: MessageId;
}

export type ServerMessage = ChunkMessage | ResponseMessage | ErrorMessage | PingMessage;
