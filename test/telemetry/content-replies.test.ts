import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { attribute } from '../../src/telemetry/names.ts';
import { Random } from '../support/random.ts';
import {
  ask,
  assistant,
  clientOf,
  contentOf,
  contentOnSpan,
  inputKey,
  onSpans,
  outputKey,
  startBackend,
  user,
} from './content-stage.ts';
import { startStage } from './stage.ts';

describe('what is told of replies', () => {
  test('of a whole reply and of a stream is the same, in every dialect', async () => {
    await using stage = await startStage({ otel: onSpans });
    const random = new Random(11);
    const parameters = {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' } },
    };
    const words = [
      'Tell me of the weather',
      'Use a tool to look up the time',
      'Hello 😀',
      'Write "quotes"\n\\',
    ];
    const asked = (content: string): [string, object][] => {
      const tool = (name: string) => ({ name, description: name, parameters });
      const functions = ['get_weather', 'get_time'].map((name) => ({
        type: 'function',
        function: tool(name),
      }));
      const flat = ['get_weather', 'get_time'].map((name) => ({ type: 'function', ...tool(name) }));
      const schemas = ['get_weather', 'get_time'].map((name) => ({ name, input_schema: parameters }));
      const messages = [{ role: 'user', content }];
      return [
        ['/v1/chat/completions', { messages, tools: functions, n: random.integer(1, 3) }],
        ['/v1/chat/completions', { messages, n: 2 }],
        ['/v1/responses', { input: content, tools: flat }],
        ['/v1/completions', { prompt: content }],
        ['/anthropic/v1/messages', { messages, max_tokens: 50, system: 'Be brief.', tools: schemas }],
      ];
    };
    const models = ['sim-tokens-3', 'sim-tokens-12', 'deepseek-reasoning', 'sim-tokens-7'];
    for (const content of words) {
      for (const [path, body] of asked(content)) {
        const model = random.pick(models);
        const told = [];
        for (const stream of [true, false]) {
          const { id } = await stage.query({ model, stream, ...body }, { path });
          told.push(await contentOnSpan(stage, id));
        }
        const [streamed, whole] = told;
        assert.ok(streamed && inputKey in streamed && outputKey in streamed, path);
        assert.deepEqual(streamed, whole, `${path} ${model} ${content}`);
      }
    }
  });

  test('asked by the openai client is what the client got', async () => {
    await using stage = await startStage({ otel: onSpans });
    const client = new OpenAI({ baseURL: `${stage.service.dataUrl}/v1`, apiKey: 'sk-secret', maxRetries: 0 });
    const stream = client.chat.completions.stream(
      {
        model: 'sim-tokens-4',
        messages: [{ role: 'user', content: 'What is the weather and the time?' }],
        tools: ['get_weather', 'get_time'].map((name) => ({
          type: 'function' as const,
          function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } } } },
        })),
      },
      { headers: { 'x-request-id': 'sdk' } },
    );
    const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0] ?? {};
    const told = await contentOnSpan(stage, 'sdk');
    const calls = message?.tool_calls?.map((call) =>
      call.type === 'function'
        ? {
            type: 'tool_call',
            id: call.id,
            name: call.function.name,
            arguments: JSON.parse(call.function.arguments),
          }
        : call,
    );
    assert.equal(calls?.length, 2);
    assert.deepEqual(told[attribute.genAiOutputMessages], [
      { role: 'assistant', parts: calls, finish_reason },
    ]);
    assert.ok(!JSON.stringify(stage.sink.spans()).includes('sk-secret'));
  });

  for (const stream of [true, false]) {
    test(`of a compressed ${stream ? 'stream' : 'reply'} is read`, async () => {
      await using backend = await startBackend(['Hi', ' there'], { gzip: true });
      await using stage = await startStage({ upstreams: { default: backend.url }, otel: onSpans });
      const { id } = await stage.query(ask('Hello', { stream }));
      assert.deepEqual((await contentOnSpan(stage, id))[outputKey], [assistant('Hi there')]);
    });
  }

  test('of a stream that broke off is what came', async () => {
    await using backend = await startBackend(['Hi', ' th'], { breaksOff: true });
    await using stage = await startStage({ upstreams: { default: backend.url }, otel: onSpans });
    const { id } = await stage.query(ask('Hello', { stream: true }));
    const span = await clientOf(stage, id);
    assert.equal(span.attributes[attribute.outcome], 'upstream_truncated');
    assert.deepEqual(contentOf(span.attributes)[outputKey], [assistant('Hi th', 'unfinished')]);
  });

  test('of a stream that its client left is what came', async () => {
    await using backend = await startBackend(['Hi', ' th'], { waits: true });
    await using stage = await startStage({ upstreams: { default: backend.url }, otel: onSpans });
    const request = http.request(`${stage.service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'x-request-id': 'left' },
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify(ask('Hello', { stream: true })));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    await once(response, 'data');
    request.destroy();
    await stage.service.inFlight.empty();
    const span = await clientOf(stage, 'left');
    assert.equal(span.attributes[attribute.outcome], 'client_aborted');
    assert.deepEqual(contentOf(span.attributes)[outputKey], [assistant('Hi th', 'unfinished')]);
  });

  test('of an error is only what was asked', async () => {
    await using stage = await startStage({ otel: onSpans });
    for (const model of ['sim-status-500', 'sim-close']) {
      const { id } = await stage.chat({ model });
      assert.deepEqual(await contentOnSpan(stage, id), { [inputKey]: [user('Hello!')] });
    }
  });

  test('of operations without messages is not there', async () => {
    await using stage = await startStage({ otel: onSpans });
    const embeddings = { model: 'text-embedding-3-small', input: 'Hello!' };
    const { id } = await stage.query(embeddings, { path: '/v1/embeddings' });
    assert.deepEqual(await contentOnSpan(stage, id), {});
  });
});
