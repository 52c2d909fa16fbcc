import type { Usage } from '../exchange/facts.ts';
import type { Outcome } from '../exchange/outcome.ts';

/** A JSON object of which nothing is known. (Not the service's own type: that file knows Node's too.) */
export type JsonObject = { readonly [key: string]: unknown };

/** A part of a reply: an event of a stream, or with `reply: 'bytes'` a piece of the body. */
export interface ReplyEvent<T = JsonObject> {
  /** The `event:` field, where the stream has one. */
  readonly event?: string;
  /** JSON, parsed. What it holds is the server's word: nobody has checked it against `T`. */
  readonly data?: T;
  /** Data that is not JSON (`[DONE]`), or a piece of the body that is text. */
  readonly text?: string;
  /** A piece of the body that is not text. */
  readonly bytes?: Uint8Array;
  /** A message of another type, as plugins send them, that was not yet the last one of a `send`. */
  readonly message?: T;
}

/** The whole reply. Any status: `ok` tells. */
export interface Reply<T = JsonObject> {
  /** The status is below 400. */
  readonly ok: boolean;
  readonly status: number;
  readonly statusMessage?: string;
  readonly headers: Headers;
  /** A JSON body, as `T` only by the server's word. */
  readonly body?: T;
  /** A body that is not a JSON object. */
  readonly text?: string;
  /** A body that is not text either. */
  readonly bytes?: Uint8Array;
  /** What came in pieces, unless it was iterated over: then whoever did so has had them. */
  readonly events: readonly ReplyEvent<T>[];
  readonly trailers?: Headers;
  /** How the exchange ended, as its trace says it. */
  readonly outcome: Outcome;
  /** The model that answered, where the reply names it. */
  readonly model?: string;
  /** Tokens, as far as the reply reported them. */
  readonly usage: Readonly<Usage>;
  readonly finishReasons: readonly string[];
  readonly traceId?: string;
  /** The query's own id in that trace, and in the log: `sightline.exchange.id`. */
  readonly exchangeId?: string;
}

/** What a message of a plugin's type was answered with. Where that was a `response`, it is a reply too. */
export interface Answer<T = JsonObject> extends Partial<Reply<T>> {
  /** The message that ended it, whatever its type, as it came. */
  readonly message: T;
  readonly events: readonly ReplyEvent<T>[];
}
