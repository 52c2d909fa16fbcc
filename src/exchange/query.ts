import type { Readable } from 'node:stream';
import { SightlineError } from '../errors.ts';
import { headerValue, type RawHeaders } from '../wire/headers.ts';
import type { JsonObject } from '../wire/json.ts';
import { asJsonObject, deepFreeze, parseJsonObject } from '../wire/json.ts';
import { jsonErrorOffset } from '../wire/json-error-offset.ts';

/**
 * A request's body: none, held in memory, or on its way. Only what no dialect understands streams.
 */
export type QueryBody = Buffer | Readable | undefined;

interface QueryParts {
  readonly method: string;
  /** Path and query string below the upstream's prefix, as sent. */
  readonly target: string;
  readonly headers: RawHeaders;
  readonly body: QueryBody;
  /** Trailer fields, known once the body has ended. */
  readonly trailers?: () => RawHeaders;
  readonly payload?: JsonObject;
}

/**
 * What goes to the model: the request as middleware sees it. It never changes; `with` makes another one.
 * A query whose payload nobody replaced keeps its bytes.
 */
export class Query {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  readonly trailers: () => RawHeaders;
  readonly #body: QueryBody;
  #payload: JsonObject | undefined;
  readonly #isRewritten: boolean;

  constructor(parts: QueryParts) {
    this.method = parts.method;
    this.target = parts.target;
    this.headers = parts.headers;
    this.trailers = parts.trailers ?? (() => []);
    this.#body = parts.body;
    this.#payload = parts.payload;
    this.#isRewritten = parts.payload !== undefined;
  }

  /** The first value of a header; `name` in lower case. */
  header(name: string): string | undefined {
    return headerValue(this.headers, name);
  }

  /** The bytes to send. */
  get body(): QueryBody {
    return this.#isRewritten ? Buffer.from(JSON.stringify(this.#payload)) : this.#body;
  }

  /**
   * The parsed body, frozen. Whoever asks must have it: a body that cannot be read fails the exchange with
   * `malformed_json`, which says where it breaks off, or `content_type_unsupported`.
   */
  get payload(): JsonObject {
    this.#payload ??= this.#parse();
    try {
      return deepFreeze(this.#payload);
    } catch {
      throw new SightlineError('malformed_json', {
        message: 'The body is nested too deeply, and a middleware has to read it.',
      });
    }
  }

  /** The parsed body, where it is a JSON object; for those who only look. */
  peek(): JsonObject | undefined {
    if (this.#payload === undefined && Buffer.isBuffer(this.#body) && !this.#isEncoded) {
      this.#payload = parseJsonObject(this.#body.toString());
    }
    return this.#payload;
  }

  /** The same query with some parts replaced. */
  with(changes: Partial<Pick<QueryParts, 'target' | 'headers' | 'payload'>>): Query {
    const payload = changes.payload ?? (this.#isRewritten ? this.#payload : undefined);
    return new Query({
      method: this.method,
      target: changes.target ?? this.target,
      headers: changes.headers ?? this.headers,
      body: this.#body,
      trailers: this.trailers,
      ...(payload && { payload }),
    });
  }

  get #isEncoded(): boolean {
    const encoding = this.header('content-encoding');
    return encoding !== undefined && encoding.trim().toLowerCase() !== 'identity';
  }

  #parse(): JsonObject {
    if (this.#isEncoded) {
      throw new SightlineError('content_type_unsupported', {
        message: `A middleware has to read the body; content-encoding '${this.header('content-encoding')}' cannot be read, send it as it is.`,
      });
    }
    // A WebSocket's handshake: it has a dialect, and nothing that could be read.
    if (this.#body === undefined && this.method === 'GET') return {};
    if (!Buffer.isBuffer(this.#body)) {
      throw new SightlineError('content_type_unsupported', {
        message: 'A middleware has to read the body: expected a JSON object.',
      });
    }
    const text = this.#body.toString();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new SightlineError('malformed_json', {
        message: `The body is not valid JSON${placeOfError(text)}, and a middleware has to read it.`,
      });
    }
    const payload = asJsonObject(value);
    if (!payload) {
      throw new SightlineError('malformed_json', {
        message: 'The body is valid JSON but not an object, and a middleware has to read it.',
      });
    }
    return payload;
  }
}

function placeOfError(text: string): string {
  const offset = jsonErrorOffset(text);
  if (offset === undefined) return '';
  const before = text.slice(0, offset).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return `: it breaks off at character ${offset} (line ${before.length}, column ${column})`;
}
