import { asJsonObject, type JsonObject } from '../wire/json.ts';
import { openaiChatContent } from './content/openai-chat.ts';
import type { Dialect } from './dialect.ts';
import { endedChoices, readChoicesEvent, readChoicesReply, withChoices } from './openai-choices.ts';
import { hasOutput, withMessageText } from './openai-message.ts';
import { openaiProblemBody } from './problem.ts';
import { readQueryFacts } from './query-facts.ts';
import { withContent, withField, withObjects } from './text-walk.ts';

/** https://platform.openai.com/docs/api-reference/chat, as OpenAI and the many compatible backends speak it. */
export const openaiChat: Dialect = {
  name: 'openai.chat',
  operation: 'chat',
  provider: 'openai',
  path: '/v1/chat/completions',
  matches: (method, path) => method === 'POST' && path.endsWith('/chat/completions'),

  readQuery: readQueryFacts,
  readReply: readChoicesReply,
  readEvent: (event, facts) => readChoicesEvent(event, facts, choiceHasOutput),

  mapQueryText(payload, map) {
    const next = withField(payload, 'messages', (messages) =>
      withObjects(messages, (message, i) => withMessageText(message, map, `message:${i}`)),
    );
    return withField(next, 'prediction', (value) => {
      const prediction = asJsonObject(value);
      if (prediction === undefined) return value;
      return withField(prediction, 'content', (content) => withContent(content, map, 'prediction'));
    });
  },
  mapReplyText: (payload, map) =>
    withChoices(payload, (choice, slot) =>
      withField(choice, 'message', (value) => {
        const message = asJsonObject(value);
        return message === undefined ? value : withMessageText(message, map, slot);
      }),
    ),
  mapEventText: (payload, map) =>
    withChoices(payload, (choice, slot) =>
      withField(choice, 'delta', (value) => {
        const delta = asJsonObject(value);
        return delta === undefined ? value : withMessageText(delta, map, slot);
      }),
    ),
  endedSlots: endedChoices,

  content: openaiChatContent,

  problemBody: openaiProblemBody,
  problemEvent: (problem) => ({ event: '', data: JSON.stringify(openaiProblemBody(problem)) }),
};

function choiceHasOutput(choice: JsonObject): boolean {
  const delta = asJsonObject(choice.delta);
  return delta !== undefined && hasOutput(delta);
}
