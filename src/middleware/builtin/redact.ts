import { z } from 'zod';
import { createKey } from '../../exchange/keys.ts';
import type { BuiltinMiddleware } from './builtin-middleware.ts';
import { ruleSchema } from './redact/rule.ts';
import { redactText } from './redact/sliding-text.ts';
import { RedactedStream } from './redact/stream.ts';

const optionsSchema = z.strictObject({
  /** Names of known patterns, or patterns of one's own. */
  patterns: z.array(ruleSchema, 'expected a list of patterns').min(1, 'expected a pattern at least').max(50),
  prompts: z.boolean().default(true),
  replies: z.boolean().default(true),
  /** A match of up to so many characters is found wherever a stream splits it; the stream lags so far behind. */
  window: z.number().int().min(1).max(4_096).default(128),
});

/** Replaces what matches a pattern, in prompts and replies, whole or streamed. */
export const redact: BuiltinMiddleware = {
  name: 'redact',
  summary: 'Replaces matches of patterns in prompts and replies, in streams also where a match is split.',
  create(options) {
    const { patterns: rules, prompts, replies, window } = optionsSchema.parse(options ?? {});
    const streamKey = createKey<RedactedStream>('redact');
    const clean = (text: string) => redactText(rules, text);
    return {
      name: redact.name,
      ...(prompts && {
        beforeQuery(query, { dialect }) {
          if (!dialect) return;
          const payload = dialect.mapQueryText(query.payload, clean);
          return payload === query.payload ? undefined : query.with({ payload });
        },
      }),
      ...(replies && {
        onChunk(chunk, exchange) {
          const { dialect } = exchange;
          if (!dialect) return;
          if (!exchange.has(streamKey)) exchange.set(streamKey, new RedactedStream(dialect, rules, window));
          return exchange.get(streamKey).push(chunk);
        },
        afterResponse(reply, { dialect }) {
          if (!dialect || !reply.payload || reply.isSent) return;
          const payload = dialect.mapReplyText(reply.payload, clean);
          return payload === reply.payload ? undefined : reply.with({ payload });
        },
      }),
    };
  },
};
