import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiCompletionsContent as content } from '../../../src/dialects/content/openai-completions.ts';
import { collected, plain } from './shapes.ts';

const text = (said: string) => ({ type: 'text', content: said });

describe('content of completions', () => {
  it('has each prompt as what a user says, with what is to follow', () => {
    const read = (prompt: unknown, suffix?: string) => plain(content.readInput({ prompt, suffix })).messages;
    assert.deepEqual(read('Once'), [{ role: 'user', parts: [text('Once')] }]);
    assert.deepEqual(read(['Once', [1, 2, 3]], 'The end.'), [
      { role: 'user', parts: [text('Once'), { type: 'suffix', content: 'The end.' }] },
      {
        role: 'user',
        parts: [
          { type: 'tokens', count: 3 },
          { type: 'suffix', content: 'The end.' },
        ],
      },
    ]);
    assert.deepEqual(read([1, 2]), [{ role: 'user', parts: [{ type: 'tokens', count: 2 }] }]);
  });

  it('has each choice, streamed or whole', () => {
    const choice = (index: number, text: string, finish_reason: string | null) => ({
      index,
      text,
      finish_reason,
    });
    const expected = [
      { role: 'assistant', parts: [text('a time')], finish_reason: 'stop' },
      { role: 'assistant', parts: [text('more')], finish_reason: 'length' },
    ];
    const whole = { choices: [choice(0, 'a time', 'stop'), choice(1, 'more', 'length')] };
    assert.deepEqual(collected(content, { whole }), expected);
    const events = [choice(1, 'more', 'length'), choice(0, 'a', null), choice(0, ' time', 'stop')];
    assert.deepEqual(collected(content, { events: events.map((one) => ({ choices: [one] })) }), expected);
  });
});
