import { defineMessageType, definePlugin } from 'sightline';
import { z } from 'zod';

/**
 * A message type of one's own. On a WebSocket at `/stream` a client sends
 *
 *     { "type": "translate", "id": "1", "text": "Good morning!", "to": "de" }
 *
 * and gets what it would get for a query to a model that translates: middleware, telemetry and the answer's
 * messages, `chunk` and `response` with its `id`, are those of any query.
 *
 *     plugins:
 *       config:
 *         translate:
 *           model: gpt-4o-mini
 *           languages: { de: German, fr: French, ja: Japanese }
 */
const config = z.strictObject({
  /** Without one, nothing is registered. */
  model: z.string().min(1).optional(),
  /** Of a chat API, with the prefix of its upstream. */
  path: z.string().startsWith('/').default('/v1/chat/completions'),
  languages: z
    .record(
      z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected language codes'),
      z.string().min(1),
    )
    .default({ de: 'German', en: 'English', es: 'Spanish', fr: 'French' }),
  textCharsMax: z.number().int().min(1).default(20_000),
});

export default definePlugin({
  name: 'translate',
  version: '1.0.0',
  description: 'Turns messages of the type "translate" into queries to a model.',
  config,

  initialize({ config: { model, path, languages, textCharsMax }, registerMessageType }) {
    if (model === undefined) return;
    const codes = Object.keys(languages);

    registerMessageType(
      defineMessageType({
        type: 'translate',
        // A session with an upstream has a protocol of its own, where this message is none of ours.
        on: 'stream',
        // What is wrong is answered with an error that names field and reason; the session goes on.
        schema: z.strictObject({
          type: z.literal('translate'),
          id: z.union([z.string().min(1).max(128), z.number().int().nonnegative()], 'expected an id'),
          text: z.string('expected a text').max(textCharsMax, `expected ${textCharsMax} characters at most`),
          to: z.string('expected the code of a language'),
          stream: z.boolean('expected true or false').default(true),
        }),
        // For what a schema cannot say, or says only with difficulty; they may ask somebody, and wait.
        validators: [
          ({ text }) =>
            text.trim() === '' ? { field: 'text', reason: 'there is nothing in it' } : undefined,
          ({ to }) =>
            codes.includes(to) ? undefined : { field: 'to', reason: `expected one of ${codes.join(', ')}` },
        ],
        handle({ id, text, to, stream }) {
          const task = `Translate what the user writes into ${languages[to]}. Answer with the translation alone.`;
          return {
            type: 'query',
            id,
            path,
            body: {
              model,
              stream,
              messages: [
                { role: 'system', content: task },
                { role: 'user', content: text },
              ],
            },
          };
        },
      }),
    );
  },
});
