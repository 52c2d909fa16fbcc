import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, answerOf, noAnswer, withEvent } from '../../../src/console/page/try/answer.ts';
import { SseReader } from '../../../src/console/page/try/sse-reader.ts';
import { recordedReplies, recordedStreams } from '../../dialects/recordings.ts';

const streamed = (bytes: Uint8Array): Answer => new SseReader().push(bytes).reduce(withEvent, noAnswer);
const eventOf = (payload: unknown, event = '') => ({ event, data: JSON.stringify(payload) });
const textsOf = ({ parts }: Answer) =>
  Object.fromEntries(parts.filter(({ text }) => text !== '').map(({ slot, text }) => [slot, text]));

/** The page calls all that a model thinks in chat by one name. */
const renamed = (texts: object) =>
  Object.fromEntries(
    Object.entries(texts).map(([slot, text]) => [slot.replace('reasoning_content', 'reasoning'), text]),
  );

const folders = ['openai-chat', 'openai-completions', 'openai-responses', 'anthropic-messages'];

describe('the answer in a stream', () => {
  for (const folder of folders)
    for (const { name, bytes, facts, texts } of recordedStreams(folder))
      it(`is what the service reads there: ${folder}, ${name}`, () => {
        const answer = streamed(bytes);
        assert.deepEqual(textsOf(answer), renamed(texts));
        const usage = facts.usage as { input?: number; output?: number };
        assert.equal(answer.model, facts.model);
        assert.equal(answer.inputTokens, usage.input);
        assert.equal(answer.outputTokens, usage.output);
        if (facts.error === undefined) assert.equal(answer.isWhole, facts.terminal);
        assert.equal(answer.error !== undefined, facts.error !== undefined);
      });

  it('tells an error in the words of the one who made it', () => {
    const chat = withEvent(
      noAnswer,
      eventOf({ error: { message: 'Try later.', type: 'server_error', code: null } }),
    );
    assert.equal(chat.error, 'Try later. (server_error)');
    const responses = withEvent(noAnswer, eventOf({ type: 'error', code: 'busy', message: 'No.' }, 'error'));
    assert.equal(responses.error, 'No. (busy)');
    const failed = withEvent(
      noAnswer,
      eventOf({ type: 'response.failed', response: { error: { code: 'limit', message: 'Too many.' } } }),
    );
    assert.equal(failed.error, 'Too many. (limit)');
    const anthropic = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    assert.equal(withEvent(noAnswer, eventOf(anthropic, 'error')).error, 'Overloaded (overloaded_error)');
    assert.equal(withEvent(noAnswer, eventOf({ error: 'no such model' })).error, 'no such model');
    assert.equal(withEvent(noAnswer, eventOf({}, 'error')).error, 'An error without a message.');
  });

  it('keeps the texts before an error', () => {
    const begun = withEvent(noAnswer, eventOf({ choices: [{ delta: { content: 'Once' } }] }));
    const broken = withEvent(begun, eventOf({ error: { message: 'Gone.' } }));
    assert.deepEqual(textsOf(broken), { 'choice:0:content': 'Once' });
    assert.equal(broken.outputs, 1);
  });

  it('names the tools that are called', () => {
    const added = { type: 'function_call', name: 'weather', arguments: '' };
    let answer = withEvent(
      noAnswer,
      eventOf({ type: 'response.output_item.added', output_index: 1, item: added }),
    );
    answer = withEvent(
      answer,
      eventOf({ type: 'response.function_call_arguments.delta', output_index: 1, delta: '{}' }),
    );
    assert.deepEqual(answer.parts, [{ slot: 'item:1:arguments', kind: 'tool', name: 'weather', text: '{}' }]);
  });

  it('passes over what is no JSON, and what it does not know', () => {
    const odd = [
      '{',
      '[]',
      'null',
      '{"choices":[null,7,{"delta":{"content":7}}]}',
      '{"type":"response.x.delta"}',
    ];
    const answer = odd.reduce((before, data) => withEvent(before, { event: '', data }), noAnswer);
    assert.deepEqual(answer, noAnswer);
  });

  it('holds so much text, and says that there was more', () => {
    const piece = eventOf({ choices: [{ delta: { content: 'x'.repeat(200_000) } }] });
    let answer = noAnswer;
    for (let count = 0; count < 3; count += 1) answer = withEvent(answer, piece);
    assert.equal(answer.parts[0]?.text.length, 500_000);
    assert.equal(answer.isCut, true);
  });

  it('holds so many texts', () => {
    let answer = noAnswer;
    for (let index = 0; index < 300; index += 1)
      answer = withEvent(answer, eventOf({ choices: [{ index, delta: { content: 'x' } }] }));
    assert.equal(answer.parts.length, 200);
    assert.equal(answer.isCut, true);
  });
});

describe('what somebody else says of the answer', () => {
  const long = 'x'.repeat(100_000);

  it('has names and reasons that can be read', () => {
    const call = { index: 0, function: { name: long, arguments: '{}' } };
    const choices = [{ index: 0, delta: { tool_calls: [call] }, finish_reason: long }];
    const { model, finishReason, parts } = withEvent(noAnswer, eventOf({ model: long, choices }));
    for (const text of [model, finishReason, parts[0]?.name]) assert.equal(text, `${'x'.repeat(256)}…`);
    const { error } = withEvent(noAnswer, eventOf({ error: { message: long } }));
    assert.equal(error, `${'x'.repeat(4_000)}…`);
  });

  it('counts what can be counted', () => {
    for (const tokens of [-1, 0.5, 1e300, '7', null]) {
      const usage = { prompt_tokens: tokens, completion_tokens: tokens };
      const { inputTokens, outputTokens } = withEvent(noAnswer, eventOf({ choices: [], usage }));
      assert.deepEqual([inputTokens, outputTokens], [undefined, undefined]);
    }
  });
});

describe('the answer in a whole reply', () => {
  for (const folder of folders)
    for (const { name, bytes, facts } of recordedReplies(folder))
      it(`is found: ${folder}, ${name}`, () => {
        const answer = answerOf(bytes.toString());
        assert.ok(answer.parts.length > 0);
        assert.ok(answer.parts.every(({ text, name: tool }) => text !== '' || tool));
        assert.equal(answer.model, facts.model);
        assert.equal(answer.outputTokens, (facts.usage as { output?: number }).output);
        assert.equal(answer.isWhole, true);
      });

  it('tells an error', () => {
    const answer = answerOf('{"error":{"code":"blocked","message":"No."}}');
    assert.equal(answer.error, 'No. (blocked)');
    assert.deepEqual(answer.parts, []);
  });

  it('tells of an embedding without all its numbers', () => {
    const answer = answerOf('{"object":"list","data":[{"index":0,"embedding":[0.5,1,2,3,4,5]}]}');
    assert.equal(answer.parts[0]?.text, 'A vector of 6 numbers: 0.5, 1, 2, 3, …\n');
  });

  it('is nothing where it is no JSON', () => {
    assert.deepEqual(answerOf('<html>'), noAnswer);
  });
});
