import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiResponsesContent as content } from '../../../src/dialects/content/openai-responses.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { collected, plain } from './shapes.ts';

const read = (payload: JsonObject) => plain(content.readInput(payload));
const text = (said: string) => ({ type: 'text', content: said });
const at = (output_index: number, type: string, more: object) => ({
  type: `response.${type}`,
  output_index,
  ...more,
});

describe('what responses is asked', () => {
  it('has instructions apart from the input, which may be one text', () => {
    assert.deepEqual(read({ instructions: 'Be brief.', input: 'Hi' }), {
      messages: [{ role: 'user', parts: [text('Hi')] }],
      systemInstructions: [text('Be brief.')],
      toolDefinitions: [],
    });
  });

  it('has every kind of item, and no bytes', () => {
    const input = [
      { role: 'developer', content: 'Be kind.' },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'Look' },
          { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
          { type: 'input_file', file_id: 'file-1' },
        ],
      },
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [{ type: 'summary_text', text: 'Hm.' }],
        encrypted_content: 'gAAA',
      },
      { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"at":"it"}' },
      { type: 'function_call_output', call_id: 'c1', output: 'A cat.' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'run', input: 'ls' },
      {
        type: 'computer_call_output',
        call_id: 'c3',
        output: { type: 'computer_screenshot', image_url: 'data:AAAA' },
      },
      { type: 'mcp_call', id: 'm1', name: 'find', server_label: 'x', arguments: '{}', output: 'found' },
      { type: 'item_reference', id: 'msg_1' },
    ];
    assert.deepEqual(read({ input }).messages, [
      { role: 'developer', parts: [text('Be kind.')] },
      {
        role: 'user',
        parts: [
          text('Look'),
          { type: 'blob', modality: 'image', mime_type: 'image/png', byte_size: 3 },
          { type: 'file', modality: 'document', file_id: 'file-1' },
        ],
      },
      { role: 'assistant', parts: [{ type: 'reasoning', content: 'Hm.' }] },
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'it' } }] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'A cat.' }] },
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'c2', name: 'run', arguments: 'ls' }] },
      {
        role: 'tool',
        parts: [{ type: 'tool_call_response', id: 'c3', response: { type: 'computer_screenshot' } }],
      },
      {
        role: 'assistant',
        parts: [
          {
            type: 'server_tool_call',
            id: 'm1',
            name: 'find',
            server_tool_call: { type: 'mcp_call', arguments: '{}' },
          },
        ],
      },
      { role: 'assistant', parts: [{ type: 'item_reference' }] },
    ]);
  });

  it('has the definitions of tools without the keys to servers', () => {
    const { toolDefinitions } = read({
      tools: [
        {
          type: 'function',
          name: 'look',
          description: 'Looks.',
          parameters: { type: 'object' },
          strict: true,
        },
        {
          type: 'mcp',
          server_label: 'wiki',
          server_url: 'https://w/?k=1',
          authorization: 'secret',
          headers: { a: 'b' },
        },
        { type: 'web_search' },
      ],
    });
    assert.deepEqual(toolDefinitions, [
      { type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object' } },
      { type: 'mcp', name: 'wiki' },
      { type: 'web_search', name: 'web_search' },
    ]);
  });
});

describe('what responses answers', () => {
  const reasoning = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] };
  const message = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    content: [
      { type: 'output_text', text: 'Well…' },
      { type: 'refusal', refusal: 'no.' },
    ],
  };
  const call = { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'look', arguments: '{"at":"it"}' };
  const parts = [
    { type: 'reasoning', content: 'Hm.' },
    text('Well…'),
    { type: 'refusal', content: 'no.' },
    { type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'it' } },
  ];
  const pieces = [
    { type: 'response.created', response: { status: 'in_progress', output: [] } },
    at(0, 'output_item.added', { item: { ...reasoning, summary: [] } }),
    at(0, 'reasoning_summary_text.delta', { summary_index: 0, delta: 'H' }),
    at(0, 'reasoning_summary_text.delta', { summary_index: 0, delta: 'm.' }),
    at(1, 'output_item.added', { item: { ...message, content: [] } }),
    at(1, 'output_text.delta', { content_index: 0, delta: 'Well' }),
    at(1, 'output_text.delta', { content_index: 0, delta: '…' }),
    at(1, 'refusal.delta', { content_index: 1, delta: 'no.' }),
    at(2, 'output_item.added', { item: { ...call, arguments: '' } }),
    at(2, 'function_call_arguments.delta', { delta: '{"at":' }),
    at(2, 'function_call_arguments.delta', { delta: '"it"}' }),
  ];
  const ended = {
    type: 'response.completed',
    response: { status: 'completed', output: [reasoning, message, call] },
  };
  const done = [reasoning, message, call].map((item, i) => at(i, 'output_item.done', { item }));

  it('is the same as a stream and as a whole, told in pieces, as items or at its end only', () => {
    const expected = [{ role: 'assistant', parts, finish_reason: 'stop' }];
    assert.deepEqual(collected(content, { whole: ended.response }), expected);
    for (const events of [[...pieces, ...done, ended], [...pieces, ended], [...done, ended], [ended]])
      assert.deepEqual(collected(content, { events }), expected);
  });

  it('that broke off is what came', () => {
    assert.deepEqual(collected(content, { events: pieces.slice(0, -1) }), [
      {
        role: 'assistant',
        parts: [...parts.slice(0, -1), { type: 'tool_call', id: 'c1', name: 'look', arguments: '{"at":' }],
        finish_reason: 'unfinished',
      },
    ]);
  });

  it('has what the provider itself has called for, and not what came of it', () => {
    const image = { type: 'image_generation_call', id: 'ig_1', status: 'completed', result: 'AAAA' };
    const search = { type: 'web_search_call', id: 'ws_1', action: { type: 'search', query: 'cats' } };
    const code = { type: 'code_interpreter_call', id: 'ci_1', code: '1+1', outputs: [{ logs: '2' }] };
    const [answer] = collected(content, { whole: { status: 'completed', output: [image, search, code] } });
    assert.deepEqual(
      answer?.parts.map(({ server_tool_call }) => server_tool_call),
      [
        { type: 'image_generation_call' },
        { type: 'web_search_call', action: { type: 'search', query: 'cats' } },
        { type: 'code_interpreter_call', code: '1+1' },
      ],
    );
  });
});
