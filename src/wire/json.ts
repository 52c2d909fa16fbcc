/** A parsed JSON object from outside. Its members are unknown until they are looked at. */
export type JsonObject = { readonly [key: string]: unknown };

/** The object that a text is; undefined where it is none. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    return asJsonObject(JSON.parse(text));
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
