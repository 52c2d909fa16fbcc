import { anthropicMessages } from './anthropic-messages.ts';
import type { Dialect } from './dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiResponses } from './openai-responses.ts';

export { genericProblemBody } from './problem.ts';

/** Every dialect, in the order in which they are asked: the most frequent first. A path has one at most. */
export const dialects: readonly Dialect[] = [
  openaiChat,
  anthropicMessages,
  openaiResponses,
  openaiEmbeddings,
  openaiCompletions,
];

/** The dialect that a request speaks: by its method, and its path without the query string. */
export function dialectFor(method: string, path: string): Dialect | undefined {
  return dialects.find((dialect) => dialect.matches(method, path));
}
