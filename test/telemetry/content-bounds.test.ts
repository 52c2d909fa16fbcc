import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { attribute } from '../../src/telemetry/names.ts';
import {
  clientOf,
  contentOf,
  eventsOf,
  inEvents,
  inputKey,
  keys,
  onSpans,
  outputKey,
  startBackend,
  user,
} from './content-stage.ts';
import { only, startStage } from './stage.ts';

describe('long content', () => {
  const long = `${'long "words"\n '.repeat(20_000)}the end`;

  const told = async (otel: Record<string, string>, limits = {}) => {
    await using backend = await startBackend([long]);
    await using stage = await startStage({ upstreams: { default: backend.url }, otel, config: { limits } });
    const messages = ['Oldest', long, 'Newest'].map((content) => ({ role: 'user', content }));
    const { id } = await stage.query({ model: 'm', messages });
    await stage.service.stop();
    const found = stage.sink.spans().find(({ attributes }) => inputKey in attributes);
    return found ?? only(eventsOf(stage).filter(({ attributes }) => attributes[attribute.exchangeId] === id));
  };

  test('is cut to valid JSON with the newest messages, and said so', async () => {
    for (const [otel, charsMax, valueCharsMax] of [
      [onSpans, 65_536, 65_536],
      [{ ...onSpans, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1000' }, 65_536, 1_000],
      [{ ...onSpans, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '700' }, 65_536, 700],
      [onSpans, 2_000, 2_000],
    ] as const) {
      const { attributes } = await told(otel, { contentCharsMax: charsMax });
      const json = keys.map((key) => String(attributes[key] ?? ''));
      assert.ok(json.join('').length <= charsMax);
      for (const one of json) assert.ok(one.length <= valueCharsMax);
      assert.ok(Number(json[1]?.length) > Math.min(charsMax / 2, valueCharsMax) - 30);
      const messages = contentOf(attributes)[inputKey] as ReturnType<typeof user>[];
      assert.deepEqual(messages.at(-1), user('Newest'));
      assert.ok(long.startsWith(String(messages.at(-2)?.parts[0]?.content)));
      assert.equal(attributes[attribute.contentTruncated], true);
    }
  });

  test('is cut the same in log records', async () => {
    for (const [limit, charsMax] of [
      [undefined, 32_000],
      ['500', 500],
    ] as const) {
      const otel = { ...inEvents, ...(limit && { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: limit }) };
      const { attributes } = await told(otel);
      const { length } = JSON.stringify(attributes[outputKey]);
      assert.ok(length > charsMax - 50 && length <= Math.max(charsMax, 65_536));
      assert.equal(attributes[attribute.contentTruncated], true);
    }
  });

  test('is exported in small batches, unless a variable says otherwise', async () => {
    const largest = async (otel: Record<string, string>) => {
      await using stage = await startStage({ otel: { OTEL_BSP_SCHEDULE_DELAY: '600000', ...otel } });
      for (let i = 0; i < 40; i += 1) await stage.chat({ model: 'sim-tokens-2' });
      await stage.service.stop();
      assert.equal(stage.sink.spans().length, 80);
      return stage.sink.requests.length;
    };
    assert.equal(await largest(onSpans), 3);
    assert.equal(await largest({}), 1);
    assert.equal(await largest({ ...onSpans, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '80' }), 1);
  });
});

test('a fault in reading content costs the content and nothing else', async () => {
  const { content } = openaiChat;
  assert.ok(content);
  const original = { ...content };
  const fault = () => {
    throw new Error('fault');
  };
  try {
    for (const broken of [
      { readInput: fault },
      { collect: fault },
      { collect: () => ({ event: fault, whole: fault, messages: fault }) },
      { collect: () => ({ event: () => undefined, whole: () => undefined, messages: fault }) },
    ]) {
      Object.assign(content, original, broken);
      await using stage = await startStage({ otel: onSpans });
      for (const stream of [true, false]) {
        const { id, isClean } = await stage.chat({ model: 'sim-tokens-2', stream });
        const { attributes } = await clientOf(stage, id);
        assert.equal(isClean, true);
        assert.deepEqual(
          [
            attributes[attribute.outcome],
            attributes[attribute.unobserved],
            attributes[attribute.contentTruncated],
          ],
          ['completed', undefined, true],
        );
        assert.equal(keys.filter((key) => key in attributes).length, 1);
      }
    }
  } finally {
    Object.assign(content, original);
  }
});
