/**
 * The stream protocol, version 1: on one WebSocket at `/stream` a client asks many queries at once. Each
 * message is a JSON object `{ type, id, … }` in a text frame; `id` is chosen by the client, and names its query
 * until the `response` or `error` that ends it.
 *
 * A query takes the way of an HTTP request with the same method, path, headers and body. What the client sent
 * with the upgrade (authorization, tenant) is sent with each query, unless the query has a header of that name.
 *
 * Flow control is that of HTTP/2 (RFC 9113 §5.2) in one direction: where a query names a `window`, at most so
 * many bytes of its reply are on their way until the client grants more. In `bytes` a chunk takes the bytes of
 * the body that it carries, in `events` those of its whole message, in UTF-8: so both sides count alike.
 */
import { z } from 'zod';
import type { Usage } from '../exchange/facts.ts';
import type { Outcome } from '../exchange/outcome.ts';
import { isJsonObject, type JsonObject } from '../wire/json.ts';
import { headerFields, headerName, headerText } from './header-fields.ts';

/** `sec-websocket-protocol`; a client may offer it, and gets it back where it does. */
export const streamSubprotocol = 'sightline.stream.v1';

/** Where the stream protocol is spoken. */
export const streamPath = '/stream';

/** Header names as they were written; a list where a header came more than once. */
export type MessageHeaders = Readonly<Record<string, string | readonly string[]>>;

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
        .regex(/^(?!CONNECT$)[A-Z][A-Z-]{0,19}$/, 'expected a method in capital letters, other than CONNECT')
        .default('POST'),
      /** With the prefix of its upstream, as over HTTP. */
      path: z
        .string()
        .max(8_192)
        .regex(/^\/[\x21-\x7e]*$/, 'expected a path that begins with "/", of ASCII without spaces'),
      headers: headerFields.optional(),
      /** The body: as JSON, which is written anew (numbers as JavaScript knows them), or as text or bytes, as it is. */
      body: z.custom<JsonObject>(isJsonObject, 'expected a JSON object').optional(),
      text: z.string().optional(),
      base64: z.base64('expected base64').optional(),
      trailers: headerFields.optional(),
      /** Default `events`: a stream's events one by one, other bodies whole. `bytes`: any body, in pieces, as it is. */
      reply: z.enum(['events', 'bytes'], 'expected "events" or "bytes"').default('events'),
      window: z
        .number()
        .int()
        .min(1)
        .max(2 ** 31 - 1)
        .optional(),
      /** W3C Trace Context: the parent of the query's span. Default: the session's span. */
      traceparent: headerText.max(256).optional(),
      tracestate: headerText.max(1_024).optional(),
    })
    .refine(({ body, text, base64 }) => [body, text, base64].filter((one) => one !== undefined).length <= 1, {
      path: ['body'],
      message: 'expected one of body, text and base64',
    }),
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
 * A part of a reply. In `events` one event of the stream: `data` as it is where it is JSON, else as a text. In
 * `bytes` a piece of the body: `text` where it is valid UTF-8, else `base64`. The first one has the head; in
 * `bytes` it may have nothing else, where the body is not there yet.
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
 * was not sent in chunks: such a body is not held back by a window. In `bytes` the reply is whole as the
 * upstream framed it; that a stream in it stopped before its terminal event is told by the outcome alone.
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
  /** Of the query's own exchange: a trace can have many. `sightline.exchange.id` on its span. */
  readonly exchangeId?: string;
}

/**
 * A query that ended without its whole reply, after the chunks that were sent of it: then it has an outcome. Or a
 * message that was not accepted: then it has none, and no id where none could be read.
 */
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

const replyHeaders = z.record(headerName, z.union([headerText, z.array(headerText)]));
const replyStatus = z.number().int().min(200).max(999);
const replyHead = {
  statusMessage: headerText.optional(),
  headers: replyHeaders.optional(),
};
const replyBytes = {
  text: z.string().optional(),
  base64: z.string().optional(),
};

/**
 * The messages of a server, as far as a client that asks for `bytes` reads them. Unknown fields are passed over:
 * a server may be newer than its client.
 */
export const serverMessages = {
  chunk: z.object({
    type: z.literal('chunk'),
    id,
    status: replyStatus.optional(),
    ...replyHead,
    ...replyBytes,
  }),
  response: z.object({
    type: z.literal('response'),
    id,
    status: replyStatus,
    ...replyHead,
    ...replyBytes,
    body: z.record(z.string(), z.unknown()).optional(),
    trailers: replyHeaders.optional(),
  }),
  error: z.object({
    type: z.literal('error'),
    id: id.optional(),
    error: z.object({
      code: z.string().max(128),
      message: z.string().max(16_384),
      status: z.number().int().min(400).max(599),
      outcome: z.string().max(128).optional(),
      traceId: z.string().max(128).optional(),
      exchangeId: z.string().max(1_024).optional(),
    }),
  }),
  ping: z.object({ type: z.literal('ping'), id: id.optional() }),
  pong: z.object({ type: z.literal('pong'), id: id.optional() }),
} as const;

export type ServerMessageType = keyof typeof serverMessages;
/** A server's message as its client has read it. */
export type ReceivedMessage = {
  [T in ServerMessageType]: z.output<(typeof serverMessages)[T]>;
}[ServerMessageType];
export type ReceivedChunk = z.output<typeof serverMessages.chunk>;
export type ReceivedResponse = z.output<typeof serverMessages.response>;
export type ReceivedError = z.output<typeof serverMessages.error>;
