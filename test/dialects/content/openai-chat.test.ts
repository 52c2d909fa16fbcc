import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChatContent as content } from '../../../src/dialects/content/openai-chat.ts';
import { Room } from '../../../src/dialects/content/room.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { collected, plain } from './shapes.ts';

const read = (payload: JsonObject) => plain(content.readInput(payload));
const ask = (...messages: object[]) => read({ messages }).messages;
const text = (said: string) => ({ type: 'text', content: said });

const delta = (piece: object, more: object = {}) => ({ choices: [{ index: 0, delta: piece, ...more }] });
const streamed = (...events: JsonObject[]) => collected(content, { events });
const whole = (message: object, more: object = { finish_reason: 'stop' }) =>
  collected(content, { whole: { choices: [{ index: 0, message, ...more }] } });

describe('what chat is asked', () => {
  it('has system and developer messages in the conversation, and names', () => {
    assert.deepEqual(
      ask(
        { role: 'developer', content: 'Be brief.' },
        { role: 'system', content: [{ type: 'text', text: 'Be kind.' }] },
        { role: 'user', name: 'ada', content: 'Hi' },
      ),
      [
        { role: 'developer', parts: [text('Be brief.')] },
        { role: 'system', parts: [text('Be kind.')] },
        { role: 'user', name: 'ada', parts: [text('Hi')] },
      ],
    );
    assert.deepEqual(read({ messages: [{ role: 'system', content: 'x' }] }).systemInstructions, []);
  });

  it('has calls of tools, and what the tools gave back', () => {
    assert.deepEqual(
      ask(
        {
          role: 'assistant',
          content: 'Let me look.',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' } },
            { id: 'c2', type: 'custom', custom: { name: 'run', input: 'ls -l' } },
            { id: 'c3', type: 'function', function: { name: 'none', arguments: '' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'A cat.' },
        { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'cat.png' }] },
        { role: 'assistant', content: null, function_call: { name: 'old', arguments: '[1]' } },
        { role: 'function', name: 'old', content: '2' },
      ),
      [
        {
          role: 'assistant',
          parts: [
            text('Let me look.'),
            { type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'it' } },
            { type: 'tool_call', id: 'c2', name: 'run', arguments: 'ls -l' },
            { type: 'tool_call', id: 'c3', name: 'none', arguments: null },
          ],
        },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'A cat.' }] },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c2', response: [text('cat.png')] }] },
        { role: 'assistant', parts: [{ type: 'tool_call', name: 'old', arguments: [1] }] },
        { role: 'function', name: 'old', parts: [{ type: 'tool_call_response', response: '2' }] },
      ],
    );
  });

  it('tells of pictures, sound and files what they are, and has neither their bytes nor the keys in their addresses', () => {
    const url = 'https://user:pass@files.example/cat.png?X-Amz-Signature=abc#key';
    const [message] = ask({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        { type: 'image_url', image_url: { url } },
        { type: 'image_url', image_url: { url: 'not an address?key=1' } },
        { type: 'input_audio', input_audio: { data: 'AAAAAA==', format: 'wav' } },
        { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAA=' } },
        { type: 'file', file: { file_id: 'file-1' } },
        { type: 'video_url', video_url: { url: 'gs://bucket/film.mp4' } },
        { type: 'hologram', data: 'AAAA' },
      ],
    });
    assert.deepEqual(message?.parts, [
      { type: 'blob', modality: 'image', mime_type: 'image/png', byte_size: 3 },
      { type: 'uri', modality: 'image', uri: 'https://files.example/cat.png' },
      { type: 'uri', modality: 'image' },
      { type: 'blob', modality: 'audio', mime_type: 'audio/wav', byte_size: 4 },
      { type: 'blob', modality: 'document', mime_type: 'application/pdf', byte_size: 2 },
      { type: 'file', modality: 'document', file_id: 'file-1' },
      { type: 'uri', modality: 'video', uri: 'gs://bucket/film.mp4' },
      { type: 'hologram' },
    ]);
  });

  it('has the reasoning and the refusals that come back to the model', () => {
    assert.deepEqual(
      ask(
        { role: 'assistant', reasoning_content: 'Hm.', content: 'Yes.' },
        {
          role: 'assistant',
          content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }, 'Yes.'],
        },
        { role: 'assistant', content: null, refusal: 'No.' },
        { role: 'assistant', audio: { id: 'audio_1' } },
      ).map(({ parts }) => parts),
      [
        [{ type: 'reasoning', content: 'Hm.' }, text('Yes.')],
        [{ type: 'reasoning', content: 'Hm.' }, text('Yes.')],
        [{ type: 'refusal', content: 'No.' }],
        [{ type: 'blob', modality: 'audio' }],
      ],
    );
  });

  it('has the definitions of tools, in the older form too', () => {
    const parameters = { type: 'object', properties: { at: { type: 'string' } } };
    const { toolDefinitions } = read({
      tools: [
        { type: 'function', function: { name: 'look', description: 'Looks.', parameters, strict: true } },
        { type: 'custom', custom: { name: 'run', description: 'Runs.' } },
      ],
      functions: [{ name: 'old', parameters }],
    });
    assert.deepEqual(toolDefinitions, [
      { type: 'function', name: 'look', description: 'Looks.', parameters },
      { type: 'custom', name: 'run', description: 'Runs.' },
      { type: 'function', name: 'old', parameters },
    ]);
  });
});

