import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { hello, parseEvents, post, startFast } from './client.ts';

describe('the other OpenAI operations, asked by the openai client', () => {
  let simulator: Simulator;
  let client: OpenAI;

  before(async () => {
    simulator = await startFast();
    client = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  });
  after(() => simulator.close());

  it('completes legacy prompts whole and streamed, with its short default', async () => {
    const query = { model: 'gpt-3.5-turbo-instruct', prompt: 'Once upon a time' };
    const whole = await client.completions.create(query);
    assert.match(whole.id, /^cmpl-/);
    assert.equal(whole.usage?.completion_tokens, 16);
    assert.equal(whole.choices[0]?.finish_reason, 'length');

    const stream = await client.completions.create({ ...query, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
    assert.equal(text, whole.choices[0]?.text);
    assert.equal((await simulator.journal.settled()).at(-1)?.operation, 'openai.completions');
  });

  it('streams a response as the typed events of the API, numbered without a gap', async () => {
    const query = { model: 'gpt-4.1', input: 'Hello', stream: true };
    const body = await (await post(`${simulator.url}/v1/responses`, query)).text();
    const events = parseEvents(body).map(({ event, data }) => ({ event, ...JSON.parse(data) }));
    assert.ok(events.every((event, index) => event.sequence_number === index && event.type === event.event));
    const names = events.map(({ type }) => type);
    assert.deepEqual(
      names.filter((name, index) => name !== names[index - 1]),
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ],
    );
    const last = events.at(-1).response;
    const text = events
      .map(({ type, delta }) => (type === 'response.output_text.delta' ? delta : ''))
      .join('');
    assert.equal(last.output[0].content[0].text, text);
    assert.equal(
      last.usage.output_tokens,
      names.filter((name) => name === 'response.output_text.delta').length,
    );
  });

  it('answers a response whole, and streams the same one', async () => {
    const query = { model: 'gpt-4.1', instructions: 'Be brief.', input: hello };
    const whole = await client.responses.create(query);
    assert.equal(whole.status, 'completed');
    assert.ok(whole.output_text.length > 20);
    const streamed = await client.responses.stream(query).finalResponse();
    assert.equal(streamed.id, whole.id);
    assert.equal(streamed.output_text, whole.output_text);
    assert.deepEqual(streamed.usage, whole.usage);
  });

  it('leaves a response incomplete at max_output_tokens', async () => {
    const query = { model: 'gpt-4.1', input: 'Hello', max_output_tokens: 16 };
    const whole = await client.responses.create(query);
    assert.equal(whole.status, 'incomplete');
    assert.equal(whole.incomplete_details?.reason, 'max_output_tokens');
    const stream = await client.responses.create({ ...query, stream: true });
    let last = '';
    for await (const event of stream) last = event.type;
    assert.equal(last, 'response.incomplete');
    const entry = (await simulator.journal.settled()).at(-1);
    assert.deepEqual(entry?.finishReasons, ['max_output_tokens']);
    assert.equal(entry?.terminalSent, true);
  });

  it('calls functions in a response', async () => {
    const query = {
      model: 'gpt-4.1',
      input: 'What is the weather like?',
      tools: [
        {
          type: 'function' as const,
          name: 'get_weather',
          strict: false,
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
        },
      ],
    };
    const response = await client.responses.stream(query).finalResponse();
    const [item] = response.output;
    assert.ok(item?.type === 'function_call');
    assert.equal(typeof JSON.parse(item.arguments).city, 'string');
    const entry = (await simulator.journal.settled()).at(-1);
    assert.equal(entry?.outputEvents, response.usage?.output_tokens);
  });

  it('counts reasoning in a response and shows a summary of it when asked', async () => {
    const hidden = await client.responses.create({ model: 'o3', input: 'Hello' });
    assert.equal(hidden.output[0]?.type, 'reasoning');
    assert.ok((hidden.usage?.output_tokens_details.reasoning_tokens ?? 0) >= 64);

    const query = { model: 'o3', input: 'Hello', reasoning: { summary: 'auto' as const } };
    const stream = await client.responses.create({ ...query, stream: true });
    let summary = '';
    for await (const event of stream) {
      if (event.type === 'response.reasoning_summary_text.delta') summary += event.delta;
    }
    const [item] = (await client.responses.create(query)).output;
    assert.ok(item?.type === 'reasoning');
    assert.equal(item.summary[0]?.text, summary);
  });

  it('embeds several inputs, each on its own, in either encoding', async () => {
    const model = 'text-embedding-3-small';
    const byBase64 = await client.embeddings.create({ model, input: ['one', 'two'] });
    const byFloat = await client.embeddings.create({ model, input: 'two', encoding_format: 'float' });
    assert.deepEqual(
      byBase64.data.map(({ index, embedding }) => [index, embedding.length]),
      [
        [0, 1536],
        [1, 1536],
      ],
    );
    const two = byFloat.data[0]?.embedding ?? [];
    assert.deepEqual(Array.from(byBase64.data[1]?.embedding ?? []), two);
    const norm = Math.sqrt(two.reduce((sum, value) => sum + value * value, 0));
    assert.ok(Math.abs(norm - 1) < 1e-5);

    const short = await client.embeddings.create({ model, input: [[1, 2, 3], [4]], dimensions: 8 });
    assert.deepEqual(
      short.data.map(({ embedding }) => embedding.length),
      [8, 8],
    );
    assert.equal(short.usage.prompt_tokens, 4);
  });

  it('lists its models, with and without /v1', async () => {
    const models = await client.models.list();
    assert.ok(models.data.some(({ id }) => id === 'gpt-4o'));
    assert.equal((await fetch(`${simulator.url}/models`)).status, 200);
    assert.equal(
      (await post(`${simulator.url}/chat/completions`, { model: 'm', messages: hello })).status,
      200,
    );
  });

  it('answers health probes, and 404 in the shape of the API elsewhere', async () => {
    for (const method of ['HEAD', 'GET']) {
      assert.equal((await fetch(`${simulator.url}/`, { method })).status, 200);
    }
    const response = await post(`${simulator.url}/v1/nowhere`, {});
    assert.equal(response.status, 404);
    const { error } = JSON.parse(await response.text());
    assert.equal(error.message, 'Invalid URL (POST /v1/nowhere)');
    assert.equal(error.type, 'invalid_request_error');
  });

  it('refuses what the API refuses', async () => {
    const model = 'gpt-4.1';
    for (const [path, body] of [
      ['completions', { model }],
      ['responses', { model }],
      ['responses', { model, input: 7 }],
      ['embeddings', { model }],
      ['embeddings', { model, input: [] }],
    ] as const) {
      assert.equal((await post(`${simulator.url}/v1/${path}`, body)).status, 400, path);
    }
  });
});
