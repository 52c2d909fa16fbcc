import { z } from 'zod';
import { SightlineError } from '../errors.ts';

/*
 * What a query string may say. Every `error` says what was expected: it ends the sentence "'limit' must be …".
 */

export const count = wholeNumber('a whole number above 0', /^0*[1-9]\d*$/);

/** The number of something, in an order that begins at 1; 0 is before the first. */
export const ordinal = wholeNumber('a whole number', /^\d{1,15}$/);

const isoDate = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2}))?$/;
const aTime = 'a time: milliseconds since the epoch, or ISO 8601 such as 2026-11-23T08:00:00Z';

/** ms since the epoch. */
export const moment = z.string(aTime).transform((text, context) => {
  const at = /^\d{1,15}$/.test(text) ? Number(text) : isoDate.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) context.addIssue(aTime);
  return at;
});

export const text = z.string('given once');

/** One value, or several: the parameter is repeated. */
export function several<Value extends z.ZodType>(value: Value) {
  return z.preprocess((sent) => (typeof sent === 'string' ? [sent] : sent), z.array(value));
}

export function oneOf<Name extends string>(names: readonly [Name, ...Name[]]) {
  return z.enum(names, `one of ${names.join(', ')}`);
}

/** All parameters of a query string; others are refused. Throws `malformed_request`. */
export function parameters<Shape extends z.ZodRawShape>(shape: Shape, query: unknown) {
  const result = z.strictObject(shape).safeParse(query);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw malformed(
    issue?.code === 'unrecognized_keys'
      ? `'${clip(issue.keys[0])}' is no parameter here: ${Object.keys(shape).join(', ')}.`
      : `'${String(issue?.path[0])}' must be ${issue?.message}.`,
  );
}

/** One value from elsewhere, which the sentence calls `name`. Throws `malformed_request`. */
export function parameter<Schema extends z.ZodType>(schema: Schema, name: string, value: unknown) {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw malformed(`'${name}' must be ${result.error.issues[0]?.message}.`);
}

function wholeNumber(error: string, pattern: RegExp) {
  return z.string(error).regex(pattern, error).transform(Number);
}

function malformed(message: string): SightlineError {
  return new SightlineError('malformed_request', { message });
}

function clip(name = ''): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name;
}
