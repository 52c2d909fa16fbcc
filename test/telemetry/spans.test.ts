import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SightlineError } from '../../src/errors.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { attribute, scope } from '../../src/telemetry/names.ts';
import { sendChat } from '../support/chat-client.ts';
import type { ReceivedSpan } from '../support/otlp-sink.ts';
import { runNode } from '../support/run-process.ts';
import { type ExchangeSpans, type Stage, startStage } from './stage.ts';

function only<Item>(list: readonly Item[]): Item {
  const [first] = list;
  assert.ok(first !== undefined && list.length === 1, `one, not ${list.length}`);
  return first;
}

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

  test('tell when the first output came', async () => {
    const { id } = await stage.chat({ stream: true });
    const client = only((await stage.spansOf(id)).clients);
    const event = only(client.events);
    assert.equal(event.name, 'sightline.first_chunk');
    const seconds = client.attributes['gen_ai.response.time_to_first_chunk'];
    assert.ok(typeof seconds === 'number' && seconds > 0);
    assert.ok(Math.abs(event.timeMs - client.startMs - seconds * 1000) < 0.01);
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

const traceId = 'ab'.repeat(16);
const parentId = 'cd'.repeat(8);
const traceparent = `00-${traceId}-${parentId}-01`;

/** What the upstream gets of a request with these headers, and what the collector gets. */
async function forwarded(stage: Stage, id: string, headers: Record<string, string | string[]>) {
  const { text, headers: replied } = await stage.send('/echo/x', {
    headers: { 'x-request-id': id, ...headers },
  });
  const { rawHeaders } = JSON.parse(text) as { rawHeaders: string[] };
  const received = (name: string) => rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1] === name);
  return { received, traceresponse: replied.traceresponse };
}

describe("a client's trace", () => {
  const sent = { traceparent, tracestate: ['one=1', 'two=2'], baggage: 'user=1' };

  test('is ours too, as configured by default', async () => {
    await using stage = await startStage();
    const { received } = await forwarded(stage, 'parent', sent);
    const { server, clients } = await stage.spansOf('parent');
    const client = only(clients);
    assert.deepEqual([server.traceId, server.parentSpanId], [traceId, parentId]);
    assert.deepEqual(server.links, []);
    assert.equal(server.traceState, 'one=1,two=2');
    assert.deepEqual(received('traceparent'), [`00-${traceId}-${client.spanId}-01`]);
    assert.deepEqual(received('tracestate'), ['one=1,two=2']);
    assert.deepEqual(received('baggage'), ['user=1']);
  });

  test('is linked to', async () => {
    await using stage = await startStage({ config: { telemetry: { clientTrace: 'link' } } });
    const { received } = await forwarded(stage, 'link', sent);
    const { server, clients } = await stage.spansOf('link');
    assert.notEqual(server.traceId, traceId);
    assert.equal(server.parentSpanId, undefined);
    assert.deepEqual(server.links, [{ traceId, spanId: parentId, attributes: {} }]);
    assert.deepEqual(received('traceparent'), [`00-${server.traceId}-${only(clients).spanId}-01`]);
    assert.deepEqual(received('tracestate'), [], 'it belongs to a trace that this is not');
    assert.deepEqual(received('baggage'), ['user=1']);
  });

  test('is ignored', async () => {
    await using stage = await startStage({ config: { telemetry: { clientTrace: 'ignore' } } });
    const { received } = await forwarded(stage, 'ignore', sent);
    const { server, clients } = await stage.spansOf('ignore');
    assert.notEqual(server.traceId, traceId);
    assert.deepEqual([server.parentSpanId, server.links], [undefined, []]);
    assert.deepEqual(received('traceparent'), [`00-${server.traceId}-${only(clients).spanId}-01`]);
    assert.deepEqual(received('tracestate'), []);
  });

  test('that makes no sense is none', async () => {
    await using stage = await startStage();
    const broken = ['00-0-0-01', `00-${'0'.repeat(32)}-${parentId}-01`, `ff-${traceId}-${parentId}-01`, ''];
    for (const [i, value] of broken.entries()) {
      const { received } = await forwarded(stage, `broken-${i}`, { traceparent: value, tracestate: 'one=1' });
      const { server, clients } = await stage.spansOf(`broken-${i}`);
      assert.equal(server.parentSpanId, undefined, value);
      assert.deepEqual(received('traceparent'), [`00-${server.traceId}-${only(clients).spanId}-01`]);
      assert.deepEqual(received('tracestate'), []);
    }
  });
});

