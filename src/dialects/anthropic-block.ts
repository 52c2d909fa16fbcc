import { asJsonObject, isJsonObject, type JsonObject } from '../wire/json.ts';
import type { TextMap } from './dialect.ts';
import { withEveryText, withField, withItems, withText } from './text-walk.ts';

/** Content blocks of Anthropic's API, in a query and in a reply. */

/** A query's content: a text, or a list of blocks. */
export function withAnthropicContent(value: unknown, map: TextMap, slot: string): unknown {
  if (typeof value === 'string') return map(value, slot);
  return withItems(value, (block, i) =>
    isJsonObject(block) ? withQueryBlock(block, map, `${slot}:${i}`) : block,
  );
}

/** Thinking that comes back to the model is left alone: it is signed, and changed the API refuses it. */
function withQueryBlock(block: JsonObject, map: TextMap, slot: string): JsonObject {
  let next = withText(block, 'text', map, slot);
  next = withField(next, 'input', (input) => withEveryText(input, map, `${slot}:input`));
  next = withField(next, 'content', (content) => withAnthropicContent(content, map, slot));
  if (block.type !== 'document') return next;
  next = withText(next, 'title', map, `${slot}:title`);
  next = withText(next, 'context', map, `${slot}:context`);
  return withField(next, 'source', (value) => {
    const source = asJsonObject(value);
    if (source === undefined) return value;
    // Any other source's `data` is an encoded file.
    const plain = source.type === 'text' ? withText(source, 'data', map, slot) : source;
    return withField(plain, 'content', (content) => withAnthropicContent(content, map, slot));
  });
}

/** A block that the model wrote. The slots of its texts begin with `slot`, those of a tool's input with `inputSlot`. */
export function withReplyBlock(block: JsonObject, map: TextMap, slot: string, inputSlot: string): JsonObject {
  let next = withText(block, 'text', map, `${slot}:text`);
  next = withText(next, 'thinking', map, `${slot}:thinking`);
  return withField(next, 'input', (input) => withEveryText(input, map, `${inputSlot}:input`));
}

/** A piece of such a block. */
export function withDeltaText(delta: JsonObject, map: TextMap, slot: string): JsonObject {
  let next = withText(delta, 'text', map, `${slot}:text`);
  next = withText(next, 'thinking', map, `${slot}:thinking`);
  return withText(next, 'partial_json', map, `${slot}:input`);
}
