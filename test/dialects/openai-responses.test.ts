import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiResponses } from '../../src/dialects/openai-responses.ts';
import { emptyReplyFacts } from '../../src/exchange/facts.ts';
import { dialectContract } from '../contract/dialect.ts';

dialectContract({
  dialect: openaiResponses,
  recordings: 'openai-responses',
  query: {
    model: 'gpt-4.1',
    instructions: 'Be brief.',
    input: [
      { role: 'user', content: 'Hello' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Look' }] },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'left as it is' }] },
      { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'A cat.' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'A dog.' }] },
      { type: 'custom_tool_call', call_id: 'c3', name: 'run', input: 'ls' },
    ],
  },
  queryTexts: {
    instructions: 'Be brief.',
    'input:0:content': 'Hello',
    'input:1:content:0': 'Look',
    'input:3:arguments': '{}',
    'input:4:output': 'A cat.',
    'input:5:output:0': 'A dog.',
    'input:6:input': 'ls',
  },
});

describe('openai.responses', () => {
  it('maps an input that is one text', () => {
    const mapped = openaiResponses.mapQueryText({ input: 'a' }, (text) => text.toUpperCase());
    assert.deepEqual(mapped, { input: 'A' });
  });

  it('drops log probabilities that would give away a text that was changed', () => {
    const event = (delta: string, logprobs: unknown) => ({
      type: 'response.output_text.delta',
      delta,
      logprobs,
    });
    assert.deepEqual(
      openaiResponses.mapEventText(event('secret', [{ token: 'secret' }]), () => '***'),
      event('***', []),
    );
    const reply = (text: string, logprobs: unknown) => ({
      output: [{ content: [{ type: 'output_text', text, logprobs }] }],
    });
    assert.deepEqual(
      openaiResponses.mapReplyText(reply('secret', [{ token: 'secret' }]), () => '***'),
      reply('***', []),
    );
  });

  it("gives a status chat's word where chat has one, and leaves the others as they are", () => {
    const reason = (response: object) => {
      const facts = emptyReplyFacts();
      openaiResponses.readReply({ ...response }, facts);
      return facts.finishReasons;
    };
    assert.deepEqual(reason({ status: 'completed' }), ['stop']);
    assert.deepEqual(reason({ status: 'failed' }), ['error']);
    assert.deepEqual(reason({ status: 'cancelled' }), ['cancelled']);
    assert.deepEqual(reason({ status: 'in_progress' }), []);
    const cut = (why: string) => reason({ status: 'incomplete', incomplete_details: { reason: why } });
    assert.deepEqual(cut('max_output_tokens'), ['length']);
    assert.deepEqual(cut('content_filter'), ['content_filter']);
    assert.deepEqual(reason({ status: 'incomplete' }), ['incomplete']);
  });

  it('keeps the parts of a summary apart', () => {
    const slots: string[] = [];
    for (const type of ['delta', 'done']) {
      const event = { type: `response.reasoning_summary_text.${type}`, output_index: 2, summary_index: 1 };
      openaiResponses.mapEventText({ ...event, delta: 'a', text: 'a' }, (text, slot) => {
        slots.push(slot);
        return text;
      });
    }
    assert.deepEqual(slots, ['item:2:summary:1', 'whole:item:2:summary:1']);
  });

  it('takes no count from the beginning of a stream, which has none yet', () => {
    const facts = emptyReplyFacts();
    const usage = { input_tokens: 0, output_tokens: 0 };
    const payload = { type: 'response.created', response: { id: 'resp_1', status: 'in_progress', usage } };
    openaiResponses.readEvent({ event: '', data: JSON.stringify(payload) }, facts);
    assert.deepEqual([facts.id, facts.usage], ['resp_1', {}]);
  });

  it('reads the limit of the reply', () => {
    assert.equal(openaiResponses.readQuery({ max_output_tokens: 9 }).maxTokens, 9);
  });
});
