import type { OutputCollector } from '../../../dialects/content/content.ts';
import { Room } from '../../../dialects/content/room.ts';
import type { Dialect } from '../../../dialects/dialect.ts';
import { text } from '../../../dialects/payload.ts';
import { emptyReplyFacts } from '../../../exchange/facts.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../../wire/json.ts';
import type { SseEvent } from '../../../wire/sse-event.ts';
import { type ContentPart, partOf } from '../trace/content.ts';
import { vectorsOf } from './vectors.ts';

/** What has been understood of a reply so far: what the service understands of it, by the same dialects. */
export interface Answer {
  readonly parts: readonly ContentPart[];
  /** Something was left out: it is longer than anybody reads here. */
  readonly isCut: boolean;
  /** Events with output of the model. */
  readonly outputs: number;
  readonly model?: string | undefined;
  readonly finishReason?: string | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** As the upstream, or Sightline, words it. */
  readonly error?: string | undefined;
  /** The API's own sign that the reply is whole has come. */
  readonly isWhole: boolean;
}

export const noAnswer: Answer = { parts: [], isCut: false, outputs: 0, isWhole: false };

/** Characters that are kept of all parts, and how many parts. */
const charsMax = 500_000;
const partsMax = 200;
/** Of names, and of what went wrong: nobody reads longer ones, and they are not folded. */
const wordCharsMax = 256;
const errorCharsMax = 4_000;

/** Reads one reply, as a stream or as a whole. What it cannot read it passes over. */
export class AnswerReader {
  readonly #dialect: Dialect;
  readonly #facts = emptyReplyFacts();
  readonly #room = new Room(charsMax);
  readonly #collector: OutputCollector | undefined;
  #vectors: readonly ContentPart[] = [];
  #outputs = 0;
  #error: string | undefined;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#collector = dialect.content?.collect(this.#room);
  }

  /** One event of a stream, in order. */
  event(event: SseEvent): void {
    if (this.#dialect.readEvent(event, this.#facts).output) this.#outputs += 1;
    const payload = parseJsonObject(event.data);
    if (!payload) return;
    this.#error = errorIn(payload, event.event === 'error') ?? this.#error;
    this.#collector?.event(payload);
  }

  /** A reply that is no stream. */
  whole(body: string): void {
    const payload = parseJsonObject(body);
    if (!payload) return;
    this.#error = errorIn(payload);
    this.#dialect.readReply(payload, this.#facts);
    this.#collector?.whole(payload);
    this.#vectors = vectorsOf(payload);
  }

  get outputs(): number {
    return this.#outputs;
  }

  get answer(): Answer {
    const { model, finishReasons, usage, terminal } = this.#facts;
    const messages = this.#collector?.messages() ?? [];
    const parts = [...messages.flatMap((message) => message.parts.map(shownPart)), ...this.#vectors];
    return {
      parts: parts.slice(0, partsMax),
      isCut: this.#room.isExceeded || parts.length > partsMax,
      outputs: this.#outputs,
      model,
      finishReason: finishReasons[0],
      inputTokens: usage.input,
      outputTokens: usage.output,
      error: this.#error,
      isWhole: terminal,
    };
  }
}

/** Arguments that have not begun to come are none. */
function shownPart(part: JsonObject): ContentPart {
  const shown = partOf(part.arguments === null ? { ...part, arguments: '' } : part);
  return { ...shown, title: shown.title && shortened(shown.title, wordCharsMax) };
}

/** The words of an error, where a payload is or has one. `isNamed`: its event says so. */
export function errorIn(payload: JsonObject, isNamed = false): string | undefined {
  const error = asJsonObject(payload.error) ?? asJsonObject(asJsonObject(payload.response)?.error);
  if (error) return messageOf(error);
  if (typeof payload.error === 'string') return shortened(payload.error, errorCharsMax);
  // The responses API has no envelope around it.
  return isNamed || payload.type === 'error' ? messageOf(payload) : undefined;
}

function messageOf({ message, code, type }: JsonObject): string {
  const name = text(code) ?? (type === 'error' ? undefined : text(type));
  const said = text(message);
  const words = said !== undefined && name !== undefined ? `${said} (${name})` : (said ?? name);
  return shortened(words ?? 'An error without a message.', errorCharsMax);
}

function shortened(words: string, charsMax: number): string {
  return words.length > charsMax ? `${words.slice(0, charsMax)}…` : words;
}
