import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import { sendChat } from '../../support/chat-client.ts';
import type { ReceivedSpan } from '../../support/otlp-sink.ts';
import { type ExchangeSpans, only, type Stage, startStage } from '../stage.ts';

/** Attributes that the span has of those. */
function picked(span: ReceivedSpan, keys: readonly string[]) {
  return Object.fromEntries(keys.map((key) => [key, span.attributes[key]]));
}

function exceptions({ events }: ReceivedSpan) {
  return events.filter(({ name }) => name === 'exception').map(({ attributes }) => attributes);
}

describe('the spans of an exchange', async () => {
  const stage = await startStage();
  after(() => stage[Symbol.asyncDispose]());

  test('are a SERVER span and a CLIENT span below it', async () => {
    const { id, headers } = await stage.chat({ stream: true });
    const { server, clients, internals } = await stage.spansOf(id);
    const client = only(clients);
    assert.deepEqual(internals, []);
    assert.equal(server.name, 'POST /v1/chat/completions');
    assert.equal(client.name, 'chat gpt-4o');
    assert.equal(server.parentSpanId, undefined);
    assert.equal(client.traceId, server.traceId);
    assert.deepEqual([server.status.code, client.status.code], ['UNSET', 'UNSET']);
    assert.ok(server.startMs <= client.startMs && client.endMs <= server.endMs);
    assert.equal(headers.traceresponse, `00-${server.traceId}-${server.spanId}-01`);
    const entry = stage.simulator.journal.find(id);
    assert.equal(entry?.traceparent, `00-${client.traceId}-${client.spanId}-01`);
  });

  test('say what was asked for', async () => {
    const { id } = await stage.chat({
      stream: true,
      temperature: 0.25,
      top_p: 0.5,
      frequency_penalty: 0.125,
      presence_penalty: -0.5,
      stop: ['A', 'B'],
      seed: 42,
      n: 2,
      max_completion_tokens: 30,
    });
    const { server, clients } = await stage.spansOf(id);
    const { attributes } = only(clients);
    const asked = Object.entries(attributes).filter(([key]) => key.startsWith('gen_ai.request.'));
    assert.deepEqual(Object.fromEntries(asked), {
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.request.stream': true,
      'gen_ai.request.temperature': 0.25,
      'gen_ai.request.top_p': 0.5,
      'gen_ai.request.frequency_penalty': 0.125,
      'gen_ai.request.presence_penalty': -0.5,
      'gen_ai.request.stop_sequences': ['A', 'B'],
      'gen_ai.request.seed': 42,
      'gen_ai.request.choice.count': 2,
      'gen_ai.request.max_tokens': 30,
    });
    assert.deepEqual(
      picked(only(clients), [
        'gen_ai.operation.name',
        'gen_ai.provider.name',
        'server.address',
        'server.port',
      ]),
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'server.address': '127.0.0.1',
        'server.port': stage.simulator.port,
      },
    );
    assert.deepEqual(picked(server, ['http.request.method', 'url.path', 'url.scheme', 'http.route']), {
      'http.request.method': 'POST',
      'url.path': '/v1/chat/completions',
      'url.scheme': 'http',
      'http.route': '/v1/chat/completions',
    });
  });

  test('tell when the head and the first output of the reply came', async () => {
    const { id } = await stage.chat({ stream: true });
    const client = only((await stage.spansOf(id)).clients);
    const [head, first, ...others] = client.events;
    assert.ok(head && first && others.length === 0);
    assert.deepEqual([head.name, first.name], ['sightline.reply_head', 'sightline.first_chunk']);
    const seconds = client.attributes['gen_ai.response.time_to_first_chunk'];
    assert.ok(typeof seconds === 'number' && seconds > 0);
    assert.ok(Math.abs(first.timeMs - client.startMs - seconds * 1000) < 0.01);
    assert.ok(client.startMs < head.timeMs && head.timeMs <= first.timeMs);
  });

  test('are named by the route below an upstream of its own', async () => {
    const { id } = await stage.query(
      { model: 'claude-sonnet-4-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hello!' }] },
      { path: '/anthropic/v1/messages' },
    );
    const { server, clients } = await stage.spansOf(id);
    assert.equal(server.name, 'POST /anthropic/v1/messages');
    assert.equal(only(clients).name, 'chat claude-sonnet-4-5');
  });

  test('of a request that no dialect understands are named by its method', async () => {
    await stage.send('/v1/models?key=1', { headers: { 'x-request-id': 'models' } });
    const { server, clients } = await stage.spansOf('models');
    assert.equal(server.name, 'GET /*');
    assert.equal(only(clients).name, 'GET');
    assert.equal(server.attributes['url.path'], '/v1/models');
  });

  test('do not take over a method that is not of HTTP itself', async () => {
    await stage.send('/v1/things', { method: 'PROPFIND', headers: { 'x-request-id': 'propfind' } });
    const { server, clients } = await stage.spansOf('propfind');
    assert.equal(server.name, 'HTTP /*');
    assert.equal(only(clients).name, 'HTTP');
    assert.equal(server.attributes['http.request.method'], '_OTHER');
    assert.equal(server.attributes['http.request.method_original'], 'PROPFIND');
  });

  test('of a request that no upstream takes are one', async () => {
    await using elsewhere = await startStage({ config: { upstreams: { one: stage.simulator.url } } });
    await elsewhere.send('/v1/models', { headers: { 'x-request-id': 'nowhere' } });
    const { server, clients } = await elsewhere.spansOf('nowhere');
    assert.deepEqual(clients, []);
    assert.equal(server.attributes[attribute.outcome], 'blocked');
    assert.deepEqual(
      exceptions(server).map((one) => one['exception.type']),
      ['route_unknown'],
    );
  });
});

