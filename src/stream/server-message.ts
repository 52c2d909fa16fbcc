import type { SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { RawHeaders } from '../wire/headers.ts';
import type {
  ChunkMessage,
  ErrorMessage,
  MessageHeaders,
  MessageId,
  PingMessage,
  ResponseMessage,
} from './protocol.ts';
import type { Refusal } from './read-message.ts';

/** The head of a reply, for the first message of it. */
export interface MessageHead {
  readonly status: number;
  readonly statusMessage?: string;
  readonly headers: MessageHeaders;
}

/** What a message has of a body: at most one of these. */
export interface MessageContent {
  /** JSON as it came: numbers keep their digits, and nothing is written twice. */
  readonly data?: string;
  readonly body?: string;
  readonly text?: string;
  readonly base64?: string;
  readonly event?: string;
}

export const noContent: MessageContent = Object.freeze({});

export function messageHead(
  status: number,
  statusMessage: string | undefined,
  headers: RawHeaders,
): MessageHead {
  return { status, ...(statusMessage && { statusMessage }), headers: messageHeaders(headers) };
}

/** Fields of one name become a list, whatever the case of their letters. */
export function messageHeaders(headers: RawHeaders): MessageHeaders {
  // A field may be called `__proto__`.
  const fields: Record<string, string | string[]> = Object.create(null);
  const written = new Map<string, string>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const key = written.get(name.toLowerCase());
    if (key === undefined) {
      written.set(name.toLowerCase(), name);
      fields[name] = value;
    } else {
      fields[key] = [fields[key] as string | string[], value].flat();
    }
  }
  return fields;
}

export function chunkMessage(id: MessageId, head: MessageHead | undefined, content: MessageContent): string {
  const { data, event, text, base64 } = content;
  const message: ChunkMessage = {
    type: 'chunk',
    id,
    ...head,
    ...(event && { event }),
    ...(text !== undefined && { text }),
    ...(base64 !== undefined && { base64 }),
  };
  return withJson(message, 'data', data);
}

export interface ResponseParts {
  readonly id: MessageId;
  readonly exchange: Exchange;
  readonly status: number;
  /** Where no chunk had it. */
  readonly head: MessageHead | undefined;
  readonly content: MessageContent;
  readonly trailers: RawHeaders;
  readonly outcome: Outcome;
}

export function responseMessage(parts: ResponseParts): string {
  const { id, exchange, status, head, trailers, outcome } = parts;
  const { body, text, base64 } = parts.content;
  const { model, usage, finishReasons } = exchange.attempt?.reply ?? {};
  const traceId = exchange.trace?.traceId;
  const message: ResponseMessage = {
    type: 'response',
    id,
    status,
    ...head,
    ...(text !== undefined && { text }),
    ...(base64 !== undefined && { base64 }),
    ...(trailers.length > 0 && { trailers: messageHeaders(trailers) }),
    outcome,
    ...(model !== undefined && { model }),
    ...(usage && Object.keys(usage).length > 0 && { usage }),
    ...(finishReasons && finishReasons.length > 0 && { finishReasons }),
    ...(traceId !== undefined && { traceId }),
    exchangeId: exchange.id,
  };
  return withJson(message, 'body', body);
}

/** A query has ended without its whole reply. */
export function errorMessage(
  id: MessageId,
  exchange: Exchange,
  error: SightlineError,
  outcome: Outcome,
): string {
  const traceId = exchange.trace?.traceId;
  const message: ErrorMessage = {
    type: 'error',
    id,
    error: {
      code: error.code,
      message: error.message,
      status: error.status,
      outcome,
      ...(traceId !== undefined && { traceId }),
      exchangeId: exchange.id,
    },
  };
  return JSON.stringify(message);
}

/** A message is not accepted. */
export function refusalMessage({ error, id, field, reason }: Refusal): string {
  const message: ErrorMessage = {
    type: 'error',
    ...(id !== undefined && { id }),
    error: {
      code: error.code,
      message: error.message,
      status: error.status,
      ...(field && { field }),
      ...(reason && { reason }),
    },
  };
  return JSON.stringify(message);
}

export function pongMessage(id: MessageId | undefined): string {
  const message: PingMessage = { type: 'pong', ...(id !== undefined && { id }) };
  return JSON.stringify(message);
}

/** `json` has been parsed once: what is put in here cannot be anything else than one value. */
function withJson(message: object, name: string, json: string | undefined): string {
  const text = JSON.stringify(message);
  return json === undefined ? text : `${text.slice(0, -1)},"${name}":${json}}`;
}
