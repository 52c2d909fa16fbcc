import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropicContent as content } from '../../../src/dialects/content/anthropic-messages.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { collected, plain } from './shapes.ts';

const read = (payload: JsonObject) => plain(content.readInput(payload));
const text = (said: string) => ({ type: 'text', content: said });
const start = (index: number, content_block: object) => ({
  type: 'content_block_start',
  index,
  content_block,
});
const delta = (index: number, piece: object) => ({ type: 'content_block_delta', index, delta: piece });

describe('what Anthropic is asked', () => {
  it('has instructions apart from the messages, as a text and as blocks', () => {
    assert.deepEqual(read({ system: 'Be brief.' }).systemInstructions, [text('Be brief.')]);
    const system = [
      { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'Be kind.' },
    ];
    assert.deepEqual(read({ system }).systemInstructions, [text('Be brief.'), text('Be kind.')]);
  });

  it('has every kind of block, and neither bytes nor signatures', () => {
    const blocks = [
      { type: 'text', text: 'Look.' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      { type: 'image', source: { type: 'url', url: 'https://files.example/cat.png?key=1' } },
      { type: 'document', source: { type: 'file', file_id: 'file_1' } },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'A letter.' } },
      { type: 'thinking', thinking: 'Hm.', signature: 'EqQB' },
      { type: 'redacted_thinking', data: 'EqQB' },
      { type: 'tool_use', id: 't1', name: 'look', input: { at: 'it' } },
      { type: 'tool_result', tool_use_id: 't1', content: 'A cat.' },
      { type: 'tool_result', tool_use_id: 't2', content: [{ type: 'text', text: 'A dog.' }] },
      { type: 'server_tool_use', id: 's1', name: 'web_search', input: { query: 'cats' } },
      { type: 'web_search_tool_result', tool_use_id: 's1', content: [{ encrypted_content: 'EqQB' }] },
    ];
    const { messages } = read({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: blocks },
      ],
    });
    assert.deepEqual(messages, [
      { role: 'user', parts: [text('Hi')] },
      {
        role: 'assistant',
        parts: [
          text('Look.'),
          { type: 'blob', modality: 'image', mime_type: 'image/png', byte_size: 3 },
          { type: 'uri', modality: 'image', uri: 'https://files.example/cat.png' },
          { type: 'file', modality: 'document', file_id: 'file_1' },
          text('A letter.'),
          { type: 'reasoning', content: 'Hm.' },
          { type: 'redacted_thinking' },
          { type: 'tool_call', id: 't1', name: 'look', arguments: { at: 'it' } },
          { type: 'tool_call_response', id: 't1', response: 'A cat.' },
          { type: 'tool_call_response', id: 't2', response: [text('A dog.')] },
          {
            type: 'server_tool_call',
            id: 's1',
            name: 'web_search',
            server_tool_call: { type: 'web_search', input: { query: 'cats' } },
          },
          {
            type: 'server_tool_call_response',
            id: 's1',
            server_tool_call_response: { type: 'web_search_tool_result' },
          },
        ],
      },
    ]);
  });

  it('has the definitions of tools, and no more of those that run elsewhere than their names', () => {
    const { toolDefinitions } = read({
      tools: [
        { name: 'look', description: 'Looks.', input_schema: { type: 'object' } },
        { type: 'custom', name: 'see', input_schema: { type: 'object' } },
        { type: 'web_search_20250305', name: 'web_search', user_location: { city: 'Paris' } },
      ],
      mcp_servers: [{ type: 'url', name: 'm', url: 'https://x', authorization_token: 'secret' }],
    });
    assert.deepEqual(toolDefinitions, [
      { type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object' } },
      { type: 'function', name: 'see', parameters: { type: 'object' } },
      { type: 'web_search_20250305', name: 'web_search' },
    ]);
  });
});

describe('what Anthropic answers', () => {
  it('is the same as a stream and as a whole', () => {
    const expected = [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'Weather, then.' },
          text('Looking.'),
          { type: 'tool_call', id: 't1', name: 'weather', arguments: { city: 'Orléans' } },
          { type: 'tool_call', id: 't2', name: 'time', arguments: {} },
        ],
        finish_reason: 'tool_use',
      },
    ];
    const events = [
      { type: 'message_start', message: { role: 'assistant', content: [], stop_reason: null } },
      start(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'Weather,' }),
      delta(0, { type: 'thinking_delta', thinking: ' then.' }),
      delta(0, { type: 'signature_delta', signature: 'EqQB' }),
      start(1, { type: 'text', text: '' }),
      delta(1, { type: 'text_delta', text: 'Looking.' }),
      start(2, { type: 'tool_use', id: 't1', name: 'weather', input: {} }),
      delta(2, { type: 'input_json_delta', partial_json: '{"city": ' }),
      delta(2, { type: 'input_json_delta', partial_json: '"Orléans"}' }),
      start(3, { type: 'tool_use', id: 't2', name: 'time', input: {} }),
      delta(3, { type: 'input_json_delta', partial_json: '' }),
      start(4, { type: 'text', text: '' }),
      { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
      { type: 'message_stop' },
    ];
    assert.deepEqual(collected(content, { events }), expected);
    const whole = {
      content: [
        { type: 'thinking', thinking: 'Weather, then.', signature: 'EqQB' },
        { type: 'text', text: 'Looking.' },
        { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Orléans' } },
        { type: 'tool_use', id: 't2', name: 'time', input: {} },
      ],
      stop_reason: 'tool_use',
    };
    assert.deepEqual(collected(content, { whole }), expected);
  });

  it('that broke off is what came', () => {
    const events = [
      { type: 'message_start', message: {} },
      start(0, { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"query' }),
    ];
    const call = { type: 'web_search', input: '{"query' };
    assert.deepEqual(collected(content, { events }), [
      {
        role: 'assistant',
        parts: [{ type: 'server_tool_call', id: 's1', name: 'web_search', server_tool_call: call }],
        finish_reason: 'unfinished',
      },
    ]);
    assert.deepEqual(collected(content, {}), []);
  });
});
