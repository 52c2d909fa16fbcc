import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { hello, parseEvents, post, startFast } from './client.ts';

const weatherTool = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' }, unit: { enum: ['C', 'F'] } },
      required: ['city'],
    },
  },
};

describe('chat completions, asked by the openai client', () => {
  let simulator: Simulator;
  let client: OpenAI;

  before(async () => {
    simulator = await startFast();
    client = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  });
  after(() => simulator.close());

  it('answers whole, under the dated name of the model', async () => {
    const completion = await client.chat.completions.create({ model: 'gpt-4o', messages: hello });
    assert.equal(completion.model, 'gpt-4o-2024-08-06');
    assert.match(completion.id, /^chatcmpl-\w{29}$/);
    assert.match(completion.system_fingerprint ?? '', /^fp_[0-9a-f]{10}$/);
    assert.equal(completion.choices[0]?.finish_reason, 'stop');
    assert.ok((completion.choices[0]?.message.content ?? '').length > 40);
    assert.equal(completion.usage?.prompt_tokens_details?.cached_tokens, 0);
    assert.equal(completion._request_id, (await simulator.journal.settled()).at(-1)?.replyRequestId);
  });

  it('streams the same text, id and usage that it answers whole', async () => {
    const whole = await client.chat.completions.create({ model: 'gpt-4o', messages: hello });
    const runner = client.chat.completions.stream({
      model: 'gpt-4o',
      messages: hello,
      stream_options: { include_usage: true },
    });
    const streamed = await runner.finalChatCompletion();
    assert.equal(streamed.id, whole.id);
    assert.equal(streamed.choices[0]?.message.content, whole.choices[0]?.message.content);
    assert.deepEqual(streamed.usage, whole.usage);
  });

  it('counts one output event a completion token', async () => {
    const stream = await client.chat.completions.create({ model: 'gpt-4o', messages: hello, stream: true });
    let pieces = 0;
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) pieces += 1;
    const whole = await client.chat.completions.create({ model: 'gpt-4o', messages: hello });
    assert.equal(pieces, whole.usage?.completion_tokens);
  });

  it('says usage in one more chunk with no choices, and only when asked', async () => {
    const url = `${simulator.url}/v1/chat/completions`;
    const query = { model: 'gpt-4o', messages: hello, stream: true };
    const without = parseEvents(await (await post(url, query)).text());
    assert.ok(without.every(({ data }) => !data.includes('"usage"')));

    const asked = await post(url, { ...query, stream_options: { include_usage: true } });
    const events = parseEvents(await asked.text());
    assert.equal(events.at(-1)?.data, '[DONE]');
    const chunks = events.slice(0, -1).map(({ data }) => JSON.parse(data));
    assert.deepEqual(chunks.at(-1)?.choices, []);
    assert.ok(chunks.at(-1)?.usage.total_tokens > 0);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null && chunk.choices.length === 1));
  });

  it('ends with length at the limit that was set', async () => {
    for (const limit of [{ max_tokens: 5 }, { max_completion_tokens: 5 }]) {
      const { choices, usage } = await client.chat.completions.create({
        model: 'gpt-4o',
        messages: hello,
        ...limit,
      });
      assert.equal(choices[0]?.finish_reason, 'length');
      assert.equal(usage?.completion_tokens, 5);
    }
  });

  it('stops before a stop sequence', async () => {
    const whole = await client.chat.completions.create({ model: 'gpt-4o', messages: hello });
    const text = whole.choices[0]?.message.content ?? '';
    const stop = text.slice(20, 26);
    const cut = await client.chat.completions.create({ model: 'gpt-4o', messages: hello, stop });
    assert.equal(cut.choices[0]?.message.content, text.slice(0, text.indexOf(stop)));
    assert.equal(cut.choices[0]?.finish_reason, 'stop');
  });

  it('gives several choices, which take turns in a stream', async () => {
    const whole = await client.chat.completions.create({ model: 'gpt-4o', messages: hello, n: 3 });
    assert.equal(new Set(whole.choices.map(({ message }) => message.content)).size, 3);

    const stream = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: hello,
      n: 3,
      stream: true,
    });
    const texts = ['', '', ''];
    for await (const { choices } of stream) {
      const [choice] = choices;
      if (choice) texts[choice.index] += choice.delta.content ?? '';
    }
    assert.deepEqual(
      texts,
      whole.choices.map(({ message }) => message.content),
    );
    assert.deepEqual((await simulator.journal.settled()).at(-1)?.finishReasons, ['stop', 'stop', 'stop']);
  });

  it('calls the tool that the user asks for, with arguments that fit its schema', async () => {
    const query = { model: 'gpt-4o', messages: hello, tools: [weatherTool] };
    const whole = await client.chat.completions.create(query);
    assert.equal(whole.choices[0]?.finish_reason, 'tool_calls');
    assert.equal(whole.choices[0]?.message.content, null);
    const call = whole.choices[0]?.message.tool_calls?.[0];
    assert.ok(call?.type === 'function');
    assert.equal(call.function.name, 'get_weather');
    const input = JSON.parse(call.function.arguments);
    assert.equal(typeof input.city, 'string');
    assert.ok(Number.isInteger(input.days));
    assert.ok(['C', 'F'].includes(input.unit));

    const streamed = await client.chat.completions.stream(query).finalChatCompletion();
    assert.deepEqual(
      streamed.choices[0]?.message.tool_calls?.map(({ id }) => id),
      [call.id],
    );
    assert.equal(streamed.choices[0]?.finish_reason, 'tool_calls');
    const entry = (await simulator.journal.settled()).at(-1);
    assert.ok(entry && entry.outputEvents > 1);
    assert.deepEqual(entry.finishReasons, ['tool_calls']);
  });

  it('answers in words when tools are not wanted, forbidden or have been answered', async () => {
    const tools = [weatherTool];
    const idle = [{ role: 'user' as const, content: 'Good morning' }];
    const answered = [...hello, { role: 'tool' as const, tool_call_id: 'call_1', content: '21 °C' }];
    for (const query of [
      { messages: idle, tools },
      { messages: hello, tools, tool_choice: 'none' as const },
      { messages: answered, tools },
    ]) {
      const { choices } = await client.chat.completions.create({ model: 'gpt-4o', ...query });
      assert.equal(choices[0]?.finish_reason, 'stop');
    }
    const { choices } = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: idle,
      tools,
      tool_choice: 'required',
    });
    assert.equal(choices[0]?.finish_reason, 'tool_calls');
  });

  it('counts cached tokens of long prompts and hidden reasoning of o-models', async () => {
    const long = [{ role: 'user' as const, content: 'A long story. '.repeat(500) }];
    const { usage } = await client.chat.completions.create({ model: 'o3', messages: long });
    assert.ok(usage);
    const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
    assert.ok(cached >= 1024 && cached < usage.prompt_tokens && cached % 128 === 0);
    assert.equal((usage.completion_tokens_details?.reasoning_tokens ?? 0) % 64, 0);
    assert.ok((usage.completion_tokens_details?.reasoning_tokens ?? 0) >= 64);
  });

  it('shows the reasoning of models that are named for it', async () => {
    const stream = await client.chat.completions.create({
      model: 'acme-reasoning',
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    let thoughts = 0;
    let reasoning: number | undefined;
    for await (const chunk of stream) {
      const delta: object | undefined = chunk.choices[0]?.delta;
      if (delta && 'reasoning_content' in delta) thoughts += 1;
      reasoning = chunk.usage?.completion_tokens_details?.reasoning_tokens;
    }
    assert.ok(thoughts > 0);
    assert.equal(reasoning, thoughts);
  });

  it('refuses what the API refuses, in its words', async () => {
    const url = `${simulator.url}/v1/chat/completions`;
    const cases: [unknown, RegExp][] = [
      ['{"model":', /could not parse the JSON body/],
      [[], /could not parse the JSON body/],
      [{ model: 'gpt-4o' }, /Missing required parameter: 'messages'/],
      [{ model: 'gpt-4o', messages: 'hi' }, /Invalid type for 'messages': expected an array of objects/],
      [{ model: 'gpt-4o', messages: [] }, /empty array/],
      [{ messages: hello }, /must provide a model/],
    ];
    for (const [body, message] of cases) {
      const response = await post(url, body);
      assert.equal(response.status, 400);
      const { error } = JSON.parse(await response.text());
      assert.match(error.message, message);
      assert.equal(error.type, 'invalid_request_error');
    }
  });
});