describe('the standard variables', () => {
  const requests = (stage: Stage, signal: string) =>
    stage.sink.requests.filter((one) => one.signal === signal);

  /** Three exchanges; everything that is exported has been when this resolves. */
  async function run(stage: Stage, headers = {}) {
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push(await stage.chat({ stream: i === 1 }, headers));
    const page = await stage.page();
    await stage.service.stop();
    return { answers, count: page.get('http_server_request_duration_seconds')?.samples.at(-1)?.value };
  }

  test('OTEL_TRACES_SAMPLER=always_off: nothing is exported, everything is measured', async () => {
    await using stage = await startStage({ otel: { OTEL_TRACES_SAMPLER: 'always_off' } });
    const answer = await forwarded(stage, 'off', {});
    assert.match(answer.received('traceparent')[0] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    assert.match(answer.traceresponse as string, /-00$/);
    assert.deepEqual(stage.service.telemetry.traces.list(10), []);
    await stage.chat();
    const page = await stage.page();
    assert.equal(page.get('http_server_request_duration_seconds')?.samples.length, 2 * 19);
    await stage.service.stop();
    assert.deepEqual(requests(stage, 'traces'), []);
  });

  test('OTEL_TRACES_SAMPLER=traceidratio: what says that it is sampled is what is exported', async () => {
    await using stage = await startStage({
      otel: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
    });
    const sampled: string[] = [];
    for (let i = 0; i < 40; i += 1) {
      const { headers } = await stage.chat();
      const [, trace = '', , flags] = String(headers.traceresponse).split('-');
      if (flags === '01') sampled.push(trace);
    }
    const page = await stage.page();
    assert.equal(page.get('http_server_request_duration_seconds')?.samples.at(-1)?.value, 40);
    await stage.service.stop();
    const exported = stage.sink.spans().filter(({ kind }) => kind === 'SERVER');
    assert.deepEqual(exported.map((span) => span.traceId).toSorted(), sampled.toSorted());
    assert.ok(sampled.length > 0 && sampled.length < 40);
  });

  test('a client that does not sample is not sampled here either', async () => {
    await using stage = await startStage();
    const { received } = await forwarded(stage, 'unsampled', { traceparent: `00-${traceId}-${parentId}-00` });
    assert.match(received('traceparent')[0] ?? '', new RegExp(`^00-${traceId}-.*-00$`));
    await stage.service.stop();
    assert.deepEqual(requests(stage, 'traces'), []);
  });

  test('OTEL_SDK_DISABLED: the client’s headers pass untouched, and nothing is told', async () => {
    await using stage = await startStage({
      otel: { OTEL_SDK_DISABLED: 'true', OTEL_METRICS_EXPORTER: 'otlp' },
    });
    const { received, traceresponse } = await forwarded(stage, 'disabled', {
      traceparent,
      tracestate: ['one=1', 'two=2'],
    });
    assert.deepEqual(received('traceparent'), [traceparent]);
    assert.deepEqual(received('tracestate'), ['one=1', 'two=2']);
    assert.equal(traceresponse, undefined);
    const { answers } = await run(stage);
    assert.deepEqual(
      answers.map(({ status, isClean, headers }) => [status, isClean, headers.traceresponse]),
      Array(3).fill([200, true, undefined]),
    );
    assert.deepEqual(stage.sink.requests, []);
  });

  test('OTEL_TRACES_EXPORTER=none: the traces of this process are kept all the same', async () => {
    await using stage = await startStage({ otel: { OTEL_TRACES_EXPORTER: 'none' } });
    await stage.chat();
    assert.equal(stage.service.telemetry.traces.list(10).length, 1);
    assert.deepEqual((await stage.service.telemetry.state()).traces, []);
    await stage.service.stop();
    assert.deepEqual(stage.sink.requests, []);
  });

  test('name the service and describe its resource', async () => {
    await using stage = await startStage({
      otel: {
        OTEL_SERVICE_NAME: 'model-gateway',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=overruled,team=a%20b',
      },
    });
    const { server } = await stage.spansOf((await stage.chat()).id);
    assert.deepEqual(picked(server, []), {});
    const { resource } = server;
    assert.equal(resource['service.name'], 'model-gateway');
    assert.equal(resource['deployment.environment.name'], 'test');
    assert.equal(resource.team, 'a b');
    const labels = (await stage.page()).get('target_info')?.samples[0]?.labels;
    assert.equal(labels?.service_name, 'model-gateway');
    assert.equal(labels?.deployment_environment_name, 'test');
  });

  test('leave the service its own name where they have none', async () => {
    await using stage = await startStage({ otel: { OTEL_RESOURCE_ATTRIBUTES: 'team=a' } });
    const { server } = await stage.spansOf((await stage.chat()).id);
    assert.equal(server.resource['service.name'], 'sightline');
    assert.equal(server.resource['service.version'], scope.version);
    assert.equal(server.resource.team, 'a');
    await using named = await startStage({ otel: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' } });
    assert.equal((await named.spansOf((await named.chat()).id)).server.resource['service.name'], 'other');
  });

  test('give the exporter its headers and its protocol', async () => {
    await using stage = await startStage({
      otel: {
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue,authorization=Basic%20abc',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_METRICS_EXPORTER: 'otlp',
      },
    });
    await run(stage);
    for (const { headers, contentType, contentEncoding, signal } of stage.sink.requests) {
      assert.deepEqual([headers['x-tenant'], headers.authorization], ['blue', 'Basic abc']);
      const expected = signal === 'traces' ? 'application/x-protobuf' : 'application/json';
      assert.deepEqual([contentType, contentEncoding], [expected, 'gzip']);
    }
    assert.ok(requests(stage, 'traces').length > 0 && requests(stage, 'metrics').length > 0);
    const pushed = stage.sink.metrics().filter(({ name }) => name === 'http.server.request.duration');
    assert.equal(
      pushed.at(-1)?.points.reduce((sum, { count = 0 }) => sum + count, 0),
      3,
    );
  });

  test('OTEL_PROPAGATORS=b3: the trace comes and goes in the form of Zipkin', async () => {
    await using stage = await startStage({ otel: { OTEL_PROPAGATORS: 'b3' } });
    const { received } = await forwarded(stage, 'b3', { b3: `${traceId}-${parentId}-1` });
    const { server, clients } = await stage.spansOf('b3');
    assert.deepEqual([server.traceId, server.parentSpanId], [traceId, parentId]);
    assert.deepEqual(received('b3'), [`${traceId}-${only(clients).spanId}-1`]);
  });

  test('OTEL_TRACES_EXPORTER=console: spans stand on standard output', async () => {
    await using service = runNode([fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
      cwd: tmpdir(),
      env: { SIGHTLINE_PORT: '0', SIGHTLINE_ADMIN_PORT: '0', OTEL_TRACES_EXPORTER: 'console' },
    });
    const [, url] = await service.waitForLine(/data (http:\S+)/);
    await (await fetch(`${url}/v1/models`)).text();
    await service.waitForLine(/name: 'GET \/\*'/);
  });

  test('what they name wrongly is told in one line, without a stack', async () => {
    await using service = runNode([fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
      cwd: tmpdir(),
      env: { SIGHTLINE_PORT: '0', SIGHTLINE_ADMIN_PORT: '0', OTEL_TRACES_EXPORTER: 'jaeger' },
    });
    assert.equal((await service.waitForExit()).code, 1);
    assert.match(
      service.stderr,
      /OTEL_TRACES_EXPORTER: 'jaeger' is not known; expected one of otlp, console, none/,
    );
    assert.doesNotMatch(service.stderr, /^\s+at /m);
  });

  const refused: [variable: string, value: string, expected: RegExp][] = [
    [
      'OTEL_TRACES_EXPORTER',
      'jaeger',
      /OTEL_TRACES_EXPORTER: 'jaeger' is not known; expected .*otlp, console, none/,
    ],
    ['OTEL_TRACES_EXPORTER', 'otlp,zipkin', /OTEL_TRACES_EXPORTER: 'zipkin' is not known/],
    ['OTEL_METRICS_EXPORTER', 'statsd', /OTEL_METRICS_EXPORTER: 'statsd' is not known/],
    [
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'http/xml',
      /OTEL_EXPORTER_OTLP_PROTOCOL: 'http\/xml' is not known; expected .*grpc/,
    ],
    [
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
      'toString',
      /OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'toString' is not known/,
    ],
  ];
  for (const [variable, value, expected] of refused) {
    test(`${variable}=${value} ends the start, and says what was expected`, async () => {
      await assert.rejects(startStage({ otel: { [variable]: value } }), {
        name: 'ConfigError',
        message: expected,
      });
    });
  }
});

describe('the length of an attribute', () => {
  const path = `/echo/${'x'.repeat(200)}`;
  async function lengthOfPath(options: Parameters<typeof startStage>[0]): Promise<number> {
    await using stage = await startStage(options);
    await stage.send(path, { headers: { 'x-request-id': 'long' } });
    return String((await stage.spansOf('long')).server.attributes['url.path']).length;
  }

  test('is bounded by the configuration', async () => {
    assert.equal(await lengthOfPath({ config: { limits: { attributeCharsMax: 50 } } }), 50);
    assert.equal(await lengthOfPath({}), path.length);
  });

  test('is bounded by the standard variables where they are set', async () => {
    assert.equal(await lengthOfPath({ otel: { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '30' } }), 30);
    assert.equal(await lengthOfPath({ otel: { OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '40' } }), 40);
  });
});
