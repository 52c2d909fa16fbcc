import type { JsonObject } from '../../wire/json.ts';
import type { DialectContent, OutputCollector } from './content.ts';
import { Fitting } from './fitting.ts';
import { Room } from './room.ts';

/** In characters of JSON. */
export interface ContentLimits {
  /** All of one attempt together. */
  readonly charsMax: number;
  /** Each of `ContentJson`. */
  readonly valueCharsMax: number;
}

/** Each as JSON; undefined where there is nothing to tell. */
export interface ContentJson {
  readonly inputMessages: string | undefined;
  readonly systemInstructions: string | undefined;
  readonly toolDefinitions: string | undefined;
  readonly outputMessages: string | undefined;
  /** Something was left out, for want of room or because it could not be read. */
  readonly isTruncated: boolean;
}

type Asked = Pick<ContentJson, 'inputMessages' | 'systemInstructions' | 'toolDefinitions'>;

const nothing: Asked = {
  inputMessages: undefined,
  systemInstructions: undefined,
  toolDefinitions: undefined,
};

/**
 * What was asked and answered in one attempt. What is asked has half of the room: the instructions and the tools a
 * quarter of that each, the messages the rest, the newest before older ones. The answer has what is left. No call
 * throws: content that cannot be read is left out, and that is told.
 */
export class AttemptContent {
  readonly #content: DialectContent;
  readonly #valueCharsMax: number;
  readonly #asked: Asked;
  #charsLeft: number;
  #isTruncated = false;
  #room: Room | undefined;
  #collector: OutputCollector | undefined;
  #hasFailed = false;

  /** `payload`: of the query as it went to the upstream; undefined where it is no JSON. */
  constructor(content: DialectContent, limits: ContentLimits, payload: JsonObject | undefined) {
    this.#content = content;
    this.#valueCharsMax = limits.valueCharsMax;
    this.#charsLeft = limits.charsMax;
    // Read now: nothing of a query of megabytes is kept until the reply has come.
    this.#asked = payload === undefined ? nothing : this.#read(payload, Math.floor(limits.charsMax / 2));
  }

  /** One event of a stream. */
  event(payload: JsonObject | undefined): void {
    if (payload !== undefined) this.#collect((collector) => collector.event(payload));
  }

  whole(payload: JsonObject | undefined): void {
    if (payload !== undefined) this.#collect((collector) => collector.whole(payload));
  }

  /** Asked when the attempt is over. */
  json(): ContentJson {
    const outputMessages = this.#answered();
    return { ...this.#asked, outputMessages, isTruncated: this.#isTruncated };
  }

  #read(payload: JsonObject, charsMax: number): Asked {
    try {
      const { systemInstructions, toolDefinitions, messages } = this.#content.readInput(payload);
      const quarter = Math.floor(charsMax / 4);
      const before = this.#charsLeft;
      const fitted = {
        systemInstructions: this.#fitted(systemInstructions, quarter, (fitting) =>
          fitting.parts(systemInstructions),
        ),
        toolDefinitions: this.#fitted(toolDefinitions, quarter, (fitting) => fitting.parts(toolDefinitions)),
      };
      const rest = charsMax - (before - this.#charsLeft);
      return {
        ...fitted,
        inputMessages: this.#fitted(messages, rest, (fitting) => fitting.newestMessages(messages)),
      };
    } catch {
      this.#isTruncated = true;
      return nothing;
    }
  }

  #answered(): string | undefined {
    try {
      const messages = this.#collector?.messages() ?? [];
      this.#isTruncated ||= this.#room?.isExceeded === true;
      return this.#fitted(messages, this.#charsLeft, (fitting) => fitting.messages(messages));
    } catch {
      this.#isTruncated = true;
      return undefined;
    }
  }

  /** Undefined for an empty list, also where there is room for nothing of it. */
  #fitted(
    list: readonly unknown[],
    charsMax: number,
    fit: (fitting: Fitting) => readonly unknown[],
  ): string | undefined {
    if (list.length === 0) return undefined;
    const fitting = new Fitting(Math.min(charsMax, this.#valueCharsMax));
    const fitted = fit(fitting);
    this.#isTruncated ||= fitting.isCut;
    if (fitted.length === 0) return undefined;
    const json = JSON.stringify(fitted);
    this.#charsLeft -= json.length;
    return json;
  }

  #collect(step: (collector: OutputCollector) => void): void {
    if (this.#hasFailed) return;
    try {
      this.#room ??= new Room(Math.min(this.#charsLeft, this.#valueCharsMax));
      this.#collector ??= this.#content.collect(this.#room);
      step(this.#collector);
    } catch {
      this.#hasFailed = true;
      this.#isTruncated = true;
      this.#collector = undefined;
    }
  }
}
