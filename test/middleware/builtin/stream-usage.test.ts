import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Query } from '../../../src/exchange/query.ts';
import { createMiddleware } from '../../../src/middleware/builtin/index.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import { sampleExchange, sampleQuery } from '../../exchange/samples.ts';
import { startService } from '../../support/service.ts';
import { startBackend, startProxy, type TestProxy } from '../proxy.ts';

const messages = [{ role: 'user', content: 'Tell me about the weather.' }];
const queries = {
  'a chat': { path: '/v1/chat/completions', payload: { model: 'gpt-4o', stream: true, messages } },
  'two choices': { path: '/v1/chat/completions', payload: { model: 'gpt-4o', n: 2, stream: true, messages } },
  'a completion': {
    path: '/v1/completions',
    payload: { model: 'gpt-3.5-turbo-instruct', stream: true, prompt: 'Once upon a time' },
  },
  'options without usage': {
    path: '/v1/chat/completions',
    payload: { model: 'gpt-4o', stream: true, messages, stream_options: { include_usage: false } },
  },
} as const;

/** Input and output tokens of an exchange's attempt. */
function tokensOf({ service }: TestProxy, traceId: string | undefined): unknown[] {
  const spans = service.telemetry.traces.get(traceId ?? '')?.spans ?? [];
  const client = spans.find(({ kind }) => kind === 'CLIENT');
  return [attribute.genAiUsageInputTokens, attribute.genAiUsageOutputTokens].map(
    (key) => client?.attributes[key],
  );
}

describe('stream-usage', () => {
  for (const [what, { path, payload }] of Object.entries(queries)) {
    it(`reports the usage of ${what}, and the client sees byte for byte what it sees without`, async () => {
      await using plain = await startProxy({});
      await using asking = await startProxy({ builtin: ['stream-usage'] });
      const before = await plain.ask(payload, { path });
      const after = await asking.ask(payload, { path });
      assert.equal(after.bytes.toString(), before.bytes.toString());
      assert.ok(after.isClean && !after.bytes.includes('"usage"'));
      const untold = await plain.endings.of(before.id);
      assert.deepEqual(tokensOf(plain, untold.traceId), [undefined, undefined]);
      const told = await asking.endings.of(after.id);
      const [entry] = await asking.simulator.journal.settled();
      assert.ok(entry?.tokens.output);
      assert.deepEqual(tokensOf(asking, told.traceId), [entry.tokens.input, entry.tokens.output]);
    });
  }

  it('leaves everything to a client that asks itself', async () => {
    await using plain = await startProxy({});
    await using asking = await startProxy({ builtin: ['stream-usage'] });
    const payload = { ...queries['a chat'].payload, stream_options: { include_usage: true } };
    const before = await plain.ask(payload);
    const after = await asking.ask(payload);
    assert.equal(after.bytes.toString(), before.bytes.toString());
    assert.match(after.bytes.toString(), /"usage":\{"prompt_tokens"/);
  });

  it('keeps other options of the stream', async () => {
    const [middleware] = createMiddleware([{ name: 'stream-usage', options: undefined }]);
    const payload = { ...queries['a chat'].payload, stream_options: { include_obfuscation: false } };
    const exchange = sampleExchange();
    exchange.query = { stream: true };
    const query = await middleware?.beforeQuery?.(sampleQuery(payload), exchange.view);
    assert.ok(query instanceof Query);
    assert.deepEqual(query.payload, {
      ...payload,
      stream_options: { include_obfuscation: false, include_usage: true },
    });
  });

  it('leaves alone what reports its usage anyway: whole replies, and other dialects', async () => {
    await using plain = await startProxy({});
    await using asking = await startProxy({ builtin: ['stream-usage'] });
    const claude = { model: 'claude-sonnet-4-5', max_tokens: 100, stream: true, messages };
    for (const [payload, path] of [
      [{ model: 'gpt-4o', messages }, '/v1/chat/completions'],
      [claude, '/v1/messages'],
      [{ model: 'gpt-4o', stream: true, input: 'Hello!' }, '/v1/responses'],
      [{ model: 'text-embedding-3-small', input: 'Hello!' }, '/v1/embeddings'],
    ] as const) {
      const before = await plain.ask(payload, { path });
      const after = await asking.ask(payload, { path });
      assert.ok(after.bytes.equals(before.bytes), path);
    }
    const sent = [plain, asking].map(({ simulator }) =>
      simulator.journal.entries().map((one) => one.requestSha256),
    );
    assert.deepEqual(sent[0], sent[1]);
  });

  it('takes out what it asked for and nothing else, wherever a backend puts it', async () => {
    const chunk = (members: string) => `data: ${members}\n\n`;
    const kept = [
      chunk('{"id":"1","choices":[],"prompt_filter_results":[{"prompt_index":0}]}'),
      chunk(String.raw`{"id":"1","choices":[{"index":0,"delta":{"content":"say \",\"usage\":null\""}}]}`),
      chunk('{"id":"1","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}]}'),
    ];
    const asked = [
      chunk('{"id":"1","choices":[],"prompt_filter_results":[{"prompt_index":0}],"usage":null}'),
      chunk(
        String.raw`{"usage": null, "id":"1","choices":[{"index":0,"delta":{"content":"say \",\"usage\":null\""}}]}`,
      ),
      chunk(
        '{"id":"1","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}] , "usage" : null}',
      ),
      chunk('{"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'),
    ];
    const body = [...asked, chunk('[DONE]')].join('');
    await using backend = await startBackend({ type: 'text/event-stream', body });
    await using service = await startService({
      config: { upstreams: { default: backend.url }, middleware: ['stream-usage'] },
    });
    const response = await fetch(`${service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(queries['a chat'].payload),
    });
    assert.equal(await response.text(), [...kept, chunk('[DONE]')].join(''));
  });

  it('has no options', () => {
    assert.throws(() => createMiddleware([{ name: 'stream-usage', options: { ask: true } }]), {
      message: 'middleware[0].stream-usage: Unrecognized key: "ask"',
    });
  });
});
