import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { openRealtime } from '../simulator/realtime-client.ts';
import {
  ask,
  assistant,
  contentOf,
  contentOnSpan,
  eventsOf,
  inEvents,
  inputKey,
  onSpans,
  outputKey,
  startBackend,
  text,
  user,
  variable,
} from './content-stage.ts';
import { only, startStage } from './stage.ts';

describe('content of turns of a session', () => {
  const secret = /\b(?:the|and|a)\b/gi;
  const muted: Middleware = {
    name: 'muted',
    onChunk(chunk, { dialect }) {
      const { payload } = chunk;
      if (!payload || !dialect) return;
      return chunk.with({ payload: dialect.mapEventText(payload, (said) => said.replace(secret, '…')) });
    },
  };

  for (const middleware of [[], [muted]]) {
    test(`is on their spans, as the client ${middleware.length > 0 ? 'got it' : 'and the upstream said it'}`, async () => {
      await using stage = await startStage({
        otel: { ...inEvents, [variable]: 'SPAN_AND_EVENT', OTEL_TRACES_EXPORTER: 'otlp' },
        middleware,
      });
      const client = await openRealtime(stage.service.dataUrl, 'gpt-realtime', { 'x-request-id': 'talk' });
      const input = [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Tell me a story' }] },
      ];
      client.send({
        type: 'response.create',
        response: { instructions: 'Be brief.', output_modalities: ['text'], input },
      });
      await client.next('response.done');
      await client.close();
      await stage.spansOf('talk');
      const turn = only(stage.sink.spans().filter(({ attributes }) => attribute.sessionTurn in attributes));
      const told = contentOf(turn.attributes);
      assert.deepEqual(told[inputKey], [user('Tell me a story')]);
      assert.deepEqual(told[attribute.genAiSystemInstructions], [text('Be brief.')]);
      const said = client.said('response.output_text.delta');
      assert.ok(said.length > 0);
      assert.deepEqual(told[outputKey], [assistant(said)]);
      await stage.service.stop();
      const event = only(eventsOf(stage));
      assert.deepEqual([event.spanId, event.attributes[outputKey]], [turn.spanId, [assistant(said)]]);
    });
  }
});

describe('content that middleware takes out', () => {
  const redact = { middleware: [{ redact: { patterns: ['email'] } }] };

  for (const stream of [true, false]) {
    for (const gzip of [true, false]) {
      test(`is in no signal: ${gzip ? 'compressed ' : ''}${stream ? 'stream' : 'whole reply'}`, async () => {
        await using backend = await startBackend(['Ask an', 'n@exam', 'ple.org', ' about it.'], { gzip });
        await using stage = await startStage({
          upstreams: { default: backend.url },
          config: redact,
          otel: { ...inEvents, [variable]: 'SPAN_AND_EVENT', OTEL_TRACES_EXPORTER: 'otlp' },
        });
        const { id } = await stage.query(ask('I am bob@example.org', { stream }));
        const told = await contentOnSpan(stage, id);
        assert.match(JSON.stringify(told[inputKey]), /"I am [^@]+"/);
        assert.match(JSON.stringify(told[outputKey]), /"Ask [^@]+ about it\."/);
        assert.ok(!only(backend.seen).includes('bob@example.org'));
        await stage.service.stop();
        assert.equal(eventsOf(stage).length, 1);
        const signals = JSON.stringify([stage.sink.spans(), stage.sink.logs()]);
        assert.ok(!signals.includes('@example') && !signals.includes('nn@exam'));
      });
    }
  }

  test('is not there where it refuses the whole reply, or breaks', async () => {
    for (const afterResponse of [
      () => Reply.json(200, { choices: [{ message: { role: 'assistant', content: 'No.' } }] }),
      () => Reply.json(451, { error: { message: 'No.' } }),
      () => {
        throw new Error('broken');
      },
    ] satisfies Middleware['afterResponse'][]) {
      await using backend = await startBackend(['SECRET']);
      const guard: Middleware = { name: 'guard', afterResponse };
      await using stage = await startStage({
        upstreams: { default: backend.url },
        middleware: [guard],
        otel: onSpans,
      });
      const { id } = await stage.query(ask('Hello'));
      const told = await contentOnSpan(stage, id);
      assert.deepEqual(told[inputKey], [user('Hello')]);
      assert.ok(!JSON.stringify(told).includes('SECRET'));
    }
  });

  test('is not there where it drops events', async () => {
    await using backend = await startBackend(['Hi', 'SECRET', ' there']);
    const guard: Middleware = {
      name: 'guard',
      onChunk: (chunk) => (chunk.data.includes('SECRET') ? null : undefined),
    };
    await using stage = await startStage({
      upstreams: { default: backend.url },
      middleware: [guard],
      otel: onSpans,
    });
    const { id } = await stage.query(ask('Hello', { stream: true }));
    assert.deepEqual((await contentOnSpan(stage, id))[outputKey], [assistant('Hi there')]);
  });
});
