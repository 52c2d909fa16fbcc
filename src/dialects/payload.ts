/**
 * Readers of payloads from outside: each gives the value where it has the type that is wanted, and
 * `undefined` where it has not. They run for every event of a stream, so they look and do not validate.
 */

/** A model name, an id, a stop sequence: what becomes a fact is not longer than this. */
const labelCharsMax = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const nothing: readonly unknown[] = [];

/** The items of a list; none where it is no list. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : nothing;
}

/** Text with something in it. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Text that becomes a fact: not empty, and cut to a bound. */
export function label(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  if (value.length <= labelCharsMax) return value;
  // Through bytes: a slice would keep the whole text alive, and could end in half a character.
  return decoder.decode(encoder.encode(value.slice(0, labelCharsMax)));
}

export function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? finite(value) : undefined;
}

/** A number of things: a whole one, not below zero. */
export function count(value: unknown): number | undefined {
  const whole = integer(value);
  return whole !== undefined && whole >= 0 ? whole : undefined;
}
