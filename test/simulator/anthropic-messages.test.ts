import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { hello, parseEvents, post, startFast } from './client.ts';

const query = { model: 'claude-haiku-4-5', max_tokens: 1024, messages: hello };

describe('messages, asked by the Anthropic client', () => {
  let simulator: Simulator;
  let client: Anthropic;

  before(async () => {
    simulator = await startFast();
    client = new Anthropic({ baseURL: simulator.url, apiKey: 'sk-ant-test', maxRetries: 0 });
  });
  after(() => simulator.close());

  it('answers whole, and streams the same message', async () => {
    const whole = await client.messages.create(query);
    assert.match(whole.id, /^msg_01\w{22}$/);
    assert.equal(whole.model, 'claude-haiku-4-5-20251001');
    assert.equal(whole.stop_reason, 'end_turn');
    assert.equal(whole._request_id, (await simulator.journal.settled()).at(-1)?.replyRequestId);

    const streamed = await client.messages.stream(query).finalMessage();
    assert.equal(streamed.id, whole.id);
    assert.deepEqual(streamed.content, whole.content);
    assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
  });

  it('sends the events in the order of the API, with a ping among them', async () => {
    const response = await post(`${simulator.url}/v1/messages`, { ...query, stream: true });
    const events = parseEvents(await response.text());
    assert.ok(events.every(({ event, data }) => JSON.parse(data).type === event));
    const names = events.map(({ event }) => event);
    assert.deepEqual(
      names.filter((name, index) => name !== names[index - 1]),
      [
        'message_start',
        'content_block_start',
        'ping',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ],
    );
  });

  it('stops at max_tokens and at a stop sequence', async () => {
    const short = await client.messages.create({ ...query, max_tokens: 3 });
    assert.equal(short.stop_reason, 'max_tokens');
    assert.equal(short.usage.output_tokens, 3);

    const whole = await client.messages.create(query);
    const [block] = whole.content;
    assert.ok(block?.type === 'text');
    const stop = block.text.slice(10, 15);
    const cut = await client.messages.create({ ...query, stop_sequences: [stop] });
    assert.equal(cut.stop_reason, 'stop_sequence');
    assert.equal(cut.stop_sequence, stop);
  });

  it('uses a tool, its input streamed in pieces', async () => {
    const withTools = {
      ...query,
      tools: [
        {
          name: 'get_weather',
          input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
        },
      ],
    };
    const whole = await client.messages.create(withTools);
    assert.equal(whole.stop_reason, 'tool_use');
    const streamed = await client.messages.stream(withTools).finalMessage();
    const [block] = streamed.content;
    assert.ok(block?.type === 'tool_use');
    assert.match(block.id, /^toolu_01\w{22}$/);
    assert.deepEqual(streamed.content, whole.content);
    const entry = (await simulator.journal.settled()).at(-1);
    assert.equal(entry?.outputEvents, streamed.usage.output_tokens);
  });

  it('thinks when asked, and signs it', async () => {
    const thinking = { type: 'enabled' as const, budget_tokens: 1024 };
    const message = await client.messages.stream({ ...query, max_tokens: 2048, thinking }).finalMessage();
    assert.deepEqual(
      message.content.map(({ type }) => type),
      ['thinking', 'text'],
    );
    const [thought] = message.content;
    assert.ok(thought?.type === 'thinking' && thought.thinking.length > 20 && thought.signature.length > 20);
  });

  it('divides a long prompt between what the cache gave, what it was told and the rest', async () => {
    const text = 'A long story. '.repeat(600);
    const { usage } = await client.messages.create({
      ...query,
      system: [{ type: 'text', text, cache_control: { type: 'ephemeral' } }],
    });
    const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage;
    assert.ok((cache_read_input_tokens ?? 0) >= 1024);
    assert.ok((cache_creation_input_tokens ?? 0) > 0);
    const entry = (await simulator.journal.settled()).at(-1);
    const total = input_tokens + (cache_read_input_tokens ?? 0) + (cache_creation_input_tokens ?? 0);
    assert.equal(entry?.tokens.input, total);
  });

  it('refuses what the API refuses, in its shape', async () => {
    for (const [body, message] of [
      ['{', /not valid JSON/],
      [{ model: 'm', max_tokens: 5 }, /messages: Field required/],
      [{ model: 'm', messages: hello }, /max_tokens: Field required/],
      [{ messages: hello, max_tokens: 5 }, /model: Field required/],
    ] as const) {
      const response = await post(`${simulator.url}/v1/messages`, body);
      assert.equal(response.status, 400);
      const problem = JSON.parse(await response.text());
      assert.equal(problem.type, 'error');
      assert.equal(problem.error.type, 'invalid_request_error');
      assert.match(problem.error.message, message);
      assert.equal(problem.request_id, response.headers.get('request-id'));
    }
  });
});
