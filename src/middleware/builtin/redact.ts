import { z } from 'zod';
import type { Chunk } from '../../exchange/chunk.ts';
import { createKey } from '../../exchange/keys.ts';
import type { BuiltinMiddleware } from './index.ts';
import { SlidingText } from './sliding-text.ts';

/** Patterns with names of their own. What they match is at most as long as `window` by default. */
const knownPatterns: Readonly<Record<string, string>> = {
  email: String.raw`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}`,
  credit_card: String.raw`\b(?:\d[ -]?){12,18}\d\b`,
  iban: String.raw`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b`,
  ipv4: String.raw`\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b`,
  us_ssn: String.raw`\b\d{3}-\d{2}-\d{4}\b`,
  api_key: String.raw`\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,128}`,
};

const pattern = z.union([
  z.enum(Object.keys(knownPatterns) as [string, ...string[]]).transform((name) => ({
    name,
    pattern: knownPatterns[name] as string,
    flags: '',
    replacement: undefined as string | undefined,
  })),
  z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/),
    pattern: z.string().min(1).max(1_000),
    flags: z
      .string()
      .regex(/^[imsu]*$/, 'expected some of i, m, s, u')
      .default(''),
    replacement: z.string().max(200).optional(),
  }),
]);

const optionsSchema = z.strictObject({
  patterns: z.array(pattern).min(1).max(50),
  prompts: z.boolean().default(true),
  replies: z.boolean().default(true),
  /** A match up to this many characters is found wherever a stream splits it; text waits for so long. */
  window: z.number().int().min(1).max(4_096).default(128),
});

export interface RedactRule {
  readonly expression: RegExp;
  readonly replacement: string;
}

interface StreamState {
  /** By slot: the text that waits, and the newest chunk with a piece of it, as the mould for what comes out. */
  readonly slots: Map<string, { text: SlidingText; mould: Chunk }>;
}

const streamState = createKey<StreamState>('redact');

/** Replaces what matches a pattern, in prompts and replies, whole or streamed. */
export const redact: BuiltinMiddleware = {
  name: 'redact',
  summary: 'Replaces matches of patterns in prompts and replies, in streams also where a match is split.',
  create(options) {
    const { patterns, prompts, replies, window } = optionsSchema.parse(options ?? {});
    const rules = patterns.map(toRule);
    const clean = (text: string) => applyRules(rules, text);
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
        afterResponse(reply, { dialect }) {
          if (!dialect || !reply.payload || reply.isStreamed) return;
          const payload = dialect.mapReplyText(reply.payload, clean);
          return payload === reply.payload ? undefined : reply.with({ payload });
        },
        onChunk(chunk, exchange) {
          const { dialect } = exchange;
          if (!dialect) return;
          if (!exchange.has(streamState)) exchange.set(streamState, { slots: new Map() });
          const { slots } = exchange.get(streamState);
          const out: Chunk[] = [];
          const { payload } = chunk;
          let current = chunk;
          if (payload) {
            const changed = dialect.mapEventText(payload, (piece, slot) => {
              if (slot.startsWith('whole:')) return clean(piece);
              const known = slots.get(slot);
              const text = known?.text ?? new SlidingText(rules, window);
              slots.set(slot, { text, mould: chunk });
              return text.push(piece);
            });
            if (changed !== payload) current = chunk.with({ payload: changed });
          }
          const ended = chunk.isFinal ? 'all' : dialect.endedSlots(chunk);
          for (const [slot, { text, mould }] of slots) {
            if (ended !== 'all' && !ended.some((prefix) => slot.startsWith(prefix))) continue;
            slots.delete(slot);
            const rest = text.end();
            if (rest === '' || !mould.payload) continue;
            if (mould === chunk) {
              // The text ends in the chunk that carries its last piece: the rest goes there.
              current = current.with({
                payload: dialect.mapEventText(current.payload ?? mould.payload, (piece, at) =>
                  at === slot ? piece + rest : piece,
                ),
              });
            } else {
              out.push(
                mould.with({
                  payload: dialect.mapEventText(mould.payload, (_piece, at) => (at === slot ? rest : '')),
                }),
              );
            }
          }
          out.push(current);
          return out;
        },
      }),
    };
  },
};

function toRule({
  name,
  pattern,
  flags,
  replacement,
}: z.infer<typeof optionsSchema>['patterns'][number]): RedactRule {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, `${flags}g`);
  } catch (cause) {
    throw new Error(`the pattern '${name}' is no regular expression: ${String(cause)}`);
  }
  if (expression.test('')) throw new Error(`the pattern '${name}' matches the empty text.`);
  return { expression, replacement: replacement ?? `[${name}]` };
}

/** The text with every match of every rule replaced. */
export function applyRules(rules: readonly RedactRule[], text: string): string {
  // A replacement is text, not a template: `$1` in it means itself.
  return rules.reduce(
    (current, { expression, replacement }) => current.replace(expression, () => replacement),
    text,
  );
}
