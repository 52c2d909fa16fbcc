import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { startOtlpSink } from './otlp-sink.ts';

const sink = await startOtlpSink({ slowMs: 50 });
after(() => sink.close());

/** Sends through the official exporter, set up as a user would. */
async function exported(environment: Record<string, string>, record: () => void): Promise<void> {
  const before = { ...process.env };
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_LOGS_EXPORTER: 'none',
    ...environment,
  });
  const sdk = new NodeSDK({ autoDetectResources: true });
  sdk.start();
  record();
  await sdk.shutdown();
  trace.disable();
  metrics.disable();
  process.env = before;
}

const context = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };

function recordSpans(): void {
  const tracer = trace.getTracer('tests');
  const parent = tracer.startSpan('parent', {
    kind: SpanKind.SERVER,
    startTime: 1_700_000_000_123.25,
    links: [{ context, attributes: { why: 'because' } }],
    attributes: {
      text: 'ä',
      whole: 9_007_199_254_740_991,
      negative: -5,
      part: 0.5,
      yes: true,
      no: false,
      list: ['a', 'b'],
    },
  });
  parent.addEvent('first', { index: 0 }, 1_700_000_000_124);
  parent.setStatus({ code: SpanStatusCode.ERROR, message: 'broken' });
  parent.end(1_700_000_000_130.75);
}

function recordMetrics(): void {
  const meter = metrics.getMeter('tests');
  meter.createCounter('count', { unit: '{thing}' }).add(3, { kind: 'a' });
  const histogram = meter.createHistogram('size', {
    unit: 's',
    advice: { explicitBucketBoundaries: [1, 10] },
  });
  for (const value of [0.5, 5, 50, 60]) histogram.record(value);
}

for (const protocol of ['http/json', 'http/protobuf']) {
  for (const compression of ['none', 'gzip']) {
    test(`${protocol} with compression ${compression} is understood`, async () => {
      sink.clear();
      const environment = {
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: compression,
        OTEL_SERVICE_NAME: 'sink-test',
        OTEL_METRICS_EXPORTER: 'otlp',
      };
      await exported(environment, () => {
        recordSpans();
        recordMetrics();
      });

      const [span, ...others] = await sink.waitForSpans(1);
      assert.deepEqual(others, []);
      assert.equal(span?.resource['service.name'], 'sink-test');
      assert.match(span.traceId, /^[0-9a-f]{32}$/);
      assert.match(span.spanId, /^[0-9a-f]{16}$/);
      assert.deepEqual(
        { ...span, traceId: '', spanId: '', resource: {} },
        {
          traceId: '',
          spanId: '',
          parentSpanId: undefined,
          traceState: '',
          name: 'parent',
          kind: 'SERVER',
          startMs: 1_700_000_000_123.25,
          endMs: 1_700_000_000_130.75,
          attributes: {
            text: 'ä',
            whole: 9_007_199_254_740_991,
            negative: -5,
            part: 0.5,
            yes: true,
            no: false,
            list: ['a', 'b'],
          },
          events: [{ name: 'first', timeMs: 1_700_000_000_124, attributes: { index: 0 } }],
          links: [{ traceId: context.traceId, spanId: context.spanId, attributes: { why: 'because' } }],
          status: { code: 'ERROR', message: 'broken' },
          resource: {},
          scope: 'tests',
        },
      );

      const points = sink.metrics().map(({ name, unit, type, points }) => ({ name, unit, type, points }));
      assert.deepEqual(points, [
        { name: 'count', unit: '{thing}', type: 'sum', points: [{ attributes: { kind: 'a' }, value: 3 }] },
        {
          name: 'size',
          unit: 's',
          type: 'histogram',
          points: [{ attributes: {}, count: 4, sum: 115.5, bounds: [1, 10], counts: [1, 1, 2] }],
        },
      ]);
      const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
      assert.ok(sink.requests.every(({ contentType }) => contentType === type));
      assert.ok(sink.requests.every(({ contentEncoding }) => (contentEncoding ?? 'none') === compression));
    });
  }
}

describe('the sink', () => {
  const span = {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    name: 'a',
    startTimeUnixNano: '1',
    endTimeUnixNano: 2,
  };
  const body = { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
  const post = (path: string, content: unknown, signal?: AbortSignal) =>
    fetch(`${sink.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(content),
      ...(signal && { signal }),
    });

  test('tells as soon as the spans that are waited for have come', async () => {
    sink.clear();
    const waiting = sink.waitForSpans((spans) => spans.some(({ name }) => name === 'a'));
    await post('/v1/traces', body);
    assert.equal((await waiting)[0]?.kind, 'UNSPECIFIED');
  });

  test('says what came instead, where the time is up', async () => {
    sink.clear();
    await post('/v1/traces', body);
    await assert.rejects(
      sink.waitForSpans(2, { timeoutMs: 20 }),
      /not received within 20 ms; .* 1 spans \(UNSPECIFIED a\)/,
    );
  });

  test('refuses, delays and hangs when told to, and counts each', async () => {
    sink.clear();
    sink.mode = 'refuse';
    assert.equal((await post('/v1/traces', body)).status, 503);
    sink.mode = 'slow';
    const begin = performance.now();
    assert.equal((await post('/v1/traces', body)).status, 200);
    assert.ok(performance.now() - begin >= 45);
    sink.mode = 'hang';
    await assert.rejects(post('/v1/traces', body, AbortSignal.timeout(50)), { name: 'TimeoutError' });
    sink.mode = 'ok';
    assert.deepEqual(
      sink.requests.map(({ mode }) => mode),
      ['refuse', 'slow', 'hang'],
    );
    assert.equal(sink.spans().length, 1);
  });

  test('fails the test where an export is wrong', async () => {
    for (const [path, content] of [
      ['/v1/nothing', {}],
      ['/v1/traces', 'no message'],
      ['/v1/traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, traceId: 'abc' }] }] }] }],
    ] as const) {
      sink.clear();
      assert.equal((await post(path, content)).status, 400);
      assert.throws(() => sink.spans(), /an export is not right/);
    }
    sink.clear();
    assert.deepEqual(sink.spans(), []);
  });

  test('closes at once, also on those it keeps waiting', async () => {
    const other = await startOtlpSink({ mode: 'hang' });
    const pending = fetch(`${other.url}/v1/logs`, { method: 'POST', body: '' }).catch(() => 'closed');
    while (other.requests.length === 0) await delay(1);
    await other.close();
    await other.close();
    assert.equal(await pending, 'closed');
  });
});
