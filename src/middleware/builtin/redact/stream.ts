import type { Dialect } from '../../../dialects/dialect.ts';
import type { Chunk } from '../../../exchange/chunk.ts';
import type { RedactRule } from './rule.ts';
import { type Piece, redactText, SlidingText } from './sliding-text.ts';

/**
 * Not every API says where one text ends and another begins. After so many events without a piece of it, a
 * text that others wait for is taken to have ended.
 */
const standstillEventsMax = 32;

/** A text of the reply, under the slot that its dialect names. */
interface StreamText {
  readonly text: SlidingText;
  /** The number of the event with its newest piece. */
  newestAt: number;
}

interface StreamPiece {
  readonly piece: Piece;
  /** The text that it continues; a whole one continues none. */
  readonly of: StreamText | undefined;
}

/** An event on its way, with its texts in the order in which the dialect shows them. */
interface Waiting {
  readonly chunk: Chunk;
  readonly pieces: readonly StreamPiece[];
}

/**
 * The events of one reply. Each waits until its texts are decided, and those after it wait behind it: every
 * event leaves once, in order, and as it came where nothing in it was replaced.
 */
export class RedactedStream {
  readonly #dialect: Dialect;
  readonly #rules: readonly RedactRule[];
  readonly #window: number;
  readonly #texts = new Map<string, StreamText>();
  readonly #waiting: Waiting[] = [];
  #events = 0;
  #isOver = false;

  constructor(dialect: Dialect, rules: readonly RedactRule[], window: number) {
    this.#dialect = dialect;
    this.#rules = rules;
    this.#window = window;
  }

  /** Takes the next event; returns those that may leave now. */
  push(chunk: Chunk): Chunk[] {
    this.#events += 1;
    this.#isOver ||= chunk.isFinal;
    const pieces = this.#read(chunk);
    this.#endTexts(chunk);
    // A keep-alive does not wait: behind a text that stands still, it would keep nothing alive.
    if (isKeepAlive(chunk)) return [...this.#leaving(), chunk];
    this.#waiting.push({ chunk, pieces });
    return this.#leaving();
  }

  #read({ payload }: Chunk): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    if (payload) {
      this.#dialect.mapEventText(payload, (text, slot) => {
        pieces.push(this.#piece(text, slot));
        return text;
      });
    }
    return pieces;
  }

  #piece(text: string, slot: string): StreamPiece {
    if (text === '' || slot.startsWith('whole:')) {
      return { piece: { redacted: redactText(this.#rules, text), isDecided: true }, of: undefined };
    }
    let of = this.#texts.get(slot);
    if (!of) {
      of = { text: new SlidingText(this.#rules, this.#window), newestAt: 0 };
      this.#texts.set(slot, of);
    }
    of.newestAt = this.#events;
    return { piece: of.text.push(text), of };
  }

  /** Ends the texts of which no further piece comes after this event. */
  #endTexts(chunk: Chunk): void {
    if (this.#texts.size === 0) return;
    const ended = this.#isOver ? 'all' : this.#dialect.endedSlots(chunk, chunk.payload);
    if (ended.length === 0) return;
    for (const [slot, { text }] of this.#texts) {
      if (ended !== 'all' && !ended.some((prefix) => slot.startsWith(prefix))) continue;
      text.end();
      this.#texts.delete(slot);
    }
  }

  #leaving(): Chunk[] {
    let count = 0;
    while (this.#waiting[count]?.pieces.every((one) => this.#isDecided(one))) count += 1;
    return this.#waiting.splice(0, count).map((one) => this.#redacted(one));
  }

  #isDecided({ piece, of }: StreamPiece): boolean {
    if (!piece.isDecided && of && this.#events - of.newestAt > standstillEventsMax) of.text.end();
    return piece.isDecided;
  }

  #redacted({ chunk, pieces }: Waiting): Chunk {
    if (!chunk.payload || pieces.length === 0) return chunk;
    const texts = pieces.values();
    const payload = this.#dialect.mapEventText(
      chunk.payload,
      (text) => texts.next().value?.piece.redacted ?? text,
    );
    return payload === chunk.payload ? chunk : chunk.with({ payload });
  }
}

/** An event that says nothing but what kind of event it is: Anthropic's `ping`. */
function isKeepAlive({ payload }: Chunk): boolean {
  return payload !== undefined && Object.keys(payload).every((key) => key === 'type');
}