describe('what chat answers', () => {
  it('is the same as a stream and as a whole', () => {
    const expected = [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'Weather, then.' },
          text('Let me look 🔎.'),
          { type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Orléans' } },
          { type: 'tool_call', id: 'c2', name: 'time', arguments: {} },
        ],
        finish_reason: 'tool_calls',
      },
    ];
    const call = (index: number, piece: object) => delta({ tool_calls: [{ index, ...piece }] });
    assert.deepEqual(
      streamed(
        delta({ role: 'assistant', content: '' }),
        delta({ reasoning_content: 'Weather,' }),
        delta({ reasoning_content: ' then.' }),
        delta({ content: 'Let me' }),
        call(0, { id: 'c1', type: 'function', function: { name: 'weather', arguments: '' } }),
        call(1, { id: 'c2', type: 'function', function: { name: 'time', arguments: '' } }),
        call(0, { function: { arguments: '{"city":' } }),
        call(1, { function: { arguments: '{}' } }),
        delta({ content: ' look 🔎.' }),
        call(0, { function: { arguments: '"Orléans"}' } }),
        delta({}, { finish_reason: 'tool_calls' }),
        { choices: [], usage: {} },
      ),
      expected,
    );
    const message = {
      role: 'assistant',
      reasoning_content: 'Weather, then.',
      content: 'Let me look 🔎.',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Orléans"}' } },
        { id: 'c2', type: 'function', function: { name: 'time', arguments: '{}' } },
      ],
    };
    assert.deepEqual(whole(message, { finish_reason: 'tool_calls' }), expected);
  });

  it('has each choice, in their order', () => {
    const choice = (index: number, content: string, finish_reason: string | null) => ({
      choices: [{ index, delta: { content }, finish_reason }],
    });
    assert.deepEqual(
      streamed(choice(1, 'Tails', 'stop'), choice(0, 'Heads', null), choice(0, ' it is', 'length')),
      [
        { role: 'assistant', parts: [text('Heads it is')], finish_reason: 'length' },
        { role: 'assistant', parts: [text('Tails')], finish_reason: 'stop' },
      ],
    );
  });

  it('that broke off is what came, with the arguments of a call as far as they go', () => {
    const call = { index: 0, id: 'c1', function: { name: 'look', arguments: '{"at":"i' } };
    assert.deepEqual(streamed(delta({ content: 'Hel' }), delta({ tool_calls: [call] })), [
      {
        role: 'assistant',
        parts: [text('Hel'), { type: 'tool_call', id: 'c1', name: 'look', arguments: '{"at":"i' }],
        finish_reason: 'unfinished',
      },
    ]);
    assert.deepEqual(streamed(), []);
  });

  it('keeps calls apart where a backend gives them no index', () => {
    const call = (id: string) => delta({ tool_calls: [{ id, function: { name: 'look', arguments: '{}' } }] });
    const [message] = streamed(call('c1'), call('c2'));
    assert.deepEqual(
      message?.parts.map(({ id }) => id),
      ['c1', 'c2'],
    );
  });

  it('has refusals, speech as what was said, and reasoning under each of its names once', () => {
    assert.deepEqual(streamed(delta({ refusal: "I'm" }), delta({ refusal: ' sorry.' }))[0]?.parts, [
      { type: 'refusal', content: "I'm sorry." },
    ]);
    assert.deepEqual(
      streamed(
        delta({ audio: { id: 'a', transcript: 'Hel' } }),
        delta({ audio: { data: 'AAAA', transcript: 'lo' } }),
      )[0]?.parts,
      [text('Hello'), { type: 'blob', modality: 'audio' }],
    );
    const twice = { reasoning: 'Hm.', reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }] };
    assert.deepEqual(streamed(delta(twice))[0]?.parts, [{ type: 'reasoning', content: 'Hm.' }]);
    const details = { reasoning_details: [{ type: 'reasoning.summary', summary: 'Hm.' }] };
    assert.deepEqual(whole(details)[0]?.parts, [{ type: 'reasoning', content: 'Hm.' }]);
    const thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }];
    assert.deepEqual(
      streamed(delta({ content: thinking }), delta({ content: thinking }), delta({ content: 'So.' }))[0]
        ?.parts,
      [{ type: 'reasoning', content: 'HmHm' }, text('So.')],
    );
  });

  it('is not gathered beyond its room, not even in empty parts', () => {
    const room = new Room(1_000);
    const calls = (from: number) =>
      delta({
        tool_calls: Array.from({ length: 100 }, (_, i) => ({ index: from + i, function: { name: '' } })),
      });
    const [message] = collected(
      content,
      { events: Array.from({ length: 100 }, (_, i) => calls(i * 100)) },
      room,
    );
    assert.ok((message?.parts.length ?? 0) < 32);
    assert.equal(room.isExceeded, true);
  });
});
