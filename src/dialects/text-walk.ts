import { isJsonObject, type JsonObject } from '../wire/json.ts';
import type { TextMap } from './dialect.ts';
import { count } from './payload.ts';

/**
 * Ways through a payload to its texts. Each gives back what it was given where `map` changed nothing, and
 * a copy of the parts on the way where it did. Nothing that was given is changed.
 */

/** The object with one field changed. A field that is not there stays away. */
export function withField(owner: JsonObject, key: string, change: (value: unknown) => unknown): JsonObject {
  const before = owner[key];
  if (before === undefined || before === null) return owner;
  const after = change(before);
  return after === before ? owner : { ...owner, [key]: after };
}

/** The object with one text changed. */
export function withText(owner: JsonObject, key: string, map: TextMap, slot: string): JsonObject {
  return withField(owner, key, (value) => (typeof value === 'string' ? map(value, slot) : value));
}

/** The list with each of its objects changed; anything else in it stays. */
export function withObjects(
  value: unknown,
  change: (item: JsonObject, position: number) => JsonObject,
): unknown {
  return withItems(value, (item, position) => (isJsonObject(item) ? change(item, position) : item));
}

export function withItems(value: unknown, change: (item: unknown, position: number) => unknown): unknown {
  if (!Array.isArray(value)) return value;
  let copy: unknown[] | undefined;
  for (let i = 0; i < value.length; i += 1) {
    const after = change(value[i], i);
    if (after === value[i]) continue;
    copy ??= value.slice();
    copy[i] = after;
  }
  return copy ?? value;
}

/** A text, or a list of texts: `prompt`, `input`. */
export function withTexts(value: unknown, map: TextMap, slot: string): unknown {
  if (typeof value === 'string') return map(value, slot);
  return withItems(value, (item, i) => (typeof item === 'string' ? map(item, `${slot}:${i}`) : item));
}

/** OpenAI's content: a text, or a list of parts that carry one. */
export function withContent(value: unknown, map: TextMap, slot: string): unknown {
  if (typeof value === 'string') return map(value, slot);
  return withItems(value, (part, i) => {
    const partSlot = `${slot}:${i}`;
    if (typeof part === 'string') return map(part, partSlot);
    return isJsonObject(part) ? withPart(part, map, partSlot) : part;
  });
}

export function withPart(part: JsonObject, map: TextMap, slot: string): JsonObject {
  let next = withText(part, 'text', map, slot);
  next = withText(next, 'refusal', map, slot);
  next = withText(next, 'transcript', map, slot);
  // Mistral's reasoning models put a list of parts here.
  next = withField(next, 'thinking', (inner) => withContent(inner, map, `${slot}:thinking`));
  return withoutStaleLogprobs(part, next);
}

/**
 * Every text in a value, however deep. Nesting that is too deep for the stack throws, as it does in
 * `JSON.stringify`: whoever maps texts fails closed.
 */
export function withEveryText(value: unknown, map: TextMap, slot: string): unknown {
  if (typeof value === 'string') return map(value, slot);
  if (Array.isArray(value)) return withItems(value, (item, i) => withEveryText(item, map, `${slot}:${i}`));
  if (!isJsonObject(value)) return value;
  let next = value;
  for (const key of Object.keys(value)) {
    next = withField(next, key, (inner) => withEveryText(inner, map, `${slot}:${key}`));
  }
  return next;
}

/**
 * Log probabilities repeat a text token by token: where the text was changed they would give away what it
 * was, and are dropped.
 */
export function withoutStaleLogprobs(before: JsonObject, after: JsonObject): JsonObject {
  if (after === before || !after.logprobs) return after;
  return { ...after, logprobs: Array.isArray(after.logprobs) ? [] : null };
}

/** The index that an item of a stream gives itself; its position where it gives none. */
export function indexOf(item: JsonObject, position: number): number {
  return count(item.index) ?? position;
}
