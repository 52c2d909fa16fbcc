import { anthropicMessages } from '../../../dialects/anthropic-messages.ts';
import type { Dialect } from '../../../dialects/dialect.ts';
import { openaiChat } from '../../../dialects/openai-chat.ts';
import { openaiEmbeddings } from '../../../dialects/openai-embeddings.ts';
import { openaiResponses } from '../../../dialects/openai-responses.ts';

/** What the form asks for. */
export interface Draft {
  readonly model: string;
  readonly prompt: string;
  readonly isStream: boolean;
}

export interface Api {
  readonly name: string;
  /** What its replies mean, and its path below the upstream's prefix. */
  readonly dialect: Dialect;
  readonly canStream: boolean;
  /** A model that its real backend knows. */
  readonly model: string;
  readonly body: (draft: Draft) => Readonly<Record<string, unknown>>;
  /** Beside the content type. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a query can be: names, dialects and the least body that each takes. */
export const apis = {
  chat: {
    name: 'OpenAI chat',
    dialect: openaiChat,
    canStream: true,
    model: 'gpt-4o',
    body: ({ model, prompt, isStream }) => ({
      model,
      messages: [{ role: 'user', content: prompt }],
      // Without it a stream tells no usage.
      ...(isStream && { stream: true, stream_options: { include_usage: true } }),
    }),
  },
  responses: {
    name: 'OpenAI responses',
    dialect: openaiResponses,
    canStream: true,
    model: 'gpt-4o',
    body: ({ model, prompt, isStream }) => ({ model, input: prompt, ...(isStream && { stream: true }) }),
  },
  messages: {
    name: 'Anthropic messages',
    dialect: anthropicMessages,
    canStream: true,
    model: 'claude-sonnet-4-5',
    body: ({ model, prompt, isStream }) => ({
      model,
      max_tokens: 1_024,
      messages: [{ role: 'user', content: prompt }],
      ...(isStream && { stream: true }),
    }),
    headers: { 'anthropic-version': '2023-06-01' },
  },
  embeddings: {
    name: 'OpenAI embeddings',
    dialect: openaiEmbeddings,
    canStream: false,
    model: 'text-embedding-3-small',
    body: ({ model, prompt }) => ({ model, input: prompt }),
  },
} as const satisfies Record<string, Api>;

export type ApiName = keyof typeof apis;

export function isApiName(name: string | null): name is ApiName {
  return name !== null && Object.hasOwn(apis, name);
}

/** Path on the data plane: an upstream's prefix is `/` for the one that is asked by default. */
export function pathOf(api: ApiName, prefix: string): string {
  return `${prefix.replace(/\/+$/, '')}${apis[api].dialect.path}`;
}

/** What to try with the simulator: models by the way in which they answer. */
export const simulatedModels = [
  { model: 'gpt-4o', effect: 'answers as fast as a real one' },
  { model: 'sim-tokens-40', effect: 'answers with 40 tokens' },
  { model: 'sim-slow-token-200', effect: 'one token every 200 ms' },
  { model: 'sim-truncate-12', effect: 'breaks off after 12 tokens' },
  { model: 'sim-stall-12', effect: 'falls silent after 12 tokens' },
  { model: 'sim-error-event-8', effect: 'an error after 8 tokens' },
  { model: 'sim-status-429', effect: 'is refused: too many requests' },
] as const;
