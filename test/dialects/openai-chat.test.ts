import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { emptyReplyFacts } from '../../src/exchange/facts.ts';
import { dialectContract } from '../contract/dialect.ts';

dialectContract({
  dialect: openaiChat,
  recordings: 'openai-chat',
  query: {
    model: 'gpt-4o',
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        refusal: 'No.',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' } },
          { id: 'call_2', type: 'custom', custom: { name: 'run', input: 'ls' } },
        ],
        function_call: { name: 'old', arguments: '{}' },
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'A cat.' },
      { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'cat.png' }] },
    ],
    prediction: { type: 'content', content: 'A cat' },
  },
  queryTexts: {
    'message:0:content': 'Be brief.',
    'message:1:content:0': 'What is this?',
    'message:2:refusal': 'No.',
    'message:2:tool:0:arguments': '{"at":"it"}',
    'message:2:tool:1:input': 'ls',
    'message:2:function:arguments': '{}',
    'message:3:content': 'A cat.',
    'message:4:content:0': 'cat.png',
    prediction: 'A cat',
  },
});

describe('openai.chat', () => {
  const delta = (value: object) => ({
    event: '',
    data: JSON.stringify({ choices: [{ index: 0, delta: value }] }),
  });

  it('reads what the query asks for', () => {
    const facts = openaiChat.readQuery({
      model: 'gpt-4o',
      stream: true,
      max_completion_tokens: 100,
      max_tokens: 5,
      temperature: 0.5,
      top_p: 0.9,
      frequency_penalty: -1,
      presence_penalty: 1,
      stop: ['END', 7, ''],
      seed: -3,
      n: 2,
    });
    assert.deepEqual(facts, {
      model: 'gpt-4o',
      stream: true,
      maxTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      frequencyPenalty: -1,
      presencePenalty: 1,
      stopSequences: ['END'],
      seed: -3,
      choiceCount: 2,
    });
  });

  it('takes a single stop sequence and the older name of the limit', () => {
    const facts = openaiChat.readQuery({ stop: 'END', max_tokens: 5, temperature: Number.NaN });
    assert.deepEqual(facts, { stream: false, stopSequences: ['END'], maxTokens: 5 });
  });

  it('bounds what becomes a fact', () => {
    const facts = openaiChat.readQuery({ model: 'm'.repeat(9999), stop: Array(99).fill('s') });
    assert.equal(facts.model?.length, 256);
    assert.equal(facts.stopSequences?.length, 16);
    const choices = Array.from({ length: 500 }, (_, index) => ({ index, finish_reason: 'stop' }));
    const reply = emptyReplyFacts();
    openaiChat.readReply({ choices }, reply);
    assert.equal(reply.finishReasons.length, 128);
  });

  it('takes every kind of piece for output, and a role, an empty text or a bare tool name for none', () => {
    const outputs = [
      { content: 'a' },
      { content: [{ type: 'text', text: 'a' }] },
      { refusal: 'a' },
      { reasoning_content: 'a' },
      { reasoning: 'a' },
      { tool_calls: [{ index: 0, function: { arguments: '{' } }] },
      { tool_calls: [{ index: 0, custom: { input: 'l' } }] },
      { function_call: { arguments: '{' } },
      { audio: { transcript: 'a' } },
    ];
    for (const value of outputs) {
      assert.equal(openaiChat.readEvent(delta(value), emptyReplyFacts()).output, true, JSON.stringify(value));
    }
    const none = [
      {},
      { role: 'assistant', content: '' },
      { content: null },
      { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'look', arguments: '' } }] },
    ];
    for (const value of none) {
      assert.equal(
        openaiChat.readEvent(delta(value), emptyReplyFacts()).output,
        false,
        JSON.stringify(value),
      );
    }
  });

  it('drops log probabilities that would give away a text that was changed', () => {
    const choice = (content: string, logprobs: unknown) => ({
      choices: [{ index: 0, delta: { content }, logprobs }],
    });
    const payload = choice('secret', { content: [{ token: 'secret' }] });
    assert.deepEqual(
      openaiChat.mapEventText(payload, () => '***'),
      choice('***', null),
    );
    assert.equal(
      openaiChat.mapEventText(payload, (text) => text),
      payload,
    );
  });

  it('says of a choice that a later one has overtaken that it is unfinished', () => {
    const facts = emptyReplyFacts();
    const data = JSON.stringify({ choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] });
    openaiChat.readEvent({ event: '', data }, facts);
    assert.deepEqual(facts.finishReasons, ['unfinished', 'stop']);
  });

  it('names an error by its code, else its type, and only then by a number', () => {
    const name = (error: unknown) => {
      const facts = emptyReplyFacts();
      openaiChat.readEvent({ event: '', data: JSON.stringify({ error }) }, facts);
      return facts.error;
    };
    assert.equal(name({ type: 'tokens', code: 'rate_limit_exceeded' }), 'rate_limit_exceeded');
    assert.equal(name({ type: 'server_error', code: null }), 'server_error');
    assert.equal(name({ type: 'BadRequestError', code: 400 }), 'BadRequestError');
    assert.equal(name({ code: 429, message: 'slow down' }), '429');
    assert.equal(name({ message: 'no name' }), '_OTHER');
    assert.equal(name('out of memory'), '_OTHER');
    assert.equal(name(null), undefined);
  });
});
