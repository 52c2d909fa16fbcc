import { z } from 'zod';
import { createKey } from '../../exchange/keys.ts';
import { asJsonObject } from '../../wire/json.ts';
import type { BuiltinMiddleware } from './builtin-middleware.ts';

const optionsSchema = z.strictObject({});
const wasAsked = createKey<true>('stream-usage');

/** `"usage":null` as a member of a chunk, with its comma. Inside a text it would have its quotes escaped. */
const nullUsage = /\s*,\s*"usage"\s*:\s*null|"usage"\s*:\s*null\s*,\s*/;

/**
 * OpenAI's chat and completions streams report usage only where the query asks for it. This asks, and takes
 * the additional event and the additional member out again: the client sees what it would have seen.
 * https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
 */
export const streamUsage: BuiltinMiddleware = {
  name: 'stream-usage',
  summary: 'Asks OpenAI streams for their token usage, and hides from the client that it was asked for.',
  create(options) {
    optionsSchema.parse(options ?? {});
    return {
      name: streamUsage.name,
      beforeQuery(query, exchange) {
        const name = exchange.dialect?.name;
        if (name !== 'openai.chat' && name !== 'openai.completions') return;
        if (exchange.query?.stream !== true) return;
        const streamOptions = asJsonObject(query.payload.stream_options);
        if (streamOptions?.include_usage === true) return;
        exchange.set(wasAsked, true);
        return query.with({
          payload: { ...query.payload, stream_options: { ...streamOptions, include_usage: true } },
        });
      },
      onChunk(chunk, exchange) {
        if (!exchange.has(wasAsked)) return;
        if (!chunk.data.includes('"usage"')) return;
        const { payload } = chunk;
        const { usage, choices } = payload ?? {};
        // Some backends put the counts into the last event with a choice; that one has to stay.
        if (asJsonObject(usage)) return Array.isArray(choices) && choices.length === 0 ? null : undefined;
        if (usage !== null) return;
        return chunk.with({ data: chunk.data.replace(nullUsage, '') });
      },
    };
  },
};
