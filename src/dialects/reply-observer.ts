import type { ReplyFacts } from '../exchange/facts.ts';
import type { Limits } from '../limits.ts';
import { type ContentDecoder, createContentDecoder } from '../wire/content-decoder.ts';
import { type JsonObject, parseJsonObject } from '../wire/json.ts';
import { SseParser } from '../wire/sse-parser.ts';
import type { AttemptContent } from './content/attempt-content.ts';
import type { Dialect } from './dialect.ts';
import { errorName, flatErrorName } from './error-name.ts';

export interface ReplyObservation {
  readonly dialect: Dialect;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Filled in while the reply passes. */
  readonly facts: ReplyFacts;
  /** Takes what is said, where that is wanted. */
  readonly content?: AttemptContent | undefined;
  readonly limits: Pick<
    Limits,
    'observedReplyBytesMax' | 'eventBytesMax' | 'decodeQueueBytesMax' | 'bodyBytesMax'
  >;
  /** A stream event carried output. `at` is the time that came with its last chunk. */
  onOutput(at: number): void;
}

/** Why something of a reply could not be observed. */
export type Skipped = 'too_large' | 'decode_failed' | 'malformed' | 'unknown_encoding';

/**
 * Watches a reply beside its way. It keeps no byte from the client, never throws, and never changes a
 * chunk; a chunk that it was given must not be changed by anybody until `end`.
 */
export interface ReplyObserver {
  /** `at`: when the chunk arrived, as `performance.now()` tells it. */
  push(chunk: Buffer, at: number): void;
  /**
   * The reply is over; `complete` where it came to its end. A promise where decompression is still under
   * way: the facts are whole when it resolves.
   */
  end(complete: boolean): void | Promise<void>;
  readonly skipped: Skipped | undefined;
}

/** `undefined` where the reply has nothing that a dialect reads. */
export function observeReply(observation: ReplyObservation): ReplyObserver | undefined {
  const type = (observation.contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'text/event-stream') return new StreamObserver(observation);
  if (type !== 'application/json' && !type.endsWith('+json')) return undefined;
  const { status, dialect, facts, content } = observation;
  if (status >= 400) return new WholeObserver(observation, (payload) => readErrorBody(payload, facts));
  if (status < 200 || status >= 300) return undefined;
  return new WholeObserver(observation, (payload) => {
    dialect.readReply(payload, facts);
    content?.whole(payload);
  });
}

function readErrorBody(payload: JsonObject, facts: ReplyFacts): void {
  facts.error = errorName(payload) ?? flatErrorName(payload);
}

const blankLine = Buffer.from('\n\n');

/** A stream: each event is read when it is whole. */
class StreamObserver implements ReplyObserver {
  readonly #parser: SseParser;
  readonly #decoder: ContentDecoder | undefined;
  #at = 0;
  #brokeOff = false;
  #skipped: Skipped | undefined;

  constructor(observation: ReplyObservation) {
    const { dialect, facts, content, limits } = observation;
    this.#parser = new SseParser({
      eventBytesMax: limits.eventBytesMax,
      onEvent: (event) => {
        if (dialect.readEvent(event, facts).output) observation.onOutput(this.#at);
        content?.event(parseJsonObject(event.data));
      },
    });
    this.#decoder = createContentDecoder(observation.contentEncoding, {
      onData: (chunk) => this.#read(chunk),
      onError: (error) => {
        // A reply that broke off cannot be decoded to its end; that is told elsewhere.
        if (error.code === 'reply_too_large') this.#skip('too_large');
        else if (!this.#brokeOff) this.#skip('decode_failed');
      },
      decodedBytesMax: limits.bodyBytesMax,
      queueBytesMax: limits.decodeQueueBytesMax,
    });
    if (this.#decoder === undefined) this.#skipped = 'unknown_encoding';
  }

  get skipped(): Skipped | undefined {
    return this.#skipped ?? (this.#parser.skippedEvents > 0 ? 'too_large' : undefined);
  }

  push(chunk: Buffer, at: number): void {
    this.#at = at;
    this.#decoder?.push(chunk);
  }

  end(complete: boolean): void | Promise<void> {
    this.#brokeOff = !complete;
    const ended = this.#decoder?.end();
    return ended === undefined ? this.#finish() : ended.then(() => this.#finish());
  }

  /** Some backends leave out the blank line after their last event. What broke off within one is no event. */
  #finish(): void {
    if (!this.#brokeOff && this.#skipped === undefined) this.#read(blankLine);
  }

  #read(chunk: Buffer): void {
    try {
      this.#parser.push(chunk);
    } catch {
      this.#skip('malformed');
      this.#decoder?.close();
    }
  }

  #skip(reason: Skipped): void {
    this.#skipped ??= reason;
  }
}

/** A whole reply: its chunks are kept as they are, and read when it is over. */
class WholeObserver implements ReplyObserver {
  readonly #observation: ReplyObservation;
  readonly #read: (payload: JsonObject) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #brokeOff = false;
  #skipped: Skipped | undefined;

  constructor(observation: ReplyObservation, read: (payload: JsonObject) => void) {
    this.#observation = observation;
    this.#read = read;
  }

  get skipped(): Skipped | undefined {
    return this.#skipped;
  }

  push(chunk: Buffer): void {
    if (this.#skipped !== undefined) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#observation.limits.observedReplyBytesMax) this.#skip('too_large');
    else this.#chunks.push(chunk);
  }

  end(complete: boolean): void | Promise<void> {
    const encoded = this.#chunks;
    this.#chunks = [];
    // One that broke off is read as well: sometimes only its end was missing, and its tokens count.
    this.#brokeOff = !complete;
    if (encoded.length === 0 || this.#skipped !== undefined) return;
    const { contentEncoding, limits } = this.#observation;
    const decoded: Buffer[] = [];
    const decoder = createContentDecoder(contentEncoding, {
      onData: (chunk) => decoded.push(chunk),
      onError: (error) => this.#skip(error.code === 'reply_too_large' ? 'too_large' : 'decode_failed'),
      decodedBytesMax: limits.observedReplyBytesMax,
      // The reply lies in memory already: nothing more waits than what it has.
      queueBytesMax: limits.observedReplyBytesMax,
    });
    if (decoder === undefined) {
      this.#skip('unknown_encoding');
      return;
    }
    for (const chunk of encoded) decoder.push(chunk);
    const ended = decoder.end();
    return ended === undefined ? this.#parse(decoded) : ended.then(() => this.#parse(decoded));
  }

  #parse(chunks: Buffer[]): void {
    if (this.#skipped !== undefined) return;
    const [only] = chunks;
    const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    const payload = parseJsonObject(bytes.toString());
    try {
      if (payload === undefined) this.#skip('malformed');
      else this.#read(payload);
    } catch {
      this.#skip('malformed');
    }
  }

  #skip(reason: Skipped): void {
    this.#chunks = [];
    if (!this.#brokeOff) this.#skipped ??= reason;
  }
}
