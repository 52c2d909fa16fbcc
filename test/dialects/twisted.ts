import { isJsonObject, type JsonObject } from '../../src/wire/json.ts';

const strange: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e300,
  '',
  'x'.repeat(1000),
  [],
  [null, 1, 'x', [], {}],
  {},
  { type: 1, text: {} },
];

/** The payload, with each value in it replaced in turn by each strange one. */
export function* twisted(payload: JsonObject): Generator<JsonObject> {
  for (const value of twistedValues(payload, 0)) if (isJsonObject(value)) yield value;
}

function* twistedValues(value: unknown, depth: number): Generator<unknown> {
  if (depth > 0) yield* strange;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      for (const item of twistedValues(value[i], depth + 1)) yield value.with(i, item);
    }
  } else if (isJsonObject(value)) {
    for (const key of Object.keys(value)) {
      for (const item of twistedValues(value[key], depth + 1)) yield { ...value, [key]: item };
    }
  }
}