describe('the status of spans', async () => {
  const stage = await startStage({
    middleware: [
      {
        name: 'gate',
        beforeQuery(_query, exchange) {
          if (exchange.header('x-gate') === 'closed') throw new SightlineError('blocked');
          if (exchange.header('x-gate') === 'broken') throw new TypeError('SECRET of the gate');
        },
      },
    ],
  });
  after(() => stage[Symbol.asyncDispose]());

  interface Expected {
    readonly server: readonly [status: string, errorType: string | undefined];
    readonly client?: readonly [status: string, errorType: string | undefined];
    /** On the SERVER span. */
    readonly exception?: string;
  }

  const fine = ['UNSET', undefined] as const;
  const cases: Record<string, { query: Parameters<Stage['chat']>; expected: Expected }> = {
    completed: { query: [{}], expected: { server: fine, client: fine } },
    "the upstream refuses: the client's fault, not the server's": {
      query: [{ model: 'sim-status-429' }],
      expected: { server: fine, client: ['ERROR', 'rate_limit_exceeded'] },
    },
    'the upstream fails': {
      query: [{ model: 'sim-status-503' }],
      expected: { server: ['ERROR', '503'], client: ['ERROR', 'service_unavailable_error'] },
    },
    'an error in a stream that has begun': {
      query: [{ model: 'sim-error-event-2', stream: true }],
      expected: { server: fine, client: ['ERROR', 'server_error'] },
    },
    'the stream breaks off': {
      query: [{ model: 'sim-truncate-2', stream: true }],
      expected: {
        server: ['ERROR', 'upstream_truncated'],
        client: ['ERROR', 'upstream_truncated'],
        exception: 'upstream_truncated',
      },
    },
    'no reply comes': {
      query: [{ model: 'sim-close' }],
      expected: {
        server: ['ERROR', 'upstream_closed'],
        client: ['ERROR', 'upstream_closed'],
        exception: 'upstream_closed',
      },
    },
    'what comes is not HTTP': {
      query: [{ model: 'sim-garbage' }],
      expected: {
        server: ['ERROR', 'upstream_invalid_reply'],
        client: ['ERROR', 'upstream_invalid_reply'],
        exception: 'upstream_invalid_reply',
      },
    },
    'a middleware refuses': {
      query: [{}, { 'x-gate': 'closed' }],
      expected: { server: fine, exception: 'blocked' },
    },
    'a middleware fails': {
      query: [{}, { 'x-gate': 'broken' }],
      expected: { server: ['ERROR', 'middleware_failed'], exception: 'middleware_failed' },
    },
  };

  const told = (span: ReceivedSpan) => [span.status.code, span.attributes['error.type']];
  for (const [name, { query, expected }] of Object.entries(cases)) {
    test(name, async () => {
      const { id } = await stage.chat(...query);
      const { server, clients } = await stage.spansOf(id);
      assert.deepEqual(told(server), expected.server);
      assert.deepEqual(clients.map(told), expected.client ? [expected.client] : []);
      const codes = exceptions(server).map((one) => one['exception.type']);
      assert.deepEqual(codes, expected.exception === undefined ? [] : [expected.exception]);
    });
  }

  test('the client hangs up: nobody’s fault', async () => {
    const { request, head } = sendChat(stage.service, 'hung-up', 'sim-stall-2');
    await (await head).iterator({ destroyOnReturn: false }).next();
    request.destroy();
    const { server, clients } = await stage.spansOf('hung-up');
    assert.equal(server.attributes[attribute.outcome], 'client_aborted');
    assert.deepEqual([told(server), told(only(clients))], [fine, fine]);
    assert.deepEqual([...exceptions(server), ...exceptions(only(clients))], []);
  });

  test('an exception says where it happened, and not what it quoted', async () => {
    const { id } = await stage.chat({}, { 'x-gate': 'broken' });
    const { server, internals } = await stage.spansOf(id);
    for (const span of [server, only(internals)]) {
      const exception = only(exceptions(span));
      assert.equal(exception['exception.message'], "Middleware 'gate' failed.");
      assert.match(String(exception['exception.stacktrace']), /^TypeError\n {4}at .*spans\.test\.ts/);
      assert.doesNotMatch(JSON.stringify(exception), /SECRET/);
    }
  });
});

