import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropicMessages } from '../../src/dialects/anthropic-messages.ts';
import { emptyReplyFacts } from '../../src/exchange/facts.ts';
import { dialectContract } from '../contract/dialect.ts';

dialectContract({
  dialect: anthropicMessages,
  recordings: 'anthropic-messages',
  query: {
    model: 'claude-sonnet-4-5',
    max_tokens: 1024,
    system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: 'Hello' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Read this.' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
          {
            type: 'document',
            source: { type: 'text', media_type: 'text/plain', data: 'A letter.' },
            title: 'Letter',
          },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'left as it is', signature: 'EqQB' },
          { type: 'tool_use', id: 't1', name: 'look', input: { at: 'it', also: ['that', 3] } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: 'A cat.' },
          { type: 'tool_result', tool_use_id: 't2', content: [{ type: 'text', text: 'A dog.' }] },
        ],
      },
    ],
  },
  queryTexts: {
    'system:0': 'Be brief.',
    'message:0': 'Hello',
    'message:1:0': 'Read this.',
    'message:1:2': 'A letter.',
    'message:1:2:title': 'Letter',
    'message:2:1:input:at': 'it',
    'message:2:1:input:also:0': 'that',
    'message:3:0': 'A cat.',
    'message:3:1:0': 'A dog.',
  },
});

describe('anthropic.messages', () => {
  const read = (...payloads: object[]) => {
    const facts = emptyReplyFacts();
    for (const payload of payloads) {
      anthropicMessages.readEvent({ event: '', data: JSON.stringify(payload) }, facts);
    }
    return facts;
  };

  it('reads what the query asks for', () => {
    const facts = anthropicMessages.readQuery({
      model: 'claude',
      max_tokens: 10,
      top_k: 40,
      stop_sequences: ['\n\nHuman:'],
    });
    assert.deepEqual(facts, {
      model: 'claude',
      stream: false,
      maxTokens: 10,
      topK: 40,
      stopSequences: ['\n\nHuman:'],
    });
  });

  it('maps a system prompt that is one text', () => {
    const mapped = anthropicMessages.mapQueryText({ system: 'a' }, (text) => text.toUpperCase());
    assert.deepEqual(mapped, { system: 'A' });
  });

  it('lets a later count replace an earlier one, and keeps what the later leaves out', () => {
    const start = {
      type: 'message_start',
      message: { usage: { input_tokens: 10, cache_read_input_tokens: 5 } },
    };
    const delta = (usage: object) => ({ type: 'message_delta', delta: {}, usage });
    assert.deepEqual(read(start, delta({ output_tokens: 3 }), delta({ output_tokens: 7 })).usage, {
      input: 15,
      cacheRead: 5,
      output: 7,
    });
    assert.deepEqual(read(start, delta({ cache_read_input_tokens: 8, input_tokens: null })).usage, {
      input: 18,
      cacheRead: 8,
    });
    assert.deepEqual(read(start, delta({ input_tokens: 20 })).usage, { input: 25, cacheRead: 5 });
  });

  it('takes no count of the output from the beginning of a stream, which has none yet', () => {
    const usage = { input_tokens: 10, cache_creation_input_tokens: 2, output_tokens: 1 };
    const start = { type: 'message_start', message: { id: 'msg_1', model: 'claude-9', usage } };
    const facts = read(start, { type: 'content_block_delta', index: 0, delta: { text: 'Hello' } });
    assert.deepEqual(
      [facts.id, facts.model, facts.usage],
      ['msg_1', 'claude-9', { input: 12, cacheCreation: 2 }],
    );
    const whole = emptyReplyFacts();
    anthropicMessages.readReply({ ...start.message }, whole);
    assert.equal(whole.usage.output, 1, 'a reply that is not a stream has all of it');
  });

  it('chooses the type of an error by its status', () => {
    const type = (status: number) => {
      const body = anthropicMessages.problemBody({
        code: 'c',
        message: 'm',
        status,
        requestId: 'r',
        traceId: undefined,
      });
      return JSON.parse(JSON.stringify(body)).error.type;
    };
    assert.deepEqual([400, 401, 403, 404, 413, 418, 500, 503, 504].map(type), [
      'invalid_request_error',
      'authentication_error',
      'permission_error',
      'not_found_error',
      'request_too_large',
      'invalid_request_error',
      'api_error',
      'overloaded_error',
      'timeout_error',
    ]);
  });
});
