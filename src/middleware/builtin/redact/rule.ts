import { z } from 'zod';

/** What is replaced, and by what. */
export interface RedactRule {
  /** Global: `lastIndex` says where to look. */
  readonly expression: RegExp;
  readonly replacement: string;
}

/**
 * Patterns with names of their own. Each match is shorter than the usual window, or is a match from early on
 * while it grows: a stream finds both.
 */
const knownPatterns = new Map([
  ['email', String.raw`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}`],
  ['credit_card', String.raw`\b(?:\d[ -]?){12,18}\d\b`],
  ['iban', String.raw`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b`],
  ['ipv4', String.raw`\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b`],
  ['us_ssn', String.raw`\b\d{3}-\d{2}-\d{4}\b`],
  ['api_key', String.raw`\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,512}`],
]);
const knownNames = [...knownPatterns.keys()].join(', ');

const pattern = z
  .strictObject(
    {
      name: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'expected 1 to 40 letters, digits, - and _'),
      pattern: z.string().min(1).max(1_000),
      flags: z
        .string()
        .regex(/^(?!.*(.).*\1)[imsu]*$/, 'expected some of i, m, s, u, each once')
        .default(''),
      replacement: z.string().max(200).optional(),
    },
    {
      error: ({ code }) =>
        code === 'invalid_type' ? `expected one of ${knownNames}, or a name and a pattern` : undefined,
    },
  )
  .transform(({ name, pattern, flags, replacement }, context): RedactRule => {
    try {
      const expression = new RegExp(pattern, `${flags}g`);
      if (!expression.test('')) return { expression, replacement: replacement ?? `[${name}]` };
      context.addIssue('expected a pattern that does not match the empty text');
    } catch (thrown) {
      context.addIssue(`expected a regular expression: ${thrown instanceof Error ? thrown.message : thrown}`);
    }
    return z.NEVER;
  });

/** A rule as the options give it: the name of a known pattern, or a pattern of one's own. */
export const ruleSchema = z.preprocess((value) => {
  const known = typeof value === 'string' ? knownPatterns.get(value) : undefined;
  return known === undefined ? value : { name: value, pattern: known };
}, pattern);
