import { Chunk } from '../../exchange/chunk.ts';
import { Query } from '../../exchange/query.ts';
import { Reply } from '../../exchange/reply.ts';
import type { RawHeaders } from '../../wire/headers.ts';

/*
 * Queries and replies as they cross between threads: their parts, and bytes as bytes, which are parsed on
 * the side that reads them. What comes back is told as changes of what was given, so that a large body
 * that nobody touched crosses once.
 */

export interface PlainQuery {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  /** Undefined where there is none, or where it streams: a stream stays where it is. */
  readonly body: Uint8Array | undefined;
}

interface PlainChunk {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
  readonly isFinal: boolean;
  readonly bytes: Uint8Array;
}

interface ReplyHead {
  readonly status: number;
  readonly statusMessage: string | undefined;
  readonly headers: RawHeaders;
  readonly isSent: boolean;
}

interface PlainContent {
  readonly body: Uint8Array | undefined;
  readonly chunks: readonly PlainChunk[] | undefined;
}

export interface PlainReply {
  readonly head: ReplyHead;
  readonly content: PlainContent;
}

/** What a callback gave back. */
export type PlainAnswer =
  /** What it was given. */
  | { readonly kind: 'same' }
  | {
      readonly kind: 'query';
      readonly method: string;
      readonly target: string;
      readonly headers: RawHeaders;
      readonly body: 'same' | Uint8Array | undefined;
    }
  | { readonly kind: 'reply'; readonly head: ReplyHead; readonly content: 'same' | PlainContent }
  /** Neither a query nor a reply: whoever called says what was expected. */
  | { readonly kind: 'other'; readonly what: string };

export function plainQuery({ method, target, headers, body }: Query): PlainQuery {
  return { method, target, headers, body: Buffer.isBuffer(body) ? ownBytes(body) : undefined };
}

export function revivedQuery({ method, target, headers, body }: PlainQuery): Query {
  return new Query({ method, target, headers, body: body && asBuffer(body) });
}

export function plainReply(reply: Reply): PlainReply {
  return { head: headOf(reply), content: contentOf(reply) };
}

export function revivedReply({ head, content }: PlainReply): Reply {
  return new Reply({ ...head, ...revivedContent(content) });
}

/** In the thread: what a callback gave back, as changes of what it was given. */
export function plainAnswer(answer: unknown, given: unknown): PlainAnswer | undefined {
  if (answer === undefined || answer === null) return undefined;
  if (answer === given) return { kind: 'same' };
  if (answer instanceof Query) return queryAnswer(answer, given instanceof Query ? given : undefined);
  if (answer instanceof Reply) return replyAnswer(answer, given instanceof Reply ? given : undefined);
  return { kind: 'other', what: typeof answer };
}

/** In the service: the same answer, made of what was given. */
export function appliedAnswer(answer: PlainAnswer | undefined, given: unknown): unknown {
  switch (answer?.kind) {
    case undefined:
      return undefined;
    case 'same':
      return given;
    case 'query':
      // A query is no answer to a reply or an error, which is told by whoever called.
      return given instanceof Query ? changedQuery(answer, given) : answer.kind;
    case 'reply': {
      const content = answer.content === 'same' ? sameContent(given) : revivedContent(answer.content);
      return new Reply({ ...answer.head, ...content });
    }
    case 'other':
      return answer.what;
  }
}

function queryAnswer(answer: Query, given: Query | undefined): PlainAnswer {
  const { method, target, headers, body } = answer;
  if (body === given?.body) return { kind: 'query', method, target, headers, body: 'same' };
  if (body !== undefined && !Buffer.isBuffer(body)) {
    throw new TypeError('A query with a stream as its body cannot leave the worker; give it the bytes.');
  }
  return { kind: 'query', method, target, headers, body: body && ownBytes(body) };
}

function replyAnswer(answer: Reply, given: Reply | undefined): PlainAnswer {
  const isSame = given !== undefined && answer.body === given.body && answer.chunks === given.chunks;
  return { kind: 'reply', head: headOf(answer), content: isSame ? 'same' : contentOf(answer) };
}

function changedQuery(answer: PlainAnswer & { kind: 'query' }, given: Query): Query {
  const { method, target, headers, body } = answer;
  if (body === 'same' && method === given.method) return given.with({ target, headers });
  const { trailers } = given;
  const bytes = body === 'same' ? given.body : body && asBuffer(body);
  return new Query({ method, target, headers, body: bytes, trailers });
}

function sameContent(given: unknown): Partial<Reply> {
  return given instanceof Reply ? { body: given.body, chunks: given.chunks } : {};
}

function headOf({ status, statusMessage, headers, isSent }: Reply): ReplyHead {
  return { status, statusMessage, headers, isSent };
}

function contentOf({ body, chunks }: Reply): PlainContent {
  return { body: body && ownBytes(body), chunks: chunks?.map(plainChunk) };
}

function revivedContent({ body, chunks }: PlainContent) {
  return { body: body && asBuffer(body), chunks: chunks?.map(revivedChunk) };
}

function plainChunk({ event, data, id, isFinal, bytes }: Chunk): PlainChunk {
  return { event, data, id, isFinal, bytes: ownBytes(bytes) };
}

function revivedChunk({ event, data, id, isFinal, bytes }: PlainChunk): Chunk {
  return new Chunk({ event, data, ...(id !== undefined && { id }) }, asBuffer(bytes), isFinal);
}

/**
 * The bytes and no others: cloning a piece of a buffer clones all of what it is a piece of, which may hold
 * the text of other exchanges.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('A body must be a Buffer.');
  return new Uint8Array(bytes);
}

/** What moves to the other side instead of being copied once more: made for this message by `ownBytes`. */
export function buffersIn(...all: readonly (Uint8Array | 'same' | undefined)[]): ArrayBuffer[] {
  return all.filter((bytes) => bytes instanceof Uint8Array).map(({ buffer }) => buffer as ArrayBuffer);
}

export function contentBuffers({ body, chunks }: PlainContent): ArrayBuffer[] {
  return chunks ? buffersIn(body, ...chunks.map(({ bytes }) => bytes)) : buffersIn(body);
}

export function answerBuffers(answer: PlainAnswer | undefined): ArrayBuffer[] {
  if (answer?.kind === 'query') return buffersIn(answer.body);
  return answer?.kind === 'reply' && answer.content !== 'same' ? contentBuffers(answer.content) : [];
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
