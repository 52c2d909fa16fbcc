import { asSightlineError, type SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { type ContentDecoder, createContentDecoder } from '../wire/content-decoder.ts';
import { SseParser } from '../wire/sse-parser.ts';
import type { Piece, ReplyBody } from './reply-body.ts';
import { type MessageContent, noContent } from './server-message.ts';

export interface EventBodyOptions {
  readonly encoding: string | undefined;
  readonly limits: Pick<Limits, 'eventBytesMax' | 'decodeQueueBytesMax'>;
  /** Something may be there to take; also between two calls, where it was compressed. */
  readonly onPiece: () => void;
  readonly onDrain: () => void;
  /** Once at most; nothing comes after it. */
  readonly onError: (error: SightlineError) => void;
}

const blankLine = Buffer.from('\n\n');

/** A `text/event-stream`, event by event. */
export class EventBody implements ReplyBody {
  readonly sendsHeadFirst = false;
  readonly isDecoded: boolean;
  readonly rest: MessageContent = noContent;
  readonly #decoder: ContentDecoder;
  readonly #events: EventQueue;
  readonly #fail: (thrown: unknown) => void;

  private constructor(
    decoder: ContentDecoder,
    events: EventQueue,
    isDecoded: boolean,
    fail: (thrown: unknown) => void,
  ) {
    this.#decoder = decoder;
    this.#events = events;
    this.isDecoded = isDecoded;
    this.#fail = fail;
  }

  /** Undefined where the encoding is one that is not known here. */
  static create({ encoding, limits, onPiece, onDrain, onError }: EventBodyOptions): EventBody | undefined {
    const events = new EventQueue(limits.eventBytesMax);
    const fail = (thrown: unknown) => {
      events.close();
      decoder?.close();
      onError(asSightlineError(thrown));
    };
    const decoder = createContentDecoder(encoding, {
      onData: (bytes) => {
        try {
          events.push(bytes);
          onPiece();
        } catch (thrown) {
          fail(thrown);
        }
      },
      onError: fail,
      onDrain,
      decodedBytesMax: Number.POSITIVE_INFINITY,
      queueBytesMax: limits.decodeQueueBytesMax,
    });
    return decoder && new EventBody(decoder, events, encoding !== undefined, fail);
  }

  get isWaiting(): boolean {
    return this.#events.isWaiting;
  }

  write(bytes: Buffer): boolean {
    return this.#decoder.push(bytes);
  }

  end(): Promise<void> | undefined {
    const decoded = this.#decoder.end();
    return decoded ? decoded.then(() => this.#end()) : this.#end();
  }

  cut(): void {
    this.#decoder.close();
  }

  next(): Piece | undefined {
    return this.#events.next();
  }

  pause(): void {
    this.#decoder.pause();
  }

  resume(): void {
    this.#decoder.resume();
  }

  close(): void {
    this.#decoder.close();
    this.#events.close();
  }

  #end(): undefined {
    try {
      this.#events.end();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }
}

/** Events that were read and not taken. */
class EventQueue {
  readonly #parser: SseParser;
  #waiting: Piece[] = [];
  #taken = 0;

  constructor(eventBytesMax: number) {
    this.#parser = new SseParser({
      eventBytesMax,
      // Comments are no events: they keep a connection alive, which is done in another way here.
      onPiece: (_raw, event) => {
        if (event) this.#waiting.push({ content: contentOf(event.event, event.data), bytes: undefined });
      },
    });
  }

  get isWaiting(): boolean {
    return this.#taken < this.#waiting.length;
  }

  push(bytes: Buffer): void {
    this.#parser.push(bytes);
  }

  /** Some backends leave out the blank line after the last event, and SDKs read that one. */
  end(): void {
    const rest = this.#parser.end();
    if (rest) this.#parser.push(Buffer.concat([rest, blankLine]));
  }

  next(): Piece | undefined {
    const piece = this.#waiting[this.#taken];
    if (!piece) return undefined;
    this.#taken += 1;
    if (!this.isWaiting) this.close();
    return piece;
  }

  close(): void {
    this.#waiting = [];
    this.#taken = 0;
  }
}

function contentOf(event: string, data: string): MessageContent {
  return { event, data: isJson(data) ? data : JSON.stringify(data) };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