describe('middleware', () => {
  const calm: Middleware = { name: 'calm', beforeQuery: () => undefined, onChunk: () => undefined };
  const brittle: Middleware = {
    name: 'brittle',
    onFailure: 'continue',
    beforeQuery() {
      throw new Error('broken');
    },
  };
  const names = ({ internals }: ExchangeSpans) => internals.map(({ name }) => name);

  test('that took longer than the threshold has a span', async () => {
    await using stage = await startStage({
      config: { telemetry: { spanThresholdMs: 0 } },
      middleware: [calm],
    });
    const { id } = await stage.chat({ stream: true });
    const spans = await stage.spansOf(id);
    // Of the calls for single chunks there is a sum in the metrics, and no span.
    assert.deepEqual(names(spans), ['middleware calm before_query']);
    const span = only(spans.internals);
    assert.deepEqual(span.attributes, { 'sightline.middleware': 'calm', 'sightline.phase': 'before_query' });
    assert.ok(spans.server.startMs <= span.startMs && span.endMs <= spans.server.endMs);
    assert.equal(span.status.code, 'UNSET');
  });

  test('that took less has none, unless it failed', async () => {
    await using stage = await startStage({
      config: { telemetry: { spanThresholdMs: 3_600_000 } },
      middleware: [calm, brittle],
    });
    const { id, status } = await stage.chat();
    assert.equal(status, 200);
    const spans = await stage.spansOf(id);
    assert.deepEqual(names(spans), ['middleware brittle before_query']);
    const span = only(spans.internals);
    assert.deepEqual(span.status, { code: 'ERROR', message: 'middleware_failed' });
    assert.equal(span.attributes['error.type'], 'middleware_failed');
    assert.equal(only(exceptions(span))['exception.type'], 'middleware_failed');
    assert.equal(spans.server.status.code, 'UNSET');
  });
});
