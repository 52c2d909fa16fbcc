import { z } from 'zod';
import { isJsonObject } from '../wire/json.ts';
import type { MessageHeaders } from './protocol.ts';

/** As many as Node takes of an HTTP request. */
const fieldsMax = 2_000;
const valuesMax = 64;
const valueCharsMax = 16_384;

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
const nameExpected = 'expected header names (RFC 9110 §5.1)';
const textPattern = /^[\t\x20-\x7e\x80-\xff]*$/;
const textExpected = 'expected header values without line breaks (RFC 9110 §5.5)';

export const headerName = z.string().regex(namePattern, nameExpected);
export const headerText = z.string().regex(textPattern, textExpected);

/**
 * The headers of a client's message. Of many wrong ones the first is told: a message has room for a million, and
 * to list them all takes seconds. `__proto__` is a name like any other, which zod's records pass over.
 */
export const headerFields = z
  .custom<MessageHeaders>(isJsonObject, 'expected headers by their names')
  .superRefine((fields, context) => {
    const names = Object.keys(fields);
    if (names.length > fieldsMax) {
      context.addIssue(`expected at most ${fieldsMax} headers`);
      return;
    }
    for (const name of names) {
      const message = wrongWith(name, fields[name]);
      if (message === undefined) continue;
      context.addIssue({ code: 'custom', path: [name], message });
      return;
    }
  });

function wrongWith(name: string, value: unknown): string | undefined {
  if (!namePattern.test(name)) return nameExpected;
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (texts.length > valuesMax) return `expected at most ${valuesMax} values of one header`;
  for (const text of texts) {
    if (typeof text !== 'string') return 'expected a text, or a list of texts';
    if (text.length > valueCharsMax) return `expected at most ${valueCharsMax} characters`;
    if (!textPattern.test(text)) return textExpected;
  }
  return undefined;
}
