import type { ReplyFacts, Usage } from '../exchange/facts.ts';
import { asJsonObject, type JsonObject } from '../wire/json.ts';
import type { EventMark } from './dialect.ts';
import { count, label } from './payload.ts';

/** The most choices that any API gives for one query. */
export const finishReasonsMax = 128;

/** In the place of a choice that has not finished while a later one has. */
export const unfinished = 'unfinished';

export const output: EventMark = Object.freeze({ output: true });
export const noOutput: EventMark = Object.freeze({ output: false });

/** The first id and model that the reply names. Azure's first chunk has them empty. */
export function noteIdentity(payload: JsonObject, facts: ReplyFacts): void {
  if (facts.id === undefined) {
    const id = label(payload.id);
    if (id !== undefined) facts.id = id;
  }
  if (facts.model === undefined) {
    const model = label(payload.model);
    if (model !== undefined) facts.model = model;
  }
}

/** One reason for each choice, in their order, whichever finishes first. */
export function noteFinishReason(facts: ReplyFacts, choice: number, value: unknown): void {
  const reason = label(value);
  if (reason === undefined || choice >= finishReasonsMax) return;
  while (facts.finishReasons.length < choice) facts.finishReasons.push(unfinished);
  facts.finishReasons[choice] = reason;
}

export function noteCount(usage: Usage, key: keyof Usage, value: unknown): void {
  const tokens = count(value);
  if (tokens !== undefined) usage[key] = tokens;
}

/**
 * OpenAI's counts: cached tokens are a part of the input and reasoning tokens one of the output, which is
 * as the conventions want them. Chat says `prompt` and `completion`, responses `input` and `output`, and
 * realtime has `token` where those have `tokens`.
 */
export function noteOpenaiUsage(value: unknown, facts: ReplyFacts): void {
  const usage = asJsonObject(value);
  if (usage === undefined) return;
  noteCount(facts.usage, 'input', usage.prompt_tokens ?? usage.input_tokens);
  noteCount(facts.usage, 'output', usage.completion_tokens ?? usage.output_tokens);
  const inputDetails = asJsonObject(
    usage.prompt_tokens_details ?? usage.input_tokens_details ?? usage.input_token_details,
  );
  noteCount(facts.usage, 'cacheRead', inputDetails?.cached_tokens);
  noteCount(facts.usage, 'cacheCreation', inputDetails?.cache_write_tokens);
  const outputDetails = asJsonObject(
    usage.completion_tokens_details ?? usage.output_tokens_details ?? usage.output_token_details,
  );
  noteCount(facts.usage, 'reasoning', outputDetails?.reasoning_tokens);
}
