import type { QueryFacts, ReplyFacts } from '../exchange/facts.ts';
import type { JsonObject } from '../wire/json.ts';
import type { SseEvent } from '../wire/sse-event.ts';
import type { DialectContent } from './content/content.ts';

/** What one stream event meant. */
export interface EventMark {
  /** It carried output of the model: text, reasoning, a refusal or a piece of a tool call. */
  readonly output: boolean;
}

/**
 * Replaces one piece of text. `slot` names the text that the piece belongs to: pieces with the same slot,
 * in the order in which they come, make one text. It is stable over the events of a stream. Log
 * probabilities beside a text that was changed are dropped: they repeat it token by token.
 */
export type TextMap = (text: string, slot: string) => string;

/** What an error of ours says, before a dialect gives it the shape that its SDKs expect. */
export interface Problem {
  /** From the error table (`errors.ts`). */
  readonly code: string;
  readonly message: string;
  /** HTTP status. */
  readonly status: number;
  readonly requestId: string;
  readonly traceId: string | undefined;
  /** The client's own id of the message that was wrong, on a session. */
  readonly eventId?: string | undefined;
  /** What in it was wrong, by its path, and what was expected there. */
  readonly field?: string | undefined;
  readonly reason?: string | undefined;
}

/**
 * The meaning of a payload. A dialect knows one operation of one API; it never does I/O and never changes
 * what it is given. Everything it reads comes from outside: a field of an unexpected type is passed over.
 *
 * Every implementation passes `test/contract/dialect.ts`.
 */
export interface Dialect {
  /** Unique, for people and labels: `openai.chat`. */
  readonly name: string;
  /** `gen_ai.operation.name` of the GenAI conventions. */
  readonly operation: string;
  /** `gen_ai.provider.name`, where the upstream's configuration does not name another. */
  readonly provider: string;
  /** The canonical path, for `http.route`: `/v1/chat/completions`. */
  readonly path: string;
  /** Does a request with this method and path (without query string, below the upstream's prefix) speak it? */
  matches(method: string, path: string): boolean;

  readQuery(payload: JsonObject): QueryFacts;
  /** Reads a whole reply with a success status. Sets `terminal`. */
  readReply(payload: JsonObject, facts: ReplyFacts): void;
  /**
   * Reads one event of a streamed reply. Called in order for each; malformed data is passed over. Sets
   * `terminal` at the dialect's terminal event and `error` at an error event.
   */
  readEvent(event: SseEvent, facts: ReplyFacts): EventMark;

  /** The query with each text that a person, a tool or the system wrote run through `map`. */
  mapQueryText(payload: JsonObject, map: TextMap): JsonObject;
  /** The whole reply with each text of the model run through `map`. */
  mapReplyText(payload: JsonObject, map: TextMap): JsonObject;
  /**
   * One event's payload with each piece of the model's text run through `map`. An event that repeats a
   * text as a whole (a `done` event) uses the slot prefix `whole:`: such a text continues nothing.
   */
  mapEventText(payload: JsonObject, map: TextMap): JsonObject;
  /**
   * The slots whose texts end with this event (`payload` is its data as JSON, parsed once by whoever asks): no further piece of them will come. Each entry ends every
   * slot that begins with it: `choice:0:` all texts of the first choice. `'all'` at the end of the reply.
   */
  endedSlots(event: SseEvent, payload: JsonObject | undefined): readonly string[] | 'all';

  /** What was asked and answered, for telemetry that is to tell it. Absent: this operation has no messages. */
  readonly content?: DialectContent;

  /** An error of ours in the shape of this API, so that its SDKs show the message. */
  problemBody(problem: Problem): JsonObject;
  /** The same as one stream event, for a reply that has begun. */
  problemEvent(problem: Problem): SseEvent;
}
