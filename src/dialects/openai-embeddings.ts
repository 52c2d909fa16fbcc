import type { Dialect } from './dialect.ts';
import { errorName } from './error-name.ts';
import { openaiProblemBody } from './problem.ts';
import { readQueryFacts } from './query-facts.ts';
import { noOutput, noteIdentity, noteOpenaiUsage } from './reply-facts.ts';
import { withField, withTexts } from './text-walk.ts';

/** https://platform.openai.com/docs/api-reference/embeddings: numbers come back, never a stream. */
export const openaiEmbeddings: Dialect = {
  name: 'openai.embeddings',
  operation: 'embeddings',
  provider: 'openai',
  path: '/v1/embeddings',
  matches: (method, path) => method === 'POST' && path.endsWith('/embeddings'),

  readQuery: readQueryFacts,
  readReply(payload, facts) {
    noteIdentity(payload, facts);
    noteOpenaiUsage(payload.usage, facts);
    const error = errorName(payload);
    if (error !== undefined) facts.error = error;
    facts.terminal = true;
  },
  readEvent: () => noOutput,

  mapQueryText: (payload, map) => withField(payload, 'input', (input) => withTexts(input, map, 'input')),
  mapReplyText: (payload) => payload,
  mapEventText: (payload) => payload,
  endedSlots: () => [],

  problemBody: openaiProblemBody,
  problemEvent: (problem) => ({ event: '', data: JSON.stringify(openaiProblemBody(problem)) }),
};
