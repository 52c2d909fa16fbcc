/** What the generator asks and the backend answers. */

/** Stands in prompt and reply, so that `redact` has something to rewrite on both ways. */
export const email = 'ada@example.com';

export const replyBytes = 1024;
export const chunksPerStream = 100;
export const chunkIntervalMs = 5;

/** The headers that the OpenAI SDK sends. */
const sdkHeaders = {
  accept: 'application/json',
  authorization: 'Bearer sk-bench-0123456789abcdef0123456789abcdef',
  'content-type': 'application/json',
  'user-agent': 'OpenAI/JS 7.57.0',
  'x-stainless-arch': 'x64',
  'x-stainless-lang': 'js',
  'x-stainless-os': 'Linux',
  'x-stainless-package-version': '7.57.0',
  'x-stainless-retry-count': '0',
  'x-stainless-runtime': 'node',
  'x-stainless-runtime-version': 'v24.21.0',
};

const path = '/v1/chat/completions';

export interface Ask {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function ask({ stream }: { stream: boolean }): Ask {
  const messages = [
    { role: 'system', content: 'You answer in plain words and name your sources. '.repeat(6) },
    { role: 'user', content: `Write to ${email} about the engine.` },
  ];
  const body = JSON.stringify({ model: 'gpt-4o', temperature: 0.7, max_tokens: 256, stream, messages });
  return { path, headers: sdkHeaders, body };
}

const identity = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'gpt-4o-2024-08-06' };
const usage = { prompt_tokens: 81, completion_tokens: 98, total_tokens: 179 };

/** A whole chat reply of exactly `replyBytes`. */
export function wholeReply(): string {
  const withText = (content: string) => {
    const message = { role: 'assistant', content, refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
    return JSON.stringify({ ...identity, object: 'chat.completion', choices, usage });
  };
  const text = `Written to ${email}. `;
  return withText(text + 'word '.repeat(replyBytes).slice(0, replyBytes - withText(text).length));
}

/** The events of a streamed reply, one a chunk, and what is sent with the end. */
export function streamedReply(): { chunks: string[]; end: string } {
  const event = (delta: object, finishReason: string | null) => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
    return `data: ${JSON.stringify({ ...identity, object: 'chat.completion.chunk', choices })}\n\n`;
  };
  const half = email.indexOf('@') + 1;
  const words = [' Written', ' to', ` ${email.slice(0, half)}`, email.slice(half), '.'];
  const chunks = [event({ role: 'assistant', content: '', refusal: null }, null)];
  while (chunks.length < chunksPerStream - 1)
    chunks.push(event({ content: words[chunks.length - 1] ?? ' word' }, null));
  chunks.push(event({}, 'stop'));
  return { chunks, end: 'data: [DONE]\n\n' };
}
