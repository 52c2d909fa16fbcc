import type { Wish } from './answer.ts';
import type { JsonObject } from './json.ts';
import type { Problem } from './problems.ts';

/** Token counts under the GenAI conventions' meaning: `input` includes cached tokens, `output` reasoning. */
export interface Tokens {
  input?: number;
  output?: number;
  cacheRead?: number;
  cacheCreation?: number;
  reasoning?: number;
}

/** What a piece of the reply says about the reply; the journal notes it once the piece is sent. */
export interface Marks {
  readonly responseId?: string;
  readonly model?: string;
  readonly finishReason?: string;
  /** Counts under the names that they have on the wire: `prompt_tokens_details.cached_tokens`. */
  readonly usage?: Readonly<Record<string, number>>;
  /** The same counts under the conventions' meaning. */
  readonly tokens?: Readonly<Tokens>;
}

/** One event of a streamed reply. */
export interface Frame {
  /** The `event:` field; `''` where the API names none. */
  readonly event: string;
  readonly data: string;
  /** Carries text, reasoning or a piece of a tool call's arguments: takes its place in the pace. */
  readonly output?: boolean;
  /** After this one the API says no more. */
  readonly terminal?: boolean;
  readonly marks?: Marks;
}

/** A reply ready to be sent, whole or as a stream. */
export interface Script {
  /** The model that answers. */
  readonly model: string;
  readonly stream: boolean;
  /** Tokens of output, which a whole reply takes time for too. */
  readonly tokens: number;
  whole(): { readonly body: string; readonly marks: readonly Marks[] };
  frames(): Iterable<Frame>;
  /** The API's own way to report an error inside a stream. */
  errorFrame(): Frame;
}

export interface Setting {
  readonly seed: number;
  /** Seconds since 1970. */
  readonly created: number;
  readonly wish: Wish;
}

const operations = [
  'openai.chat',
  'openai.completions',
  'openai.responses',
  'openai.embeddings',
  'anthropic.messages',
  'openai.realtime',
] as const;

export type Operation = (typeof operations)[number];

/** One operation of one API. Pure: a request's body in, the script of its reply out. */
export interface Api {
  readonly operation: Operation;
  /** Below `/v1`. */
  readonly path: string;
  readonly shape: 'openai' | 'anthropic';
  /** What the real API would refuse about this body. */
  refuse(body: JsonObject): Problem | undefined;
  script(body: JsonObject, setting: Setting): Script;
}
