import type { JsonObject } from '../../wire/json.ts';
import type { Room } from './room.ts';

/**
 * What was asked and what was answered, in the words of the GenAI conventions. Their schemas are
 * https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0/docs/gen-ai (`gen-ai-input-messages.json`,
 * `gen-ai-output-messages.json`, `gen-ai-system-instructions.json`, `gen-ai-tool-definitions.json`): keys are theirs.
 */

/**
 * `text`, `reasoning` and `refusal` have `content`, `tool_call` has `id`, `name` and `arguments`, `tool_call_response`
 * has `id` and `response`; `blob`, `uri` and `file` tell what else there is, and never have its bytes. Any other type
 * is what the API calls it.
 */
export interface Part {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface Message {
  readonly role: string;
  readonly name?: string;
  readonly parts: readonly Part[];
}

export interface OutputMessage extends Message {
  /** As in `gen_ai.response.finish_reasons`; `unfinished` where the reply ended without. */
  readonly finish_reason: string;
}

export interface ToolDefinition {
  readonly type: string;
  readonly name: string;
  readonly description?: string;
  /** A JSON Schema. */
  readonly parameters?: unknown;
}

/** What a model is asked. */
export interface InputContent {
  readonly messages: readonly Message[];
  /** Those that the API takes apart from the messages. */
  readonly systemInstructions: readonly Part[];
  readonly toolDefinitions: readonly ToolDefinition[];
}

/** Puts together what a model answers. What was gathered when a stream broke off is what came of it. */
export interface OutputCollector {
  /** One event of a stream, in order. */
  event(payload: JsonObject): void;
  /** A whole reply. */
  whole(payload: JsonObject): void;
  /** One for each choice, in their order. */
  messages(): OutputMessage[];
}

/**
 * How a dialect tells what was asked and answered. A stream and a whole reply that say the same give the same messages.
 * Like all of a dialect it passes over what has an unexpected type.
 */
export interface DialectContent {
  readInput(payload: JsonObject): InputContent;
  /** `room`: how much text it may keep. */
  collect(room: Room): OutputCollector;
}
