import { randomUUID } from 'node:crypto';
import type { Dialect } from '../dialects/dialect.ts';
import type { Chunk } from '../exchange/chunk.ts';
import { createKey } from '../exchange/keys.ts';
import type { Query } from '../exchange/query.ts';
import type { Reply } from '../exchange/reply.ts';
import type { ExchangeView } from '../exchange/view.ts';
import { redactText } from './builtin/redact/sliding-text.ts';
import { RedactedStream } from './builtin/redact/stream.ts';

export interface TextRule {
  /** With the flag `g`; not one that matches the empty text. */
  readonly expression: RegExp;
  /** What takes the place of a match; a function is asked at each, and may refuse the exchange by throwing. */
  readonly replacement: string | (() => string);
}

interface TextReplacerOptions {
  /** A match of up to so many characters is found wherever a stream splits it; the stream lags so far behind. */
  readonly window?: number;
}

/**
 * Replaces what matches in every text of an exchange, whatever its dialect, for the callbacks of a
 * middleware: `beforeQuery: (query, exchange) => replacer.query(query, exchange)`. What no dialect
 * understands passes.
 *
 * In a stream a text waits until it cannot become a match any more, so no part of a match has gone to the
 * client when it is replaced. Where matches overlap, the first one's replacement takes the place of all.
 */
export class TextReplacer {
  readonly #rules: readonly { readonly expression: RegExp; readonly replacement: string }[];
  readonly #window: number;
  readonly #functions: readonly { readonly marker: string; readonly replace: () => string }[];
  readonly #stream = createKey<RedactedStream>('text-replacer');

  constructor(rules: readonly TextRule[], { window = 128 }: TextReplacerOptions = {}) {
    const wrong = rules.find(({ expression }) => !expression.global);
    if (wrong) throw new TypeError(`Expected the flag "g" on ${wrong.expression}.`);
    this.#window = window;
    // Whether a match is replaced is known only later than it is found, so the functions are called by what
    // stands in its place; nobody can guess that.
    const secret = randomUUID();
    const marked = rules.map(({ expression, replacement }, i) => ({
      // The position that an expression keeps is for nobody else.
      expression: new RegExp(expression),
      replacement: typeof replacement === 'string' ? replacement : `${secret}:${i};`,
      replace: typeof replacement === 'string' ? undefined : replacement,
    }));
    this.#rules = marked;
    this.#functions = marked.flatMap(({ replacement: marker, replace }) =>
      replace ? [{ marker, replace }] : [],
    );
  }

  /** Undefined where nothing matches. */
  query(query: Query, { dialect }: ExchangeView): Query | undefined {
    if (!dialect) return undefined;
    const payload = dialect.mapQueryText(query.payload, (text) => this.text(text));
    return payload === query.payload ? undefined : query.with({ payload });
  }

  /** A whole reply; undefined where nothing matches, or where it has gone to the client. */
  reply(reply: Reply, { dialect }: ExchangeView): Reply | undefined {
    if (!dialect || !reply.payload || reply.isSent) return undefined;
    const payload = dialect.mapReplyText(reply.payload, (text) => this.text(text));
    return payload === reply.payload ? undefined : reply.with({ payload });
  }

  /** The events that may leave now; none while a text waits. All of them have left with the last one. */
  chunk(chunk: Chunk, exchange: ExchangeView): Chunk[] {
    const { dialect } = exchange;
    // Nobody waits for what cannot match.
    if (!dialect || this.#rules.length === 0) return [chunk];
    if (!exchange.has(this.#stream)) {
      exchange.set(this.#stream, new RedactedStream(dialect, this.#rules, this.#window));
    }
    const leaving = exchange.get(this.#stream).push(chunk);
    return this.#functions.length === 0 ? leaving : leaving.map((one) => this.#called(one, dialect));
  }

  /** One text as a whole. */
  text(text: string): string {
    return this.#calledIn(redactText(this.#rules, text));
  }

  #called(chunk: Chunk, dialect: Dialect): Chunk {
    if (!chunk.payload || !this.#functions.some(({ marker }) => chunk.data.includes(marker))) return chunk;
    return chunk.with({ payload: dialect.mapEventText(chunk.payload, (text) => this.#calledIn(text)) });
  }

  #calledIn(text: string): string {
    let called = text;
    for (const { marker, replace } of this.#functions) {
      // A replacement is text, in which `$&` means nothing.
      if (called.includes(marker)) called = called.replaceAll(marker, () => replace());
    }
    return called;
  }
}
