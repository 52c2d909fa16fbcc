import type { ChunkMessage, MessageHeaders, ResponseMessage } from '../stream/protocol.ts';
import { bytesOf } from './bytes.ts';
import type { Answer, Reply, ReplyEvent } from './reply.ts';

/** Status and headers come with the first chunk, where there is one. */
export interface ReplyHead {
  readonly status?: number;
  readonly statusMessage?: string;
  readonly headers?: MessageHeaders;
}

/** Undefined where the chunk has only the head. */
export function replyEvent<T>({ event, data, text, base64 }: ChunkMessage): ReplyEvent<T> | undefined {
  if (data === undefined && text === undefined && base64 === undefined) return undefined;
  const isText = typeof data === 'string';
  const said = isText ? data : text;
  return {
    ...(event !== undefined && { event }),
    ...(data !== undefined && !isText && { data: data as T }),
    ...(said !== undefined && { text: said }),
    ...(base64 !== undefined && { bytes: bytesOf(base64) }),
  };
}

export function wholeReply<T>(
  message: ResponseMessage,
  head: ReplyHead,
  events: readonly ReplyEvent<T>[],
): Reply<T> {
  const { status, body, text, base64, trailers, outcome, model, traceId, exchangeId } = message;
  const statusMessage = message.statusMessage ?? head.statusMessage;
  return {
    ok: status < 400,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    headers: headersOf({ ...head.headers, ...message.headers }),
    ...(body !== undefined && { body: body as T }),
    ...(text !== undefined && { text }),
    ...(base64 !== undefined && { bytes: bytesOf(base64) }),
    events,
    ...(trailers !== undefined && { trailers: headersOf(trailers) }),
    outcome,
    ...(model !== undefined && { model }),
    usage: message.usage ?? {},
    finishReasons: message.finishReasons ?? [],
    ...(traceId !== undefined && { traceId }),
    ...(exchangeId !== undefined && { exchangeId }),
  };
}

/** A reply that did not come in pieces, as the one event that it is; undefined where it is empty. */
export function asEvent<T>({ body, text, bytes, message }: Partial<Answer<T>>): ReplyEvent<T> | undefined {
  if (body !== undefined) return { data: body };
  if (text !== undefined) return { text };
  if (bytes !== undefined) return { bytes };
  return message === undefined ? undefined : { message };
}

function headersOf(named: MessageHeaders): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(named))
    for (const value of typeof values === 'string' ? [values] : values) headers.append(name, value);
  return headers;
}
