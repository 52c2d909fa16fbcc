import { openaiCompletionsContent } from './content/openai-completions.ts';
import type { Dialect } from './dialect.ts';
import { endedChoices, readChoicesEvent, readChoicesReply, withChoices } from './openai-choices.ts';
import { text } from './payload.ts';
import { openaiProblemBody } from './problem.ts';
import { readQueryFacts } from './query-facts.ts';
import { withField, withText, withTexts } from './text-walk.ts';

/** https://platform.openai.com/docs/api-reference/completions: the older API, still what base models speak. */
export const openaiCompletions: Dialect = {
  name: 'openai.completions',
  operation: 'text_completion',
  provider: 'openai',
  path: '/v1/completions',
  // Chat's path ends alike, and so does Mistral's fill-in-the-middle, whose replies are chat's.
  matches: (method, path) =>
    method === 'POST' &&
    path.endsWith('/completions') &&
    !path.endsWith('/chat/completions') &&
    !path.endsWith('/fim/completions'),

  readQuery: readQueryFacts,
  readReply: readChoicesReply,
  readEvent: (event, facts) => readChoicesEvent(event, facts, (choice) => text(choice.text) !== undefined),

  mapQueryText(payload, map) {
    const next = withField(payload, 'prompt', (prompt) => withTexts(prompt, map, 'prompt'));
    return withText(next, 'suffix', map, 'suffix');
  },
  mapReplyText: (payload, map) =>
    withChoices(payload, (choice, slot) => withText(choice, 'text', map, `${slot}:text`)),
  mapEventText: (payload, map) =>
    withChoices(payload, (choice, slot) => withText(choice, 'text', map, `${slot}:text`)),
  endedSlots: endedChoices,

  content: openaiCompletionsContent,

  problemBody: openaiProblemBody,
  problemEvent: (problem) => ({ event: '', data: JSON.stringify(openaiProblemBody(problem)) }),
};
