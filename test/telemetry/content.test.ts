import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { attribute, logEvent } from '../../src/telemetry/names.ts';
import type { Attributes } from '../support/otlp-sink.ts';
import {
  ask,
  assistant,
  clientOf,
  contentOf,
  contentOnSpan,
  eventsOf,
  inEvents,
  inputKey,
  onSpans,
  startBackend,
  text,
  user,
  variable,
} from './content-stage.ts';
import { CapturedLog } from './logs/captured-log.ts';
import { only, startStage } from './stage.ts';

describe('content of prompts and replies', () => {
  for (const value of [undefined, '', 'NO_CONTENT', 'no_content', 'False']) {
    test(`is in no signal with ${value === undefined ? 'nothing set' : `'${value}'`}`, async () => {
      const otel = { OTEL_LOGS_EXPORTER: 'otlp', ...(value !== undefined && { [variable]: value }) };
      await using stage = await startStage({ otel });
      const { id } = await stage.chat();
      assert.deepEqual(await contentOnSpan(stage, id), {});
      await stage.service.stop();
      assert.deepEqual(eventsOf(stage), []);
    });
  }

  for (const [value, spans, events] of [
    ['SPAN_ONLY', true, false],
    ['EVENT_ONLY', false, true],
    ['Span_And_Event', true, true],
    ['true', true, true],
  ] as const) {
    test(`is where '${value}' says, and never on standard output`, async () => {
      const stdout = new CapturedLog();
      await using stage = await startStage({
        stdout,
        otel: { [variable]: value, OTEL_LOGS_EXPORTER: 'otlp' },
      });
      const { id } = await stage.chat({
        model: 'sim-tokens-2',
        messages: [{ role: 'user', content: 'Plain words' }],
      });
      assert.equal(inputKey in (await contentOnSpan(stage, id)), spans);
      await stage.service.stop();
      assert.equal(eventsOf(stage).length, events ? 1 : 0);
      assert.ok(stdout.exchanges.length > 0);
      const others = stage.sink.logs().filter(({ eventName }) => eventName !== logEvent.inferenceDetails);
      assert.ok(!JSON.stringify([stdout.records, others]).includes('Plain words'));
    });
  }

  test('is refused at the start where nobody knows what is meant', async () => {
    await assert.rejects(startStage({ otel: { [variable]: 'SPANS' } }), (error: Error) => {
      assert.match(error.message, /OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT.*'SPANS'.*SPAN_ONLY/s);
      return true;
    });
  });

  test('is told at the start, and so is that nobody takes it', async () => {
    const said = async (otel: Record<string, string>) => {
      const stdout = new CapturedLog();
      await using stage = await startStage({ stdout, otel });
      await stage.service.stop();
      return stdout.records
        .map(({ level, msg }) => `${level} ${msg}`)
        .filter((line) => line.includes('prompts'));
    };
    assert.deepEqual(await said({}), []);
    assert.deepEqual(await said(onSpans), ['info prompts and replies are told: on spans']);
    assert.match(String(await said({ [variable]: 'EVENT_ONLY' })), /^warn .*OTEL_LOGS_EXPORTER names nobody/);
  });

  test('is on the span of the attempt as JSON, and in /api/traces', async () => {
    await using backend = await startBackend(['Hi', ' there']);
    await using stage = await startStage({ upstreams: { default: backend.url }, otel: onSpans });
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
    const { id } = await stage.query(ask('Hello', { tools }));
    const { server, clients } = await stage.spansOf(id);
    assert.deepEqual(contentOf(server.attributes), {});
    const expected = {
      [attribute.genAiInputMessages]: [user('Hello')],
      [attribute.genAiOutputMessages]: [assistant('Hi there')],
      [attribute.genAiToolDefinitions]: [{ type: 'function', name: 'look', parameters: { type: 'object' } }],
    };
    assert.deepEqual(contentOf(only(clients).attributes), expected);
    assert.ok(!(attribute.contentTruncated in only(clients).attributes));
    const { body } = await stage.json<{ spans: { attributes: Attributes }[] }>(
      `/api/traces/${server.traceId}`,
    );
    assert.ok(body.spans.some(({ attributes }) => inputKey in attributes));
  });

  test('is a log record with structure and the context of its span', async () => {
    await using stage = await startStage({ otel: { ...inEvents, OTEL_TRACES_EXPORTER: 'otlp' } });
    const body = {
      model: 'sim-tokens-2',
      max_tokens: 9,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Hi' }],
    };
    const { id } = await stage.query(body, { path: '/anthropic/v1/messages' });
    const span = await clientOf(stage, id);
    const event = await stage.sink.waitFor(() => eventsOf(stage)[0]);
    assert.deepEqual([event.severityText, event.traceId, event.spanId], ['DEBUG', span.traceId, span.spanId]);
    const { attributes } = event;
    assert.deepEqual(attributes[attribute.genAiInputMessages], [user('Hi')]);
    assert.deepEqual(attributes[attribute.genAiSystemInstructions], [text('Be brief.')]);
    for (const key of [
      attribute.genAiOperationName,
      attribute.genAiRequestModel,
      attribute.genAiUsageInputTokens,
    ])
      assert.equal(attributes[key], span.attributes[key]);
    const [message] = attributes[attribute.genAiOutputMessages] as { parts: unknown[] }[];
    assert.equal(message?.parts.length, 1);
  });

  test('is read for sampled exchanges only, but for log records of all', async () => {
    const sampler = { OTEL_TRACES_SAMPLER: 'always_off' };
    let reads = 0;
    const { content } = openaiChat;
    assert.ok(content);
    const original = content.readInput;
    Object.assign(content, {
      readInput: (payload: Parameters<typeof original>[0]) => {
        reads += 1;
        return original(payload);
      },
    });
    try {
      for (const [otel, expected] of [
        [{ ...onSpans, ...sampler }, 0],
        [{ ...onSpans, OTEL_SDK_DISABLED: 'true' }, 0],
        [{ [variable]: 'EVENT_ONLY' }, 0],
        [{}, 0],
        [{ ...inEvents, ...sampler }, 1],
      ] as const) {
        reads = 0;
        await using stage = await startStage({ otel });
        await stage.chat({ model: 'sim-tokens-2' });
        await stage.service.stop();
        assert.equal(reads, expected, JSON.stringify(otel));
      }
    } finally {
      Object.assign(content, { readInput: original });
    }
  });
});
