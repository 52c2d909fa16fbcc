import { z } from 'zod';
import { isMapping } from './tree.ts';

/*
 * Pieces of the schema. Every `error` says what was expected: it ends the sentence
 * "data.port is 99999; expected …". A section's error for unknown keys is the list of the known ones.
 */

/** A mapping with fixed keys. A key with nothing behind it counts as not given. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ');
  const isGiven = ([key, value]: [string, unknown]) => value !== null || !Object.hasOwn(shape, key);
  return z.preprocess(
    (value) => (isMapping(value) ? Object.fromEntries(Object.entries(value).filter(isGiven)) : value),
    z.strictObject(shape, {
      error: ({ code }) => (code === 'unrecognized_keys' ? known : `a mapping (keys: ${known})`),
    }),
  );
}

export function integer(min: number, max: number, error: string) {
  return number(z.int(error).min(min, error).max(max, error));
}

/** Variables bring numbers as text. */
export function number(schema: z.ZodNumber) {
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value),
    schema,
  );
}

export function text(error: string, pattern = /\S/) {
  return z.string(error).regex(pattern, error);
}
