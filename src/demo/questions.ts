import { pickOne, pickWeighted, type Random, type Weighted, wholeBetween } from './chance.ts';
import { handbook, history, questionText } from './prompts.ts';
import type { Question } from './visit.ts';

interface Model extends Weighted {
  readonly name: string;
}

const chatModels: readonly [Model, ...Model[]] = [
  { name: 'gpt-5-mini', weight: 30 },
  { name: 'gpt-4o-mini', weight: 25 },
  { name: 'gpt-5', weight: 18 },
  { name: 'gpt-4o', weight: 14 },
  { name: 'gpt-4.1', weight: 8 },
  { name: 'gpt-5.5', weight: 5 },
];
const reasoningModels: readonly [Model, ...Model[]] = [
  { name: 'o4-mini', weight: 6 },
  { name: 'o3', weight: 3 },
  { name: 'o1', weight: 1 },
];
const anthropicModels: readonly [Model, ...Model[]] = [
  { name: 'claude-sonnet-4-5', weight: 6 },
  { name: 'claude-haiku-4-5', weight: 3 },
  { name: 'claude-opus-4-5', weight: 1 },
];
const embeddingModels: readonly [Model, ...Model[]] = [
  { name: 'text-embedding-3-small', weight: 4 },
  { name: 'text-embedding-3-large', weight: 1 },
];

/** What decides a question besides chance. */
export interface Circumstances {
  /** Before the path of Anthropic's API: that of its upstream. */
  readonly anthropicPrefix: string;
  /** In the place of a model that works. */
  readonly faultModel: string | undefined;
}

export type Asker = (random: Random, circumstances: Circumstances) => Question;

/** Most clients ask for the usage of a stream, and some forget. */
const usageShare = 0.85;

function user(random: Random): object {
  return { role: 'user', content: questionText(random) };
}

function streamOptions(random: Random, stream: boolean): object {
  return stream && random() < usageShare ? { stream_options: { include_usage: true } } : {};
}

export const chat =
  (stream: boolean): Asker =>
  (random, { faultModel }) => ({
    path: '/v1/chat/completions',
    body: {
      model: faultModel ?? pickWeighted(random, chatModels).name,
      stream,
      ...streamOptions(random, stream),
      temperature: pickOne(random, [0, 0.2, 0.7, 1]),
      max_completion_tokens: wholeBetween(random, 32, 160),
      messages: [{ role: 'system', content: 'You are a helpful assistant.' }, user(random)],
    },
  });

/** The model thinks first; what it thought is counted, and not shown. */
export const reasoning: Asker = (random, { faultModel }) => {
  const model = faultModel ?? pickWeighted(random, reasoningModels).name;
  if (random() < 0.5) {
    return {
      path: '/v1/chat/completions',
      body: { model, stream: true, stream_options: { include_usage: true }, messages: [user(random)] },
    };
  }
  return {
    path: '/v1/responses',
    body: { model, stream: true, reasoning: { effort: 'medium' }, input: questionText(random) },
  };
};

/** The longest history of an agent: about ten thousand tokens. */
const stepsMax = 400;

/** An agent asks the dearest model again and again, each time with all that was before. */
export function agentStep(random: Random, progress: number): Question {
  const content = `${questionText(random)} ${history(Math.ceil(progress * stepsMax))}`;
  return {
    path: '/v1/chat/completions',
    body: {
      model: 'gpt-5.5',
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 64,
      messages: [{ role: 'user', content }],
    },
  };
}

export const cachedPrompt: Asker = (random, { faultModel }) => ({
  path: '/v1/chat/completions',
  body: {
    model: faultModel ?? pickWeighted(random, chatModels).name,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'system', content: handbook }, user(random)],
  },
});

export const toolCall: Asker = (random, { faultModel }) => ({
  path: '/v1/chat/completions',
  body: {
    model: faultModel ?? pickWeighted(random, chatModels).name,
    stream: random() < 0.5,
    messages: [user(random)],
    tool_choice: 'required',
    tools: [
      {
        type: 'function',
        function: {
          name: 'find_ticket',
          parameters: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
        },
      },
    ],
  },
});

export const responses =
  (stream: boolean): Asker =>
  (random, { faultModel }) => ({
    path: '/v1/responses',
    body: {
      model: faultModel ?? pickWeighted(random, chatModels).name,
      stream,
      input: questionText(random),
      max_output_tokens: wholeBetween(random, 32, 160),
    },
  });

export const messages =
  (stream: boolean): Asker =>
  (random, { faultModel, anthropicPrefix }) => {
    const isCached = random() < 0.3;
    const system = [{ type: 'text', text: handbook, cache_control: { type: 'ephemeral' } }];
    return {
      path: `${anthropicPrefix}/v1/messages`,
      body: {
        model: faultModel ?? pickWeighted(random, anthropicModels).name,
        stream,
        max_tokens: wholeBetween(random, 64, 256),
        ...(isCached && { system }),
        messages: [user(random)],
      },
    };
  };

export const embeddings: Asker = (random, { faultModel }) => ({
  path: '/v1/embeddings',
  body: {
    model: faultModel ?? pickWeighted(random, embeddingModels).name,
    dimensions: 64,
    input: Array.from({ length: wholeBetween(random, 1, 4) }, () => questionText(random)),
  },
});
