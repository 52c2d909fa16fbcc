import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, AnswerReader, noAnswer } from '../../../src/console/page/try/answer.ts';
import { SseReader } from '../../../src/console/page/try/sse-reader.ts';
import { anthropicMessages } from '../../../src/dialects/anthropic-messages.ts';
import type { Dialect } from '../../../src/dialects/dialect.ts';
import { openaiChat } from '../../../src/dialects/openai-chat.ts';
import { openaiEmbeddings } from '../../../src/dialects/openai-embeddings.ts';
import { openaiResponses } from '../../../src/dialects/openai-responses.ts';
import { recordedReplies, recordedStreams } from '../../dialects/recordings.ts';

const eventOf = (payload: unknown, event = '') => ({ event, data: JSON.stringify(payload) });
const delta = (piece: object) => eventOf({ choices: [{ delta: piece }] });

function streamed(dialect: Dialect, ...events: readonly { event: string; data: string }[]): Answer {
  const reader = new AnswerReader(dialect);
  for (const event of events) reader.event(event);
  return reader.answer;
}

function whole(dialect: Dialect, body: string): Answer {
  const reader = new AnswerReader(dialect);
  reader.whole(body);
  return reader.answer;
}

const partsOf = ({ parts }: Answer) => parts.map(({ kind, title, text }) => ({ kind, title, text }));

const folders = [
  ['openai-chat', openaiChat],
  ['openai-responses', openaiResponses],
  ['anthropic-messages', anthropicMessages],
] as const;

describe('the answer in a stream', () => {
  for (const [folder, dialect] of folders)
    for (const { name, bytes, facts, outputs, texts } of recordedStreams(folder))
      it(`is what the service reads there: ${folder}, ${name}`, () => {
        const answer = streamed(dialect, ...new SseReader().push(bytes));
        const usage = facts.usage as { input?: number; output?: number };
        assert.equal(answer.model, facts.model);
        assert.equal(answer.inputTokens, usage.input);
        assert.equal(answer.outputTokens, usage.output);
        assert.equal(answer.finishReason, (facts.finishReasons as string[])[0]);
        assert.equal(answer.outputs, outputs);
        assert.equal(answer.isWhole, facts.terminal);
        assert.equal(answer.error !== undefined, facts.error !== undefined);
        assert.equal(answer.parts.length > 0, Object.keys(texts).length > 0);
      });

  it('tells an error in the words of the one who made it', () => {
    const words = (dialect: Dialect, payload: object, event?: string) =>
      streamed(dialect, eventOf(payload, event)).error;
    const limited = { message: 'Try later.', type: 'server_error', code: null };
    assert.equal(words(openaiChat, { error: limited }), 'Try later. (server_error)');
    const busy = { type: 'error', code: 'busy', message: 'No.' };
    assert.equal(words(openaiResponses, busy, 'error'), 'No. (busy)');
    const failed = { error: { code: 'limit', message: 'Too many.' } };
    assert.equal(words(openaiResponses, { type: 'response.failed', response: failed }), 'Too many. (limit)');
    const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    assert.equal(words(anthropicMessages, overloaded, 'error'), 'Overloaded (overloaded_error)');
    assert.equal(words(openaiChat, { error: 'no such model' }), 'no such model');
    assert.equal(words(openaiChat, {}, 'error'), 'An error without a message.');
  });

  it('keeps the texts before an error', () => {
    const broken = streamed(openaiChat, delta({ content: 'Once' }), eventOf({ error: { message: 'Gone.' } }));
    assert.deepEqual(partsOf(broken), [{ kind: 'text', title: undefined, text: 'Once' }]);
    assert.equal(broken.outputs, 1);
    assert.equal(broken.isWhole, false);
  });

  it('names the tools that are called, before the first of their arguments', () => {
    const item = { type: 'function_call', name: 'weather', arguments: '' };
    const added = eventOf({ type: 'response.output_item.added', output_index: 1, item });
    const begun = { kind: 'tool_call', title: 'weather', text: '' };
    assert.deepEqual(partsOf(streamed(openaiResponses, added)), [begun]);
    const piece = eventOf({
      type: 'response.function_call_arguments.delta',
      output_index: 1,
      delta: '{"city":',
    });
    assert.deepEqual(partsOf(streamed(openaiResponses, added, piece)), [{ ...begun, text: '{"city":' }]);
  });

  it('passes over what is no JSON, and what it does not know', () => {
    const odd = ['{', '[]', 'null', '{"choices":[null,7]}', '{"type":"response.x.delta"}'];
    const answer = streamed(openaiChat, ...odd.map((data) => ({ event: '', data })));
    assert.deepEqual(JSON.parse(JSON.stringify(answer)), noAnswer);
  });

  it('holds so much text, and says that there was more', () => {
    const piece = delta({ content: 'x'.repeat(200_000) });
    const { parts, isCut } = streamed(openaiChat, piece, piece, piece);
    const kept = parts[0]?.text.length ?? 0;
    assert.ok(kept > 499_000 && kept <= 500_000, String(kept));
    assert.equal(isCut, true);
  });

  it('holds so many texts', () => {
    const calls = Array.from({ length: 300 }, (_, index) => ({ index, function: { name: 'x' } }));
    const { parts, isCut } = streamed(openaiChat, delta({ tool_calls: calls }));
    assert.equal(parts.length, 200);
    assert.equal(isCut, true);
  });
});

