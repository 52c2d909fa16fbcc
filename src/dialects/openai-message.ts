import { asJsonObject, type JsonObject } from '../wire/json.ts';
import type { TextMap } from './dialect.ts';
import { list, text } from './payload.ts';
import { indexOf, withContent, withField, withObjects, withText } from './text-walk.ts';

/**
 * A chat message: of the query, of a whole reply, or the piece of one in a stream event (`delta`). OpenAI's
 * own fields, and those that compatible backends add for reasoning (`reasoning_content`: DeepSeek, vLLM;
 * `reasoning`, `reasoning_details`: OpenRouter).
 */
const textFields = ['refusal', 'reasoning_content', 'reasoning'] as const;

/** The message with each of its texts run through `map`; their slots begin with `slot`. */
export function withMessageText(message: JsonObject, map: TextMap, slot: string): JsonObject {
  let next = withField(message, 'content', (content) => withContent(content, map, `${slot}:content`));
  for (const field of textFields) next = withText(next, field, map, `${slot}:${field}`);
  next = withField(next, 'reasoning_details', (details) =>
    withObjects(details, (detail, i) => {
      const detailSlot = `${slot}:reasoning_details:${indexOf(detail, i)}`;
      return withText(withText(detail, 'text', map, detailSlot), 'summary', map, detailSlot);
    }),
  );
  next = withField(next, 'tool_calls', (calls) =>
    withObjects(calls, (call, i) => withCallText(call, map, `${slot}:tool:${indexOf(call, i)}`)),
  );
  next = withInner(next, 'function_call', 'arguments', map, `${slot}:function:arguments`);
  return withInner(next, 'audio', 'transcript', map, `${slot}:transcript`);
}

function withCallText(call: JsonObject, map: TextMap, slot: string): JsonObject {
  const next = withInner(call, 'function', 'arguments', map, `${slot}:arguments`);
  return withInner(next, 'custom', 'input', map, `${slot}:input`);
}

function withInner(owner: JsonObject, field: string, key: string, map: TextMap, slot: string): JsonObject {
  return withField(owner, field, (value) => {
    const inner = asJsonObject(value);
    return inner === undefined ? value : withText(inner, key, map, slot);
  });
}

/** Does this piece of a message carry output of the model? A role, or a tool's name alone, is none. */
export function hasOutput(delta: JsonObject): boolean {
  if (text(delta.content) !== undefined || list(delta.content).length > 0) return true;
  for (const field of textFields) {
    if (text(delta[field]) !== undefined) return true;
  }
  for (const item of list(delta.tool_calls)) {
    const call = asJsonObject(item);
    if (text(asJsonObject(call?.function)?.arguments) ?? text(asJsonObject(call?.custom)?.input)) return true;
  }
  const audio = asJsonObject(delta.audio);
  return (
    (text(asJsonObject(delta.function_call)?.arguments) ?? text(audio?.transcript) ?? text(audio?.data)) !==
    undefined
  );
}
