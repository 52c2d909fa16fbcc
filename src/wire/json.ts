import { type ParseErrorCode, visit } from 'jsonc-parser';

/** A parsed JSON object from outside. Its members are unknown until they are looked at. */
export type JsonObject = { readonly [key: string]: unknown };

/** The bytes as a JSON object; undefined where they are not one. */
export function parseJsonObject(bytes: Buffer | string): JsonObject | undefined {
  try {
    return asJsonObject(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value where it is a JSON object. */
export function asJsonObject(value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

/** No API nests deeper; whoever walks a payload may do so by calling itself. */
const depthMax = 256;

/**
 * Frozen through and through: a payload is shared by everybody who looks at it, and whoever wants another
 * one makes another one. Throws a `RangeError` where it is nested deeper than 256.
 */
export function deepFreeze<T>(value: T, depth = 0): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    if (depth > depthMax) throw new RangeError(`JSON is nested deeper than ${depthMax}`);
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member, depth + 1);
  }
  return value;
}

/** Ends the look at a text that has shown where it is wrong. */
class Found extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super();
    this.offset = offset;
  }
}

/**
 * Where a text stops being JSON: the offset of what cannot stand there, in characters. `JSON.parse` gives it
 * only sometimes, and quotes the text, which may be somebody's prompt. Undefined where it is nested too deeply to be
 * looked at.
 */
export function jsonErrorOffset(text: string): number | undefined {
  try {
    // The first error is told, and a text of commas alone has one at each.
    const onError = (_error: ParseErrorCode, offset: number) => {
      throw new Found(offset);
    };
    visit(text, { onError }, { disallowComments: true });
  } catch (thrown) {
    if (thrown instanceof Found) return thrown.offset;
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
  return text.length;
}