describe('what somebody else says of the answer', () => {
  const long = 'x'.repeat(100_000);

  it('has names and reasons that can be read', () => {
    const call = { index: 0, function: { name: long, arguments: '{}' } };
    const choices = [{ index: 0, delta: { tool_calls: [call] }, finish_reason: long }];
    const { model, finishReason, parts } = streamed(openaiChat, eventOf({ model: long, choices }));
    for (const text of [model, finishReason, parts[0]?.title])
      assert.equal(text?.replace('…', ''), 'x'.repeat(256));
    const { error } = streamed(openaiChat, eventOf({ error: { message: long } }));
    assert.equal(error, `${'x'.repeat(4_000)}…`);
  });

  it('counts what can be counted', () => {
    for (const tokens of [-1, 0.5, 1e300, '7', null]) {
      const usage = { prompt_tokens: tokens, completion_tokens: tokens };
      const { inputTokens, outputTokens } = streamed(openaiChat, eventOf({ choices: [], usage }));
      assert.deepEqual([inputTokens, outputTokens], [undefined, undefined]);
    }
  });
});

describe('the answer in a whole reply', () => {
  for (const [folder, dialect] of folders)
    for (const { name, bytes, facts } of recordedReplies(folder))
      it(`is found: ${folder}, ${name}`, () => {
        const answer = whole(dialect, bytes.toString());
        assert.ok(answer.parts.length > 0);
        assert.ok(answer.parts.every(({ text, title }) => text !== '' || title));
        assert.equal(answer.model, facts.model);
        assert.equal(answer.outputTokens, (facts.usage as { output?: number }).output);
        assert.equal(answer.isWhole, true);
      });

  it('tells an error', () => {
    const answer = whole(openaiChat, '{"error":{"code":"blocked","message":"No."}}');
    assert.equal(answer.error, 'No. (blocked)');
    assert.deepEqual(answer.parts, []);
  });

  it('tells of an embedding without all its numbers', () => {
    const body = '{"object":"list","data":[{"index":0,"embedding":[0.5,1,2,3,4,5]},{"embedding":"AAAA"},7]}';
    assert.deepEqual(
      whole(openaiEmbeddings, body).parts.map(({ text }) => text),
      ['A vector of 6 numbers: 0.5, 1, 2, 3, …', 'A vector of 4 characters in base64'],
    );
  });

  it('says where there are more of them than it shows', () => {
    const vectors = (count: number) => JSON.stringify({ data: Array(count).fill({ embedding: [1] }) });
    const shown = [200, 201].map((count) => whole(openaiEmbeddings, vectors(count)));
    assert.deepEqual(
      shown.map(({ parts, isCut }) => [parts.length, isCut]),
      [
        [200, false],
        [200, true],
      ],
    );
  });

  it('is nothing where it is no JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(whole(openaiChat, '<html>'))), noAnswer);
  });
});
