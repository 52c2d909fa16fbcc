import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AttributeMap } from '../../../src/admin/api/traces.ts';
import { attributeGroups } from '../../../src/console/page/trace/attribute-groups.ts';
import { conversationOf } from '../../../src/console/page/trace/content.ts';
import { attempt } from './spans.ts';

const told = (attributes: AttributeMap) => conversationOf(attempt('a', 'r', { attributes }));

describe('a conversation', () => {
  test('is what was asked and what was answered', () => {
    const conversation = told({
      'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'Be terse.' }]),
      'gen_ai.input.messages': JSON.stringify([
        { role: 'user', parts: [{ type: 'text', content: 'Weather?' }] },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', content: 'A tool knows.' },
            { type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Kyiv' } },
          ],
        },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rain' }] },
      ]),
      'gen_ai.output.messages': JSON.stringify([
        { role: 'assistant', parts: [{ type: 'text', content: 'Rain.' }], finish_reason: 'stop' },
      ]),
      'gen_ai.tool.definitions': JSON.stringify([{ type: 'function', name: 'weather', parameters: {} }]),
      'sightline.content.truncated': true,
    });
    assert.deepEqual(
      conversation?.messages.map(({ role, isAnswer, finishReason, parts }) => [
        role,
        isAnswer,
        finishReason,
        parts.map(({ kind, title, text, callId }) => [kind, title, text, callId]),
      ]),
      [
        ['user', false, undefined, [['text', undefined, 'Weather?', undefined]]],
        [
          'assistant',
          false,
          undefined,
          [
            ['reasoning', 'reasoning', 'A tool knows.', undefined],
            ['tool_call', 'weather', '{\n  "city": "Kyiv"\n}', 'c1'],
          ],
        ],
        ['tool', false, undefined, [['tool_response', 'result', 'rain', 'c1']]],
        ['assistant', true, 'stop', [['text', undefined, 'Rain.', undefined]]],
      ],
    );
    assert.deepEqual(
      conversation?.instructions.map(({ text }) => text),
      ['Be terse.'],
    );
    assert.deepEqual(
      conversation?.tools.map(({ name }) => name),
      ['weather'],
    );
    assert.equal(conversation?.isTruncated, true);
  });

  test('is none where nothing was captured', () => {
    assert.equal(told({}), undefined);
  });

  test('is shown as it came where it is not as it should be', () => {
    for (const value of [
      '[{"role":"us',
      '"text"',
      'null',
      '[null, 7, [], {"parts": 3}, {"parts": [null, 1]}]',
      '{}',
    ])
      for (const key of ['gen_ai.input.messages', 'gen_ai.system_instructions', 'gen_ai.tool.definitions'])
        assert.ok(told({ [key]: value }), value);
    const [message] = told({ 'gen_ai.input.messages': '[{"role":"us' })?.messages ?? [];
    assert.equal(message?.parts[0]?.text, '[{"role":"us');
  });
});

describe('attributes', () => {
  const attributes = {
    'http.request.method': 'POST',
    'url.path': '/v1',
    'sightline.outcome': 'completed',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.input.messages': '[]',
    'sightline.tag.note': undefined,
    team: 'blue',
  };

  test('stand in groups, without what was said, and without what is unknown', () => {
    assert.deepEqual(
      attributeGroups(attributes).map(({ title, rows }) => [
        title,
        rows.map(({ key, value }) => `${key}=${value}`),
      ]),
      [
        ['GenAI', ['gen_ai.request.model=gpt-4o', 'gen_ai.response.finish_reasons=["stop"]']],
        ['Sightline', ['sightline.outcome=completed']],
        ['HTTP', ['http.request.method=POST', 'url.path=/v1']],
        ['Others', ['team=blue']],
      ],
    );
  });

  test('are found by name and by value', () => {
    const found = (search: string) =>
      attributeGroups(attributes, search).flatMap(({ rows }) => rows.map(({ key }) => key));
    assert.deepEqual(found(' Model'), ['gen_ai.request.model']);
    assert.deepEqual(found('BLUE'), ['team']);
    assert.deepEqual(found('nothing'), []);
  });
});
