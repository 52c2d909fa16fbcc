import { headerValue, type RawHeaders, withHeader, withoutHeaders } from '../wire/headers.ts';
import type { JsonObject } from '../wire/json.ts';
import { deepFreeze, parseJsonObject } from '../wire/json.ts';
import type { Chunk } from './chunk.ts';

interface ReplyParts {
  readonly status: number;
  readonly statusMessage?: string | undefined;
  readonly headers: RawHeaders;
  /** The whole body, decompressed. */
  readonly body?: Buffer | undefined;
  /** A stream of events, where a middleware answers with one. */
  readonly chunks?: readonly Chunk[] | undefined;
  /** It has gone to the client already, event by event. */
  readonly isSent?: boolean;
}

interface ReplyChanges {
  readonly status?: number;
  readonly headers?: RawHeaders;
  /** One of these three is the new content. */
  readonly payload?: JsonObject;
  readonly body?: Buffer;
  readonly chunks?: readonly Chunk[];
}

/** Fields that tell of the old bytes and are wrong for new ones. */
const bodyFields = new Set([
  'content-length',
  'content-encoding',
  'etag',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
]);

/**
 * What comes back, as middleware sees it. It never changes; `with` makes another one.
 */
export class Reply {
  readonly status: number;
  readonly statusMessage: string | undefined;
  readonly headers: RawHeaders;
  readonly body: Buffer | undefined;
  readonly chunks: readonly Chunk[] | undefined;
  /**
   * It has gone to the client already: event by event through `onChunk`, or as bytes that nobody here reads.
   * What `afterResponse` returns then changes nothing.
   */
  readonly isSent: boolean;
  #payload: JsonObject | undefined;
  #isParsed = false;

  constructor(parts: ReplyParts) {
    this.status = parts.status;
    this.statusMessage = parts.statusMessage;
    this.headers = parts.headers;
    this.body = parts.body;
    this.chunks = parts.chunks;
    this.isSent = parts.isSent ?? false;
  }

  /** A whole reply of JSON. */
  static json(status: number, payload: JsonObject, headers: RawHeaders = []): Reply {
    const body = Buffer.from(JSON.stringify(payload));
    return new Reply({ status, headers: withHeader(headers, 'content-type', 'application/json'), body });
  }

  /** A streamed reply, for a query that asked for one. */
  static events(chunks: readonly Chunk[], headers: RawHeaders = []): Reply {
    return new Reply({
      status: 200,
      headers: withHeader(headers, 'content-type', 'text/event-stream'),
      chunks,
    });
  }

  /** The first value of a header; `name` in lower case. */
  header(name: string): string | undefined {
    return headerValue(this.headers, name);
  }

  /** The body as a JSON object, frozen; undefined where it is none. */
  get payload(): JsonObject | undefined {
    if (!this.#isParsed) {
      this.#isParsed = true;
      this.#payload = this.body && deepFreeze(parseJsonObject(this.body.toString()));
    }
    return this.#payload;
  }

  /**
   * The same reply with some parts replaced. It loses the headers that told of other bytes: of an old body,
   * and of a compressed one, as `body` never is.
   */
  with(changes: ReplyChanges): Reply {
    const content = contentOf(changes) ?? { body: this.body, chunks: this.chunks };
    const headers = changes.headers ?? this.headers;
    const isCompressed = content.body !== undefined && headerValue(headers, 'content-encoding') !== undefined;
    const isSame = content.body === this.body && content.chunks === this.chunks && !isCompressed;
    return new Reply({
      ...content,
      status: changes.status ?? this.status,
      statusMessage: changes.status === undefined ? this.statusMessage : undefined,
      headers: isSame ? headers : withoutHeaders(headers, bodyFields),
      isSent: this.isSent,
    });
  }
}

function contentOf({ payload, body, chunks }: ReplyChanges): Pick<ReplyParts, 'body' | 'chunks'> | undefined {
  if (payload) return { body: Buffer.from(JSON.stringify(payload)) };
  if (body) return { body };
  return chunks && { chunks };
}
