import type { ReplyFacts } from '../exchange/facts.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../wire/json.ts';
import type { SseEvent } from '../wire/sse-event.ts';
import type { EventMark } from './dialect.ts';
import { errorName, flatErrorName } from './error-name.ts';
import { list } from './payload.ts';
import { noOutput, noteFinishReason, noteIdentity, noteOpenaiUsage, output } from './reply-facts.ts';
import { indexOf, withField, withObjects, withoutStaleLogprobs } from './text-walk.ts';

/** What chat and completions share: a reply is a list of choices, and a stream ends with `[DONE]`. */
const done = '[DONE]';

type ChoiceHasOutput = (choice: JsonObject) => boolean;

export function readChoicesReply(payload: JsonObject, facts: ReplyFacts): void {
  readChoices(payload, facts, () => false);
  facts.terminal = true;
}

export function readChoicesEvent(event: SseEvent, facts: ReplyFacts, hasOutput: ChoiceHasOutput): EventMark {
  if (event.data === done) {
    facts.terminal = true;
    return noOutput;
  }
  const payload = parseJsonObject(event.data);
  if (payload === undefined) return noOutput;
  if (event.event === 'error') facts.error = errorName(payload) ?? flatErrorName(payload);
  return readChoices(payload, facts, hasOutput) ? output : noOutput;
}

/** Returns whether any choice carried output. */
function readChoices(payload: JsonObject, facts: ReplyFacts, hasOutput: ChoiceHasOutput): boolean {
  noteIdentity(payload, facts);
  noteOpenaiUsage(payload.usage, facts);
  const error = errorName(payload);
  if (error !== undefined) facts.error = error;
  let carried = false;
  const choices = list(payload.choices);
  for (let i = 0; i < choices.length; i += 1) {
    const choice = choices[i];
    if (!isJsonObject(choice)) continue;
    noteFinishReason(facts, indexOf(choice, i), choice.finish_reason);
    carried ||= hasOutput(choice);
  }
  return carried;
}

/** The payload with each choice changed; `slot` names the choice. */
export function withChoices(
  payload: JsonObject,
  change: (choice: JsonObject, slot: string) => JsonObject,
): JsonObject {
  return withField(payload, 'choices', (choices) =>
    withObjects(choices, (choice, i) =>
      withoutStaleLogprobs(choice, change(choice, `choice:${indexOf(choice, i)}`)),
    ),
  );
}

/** A choice's texts end with its finish reason. */
export function endedChoices(event: SseEvent, payload: JsonObject | undefined): readonly string[] | 'all' {
  if (event.data === done || event.event === 'error') return 'all';
  if (payload === undefined) return [];
  if (errorName(payload) !== undefined) return 'all';
  const ended: string[] = [];
  list(payload.choices).forEach((choice, i) => {
    if (isJsonObject(choice) && typeof choice.finish_reason === 'string')
      ended.push(`choice:${indexOf(choice, i)}:`);
  });
  return ended;
}
