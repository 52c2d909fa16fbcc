import { definePlugin, SightlineError, TextReplacer, type TextRule } from 'sightline';
import { z } from 'zod';

/**
 * Refuses exchanges whose texts match a pattern, or masks what matches: in prompts, in whole replies and in
 * streams, also where a match comes in pieces.
 *
 *     plugins:
 *       config:
 *         guardrail:
 *           rules:
 *             - { name: injection, pattern: '(?i:ignore (all )?previous instructions)', action: block }
 *             - { name: ticket, pattern: 'T-\d{6}', action: mask }
 *
 * Patterns are JavaScript's. One such as `(a+)+$` takes for ever on a text that was made for it, and the whole
 * process with it. Where you cannot vouch for the patterns, write `isolation: 'worker'` below and
 * `replies: false` in the configuration (the events of a stream cannot wait for a thread): a callback that
 * gives no answer then ends its thread, and its exchange alone fails.
 */
const rule = z.strictObject({
  name: z.string().regex(/^[\w-]{1,40}$/, 'expected 1 to 40 letters, digits, - and _'),
  // What cannot be compiled is told when the plugin is loaded, and never at the first request.
  pattern: z
    .string()
    .min(1)
    .max(1_000)
    .transform((source, context) => {
      try {
        const expression = new RegExp(source, 'g');
        if (!expression.test('')) return expression;
        context.addIssue('expected a pattern that does not match the empty text');
      } catch (thrown) {
        context.addIssue(
          `expected a regular expression: ${thrown instanceof Error ? thrown.message : thrown}`,
        );
      }
      return z.NEVER;
    }),
  action: z.enum(['block', 'mask'], 'expected "block" or "mask"'),
});

const config = z.strictObject({
  rules: z.array(rule).max(100).default([]),
  prompts: z.boolean().default(true),
  replies: z.boolean().default(true),
  /** The longest match, in characters, that is found wherever a stream splits it; the stream lags so far behind. */
  window: z.number().int().min(1).max(4_096).default(128),
});

export default definePlugin({
  name: 'guardrail',
  version: '1.0.0',
  description: 'Blocks or masks what matches a pattern, in prompts and replies.',
  config,

  initialize({ config: { rules, prompts, replies, window }, meter, registerMiddleware }) {
    if (rules.length === 0) return;
    const matches = meter.createCounter('guardrail.matches', {
      unit: '{match}',
      description: 'Texts that matched a rule.',
    });
    const rulesOf = (action: 'block' | 'mask'): TextRule[] =>
      rules
        .filter((one) => one.action === action)
        .map(({ name, pattern }) => ({
          expression: pattern,
          replacement: () => {
            matches.add(1, { rule: name, action });
            if (action === 'mask') return `[${name}]`;
            throw new SightlineError('blocked', {
              message: `Refused by the rule '${name}' of the guardrail.`,
            });
          },
        }));
    // Two of them, one behind the other: a mask must not hide what would have been blocked.
    const blocks = new TextReplacer(rulesOf('block'), { window });
    const masks = new TextReplacer(rulesOf('mask'), { window });

    registerMiddleware({
      name: 'guardrail',
      // `onFailure` stays 'fail', the default: where this cannot look, nothing passes.
      ...(prompts && {
        beforeQuery: (query, exchange) => {
          blocks.query(query, exchange);
          return masks.query(query, exchange);
        },
      }),
      ...(replies && {
        // Having `onChunk` makes Sightline parse streams; `chunk` gives back the events that may leave now.
        onChunk: (chunk, exchange) =>
          blocks.chunk(chunk, exchange).flatMap((one) => masks.chunk(one, exchange)),
        afterResponse: (reply, exchange) => {
          blocks.reply(reply, exchange);
          return masks.reply(reply, exchange);
        },
      }),
    });
  },
});
