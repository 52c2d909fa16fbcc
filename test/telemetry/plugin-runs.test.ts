import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { SightlineError } from '../../src/errors.ts';
import type { MiddlewareRun } from '../../src/exchange/exchange.ts';
import type { Owner } from '../../src/exchange/owner.ts';
import type { ExchangeView } from '../../src/exchange/view.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Service } from '../../src/service.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { sampleExchange } from '../exchange/samples.ts';
import { type Page, total } from './prometheus-text.ts';
import { only, type Stage, startStage, until } from './stage.ts';

const frames = '    at tag (/plugins/tenant.plugin.ts:12:7)';
const tenant: Owner = { name: 'tenant', version: '1.2.0', frames: () => frames };
const duration = 'sightline_plugin_duration_seconds';
const count = (page: Page, labels = {}) => total(page, `${duration}_count`, labels);
const of = (kind: string, point: string, more = {}) => ({
  sightline_plugin: 'tenant',
  sightline_plugin_version: '1.2.0',
  sightline_plugin_kind: kind,
  sightline_plugin_point: point,
  ...more,
});

/** An exchange as a flow would have ended it, after these runs of middleware. */
function endedExchange({ telemetry }: Service, ...runs: Partial<MiddlewareRun>[]) {
  const exchange = sampleExchange();
  telemetry.recorder.begin(exchange);
  for (const run of runs) {
    exchange.noteRun({
      middleware: 'tenant',
      owner: tenant,
      phase: 'before_query',
      startedAt: performance.now(),
      durationMs: 0,
      calls: 1,
      isUnderWay: false,
      error: undefined,
      ...run,
    });
  }
  exchange.end('completed', undefined);
  telemetry.recorder.end(exchange);
  return exchange;
}

/** The spans below an exchange's own, as the store for the admin plane has them. */
function internals({ telemetry }: Service, view: Pick<ExchangeView, 'traceId'>) {
  const { spans } = telemetry.traces.get(view.traceId ?? '') ?? { spans: [] };
  const server = spans.find(({ kind }) => kind === 'SERVER');
  return spans.filter(({ kind, parentSpanId }) => kind === 'INTERNAL' && parentSpanId === server?.spanId);
}

describe("a plugin's middleware", async () => {
  const stage = await startStage();
  const { service } = stage;
  after(() => stage[Symbol.asyncDispose]());
  const error = new SightlineError('middleware_failed', { cause: new Error('broken'), frames });

  test('is measured by plugin, version and phase, beside the measure that all middleware has', async () => {
    endedExchange(
      service,
      { durationMs: 3 },
      { phase: 'on_chunk', calls: 40 },
      { phase: 'after_response', error },
      { middleware: 'redact', owner: undefined },
    );
    const page = await stage.page();
    assert.equal(count(page), 3);
    assert.equal(count(page, of('middleware', 'before_query')), 1);
    assert.equal(total(page, `${duration}_sum`, of('middleware', 'before_query')), 0.003);
    assert.equal(count(page, of('middleware', 'on_chunk')), 1);
    assert.equal(count(page, of('middleware', 'after_response', { error_type: 'middleware_failed' })), 1);
    assert.equal(total(page, 'sightline_middleware_duration_seconds_count'), 4);
  });

  test('has its plugin on its spans, and where it failed in lines of its source', () => {
    const exchange = endedExchange(
      service,
      { durationMs: 1_000 },
      { phase: 'after_response', error },
      { middleware: 'redact', owner: undefined, durationMs: 1_000 },
    );
    const [slow, failed, foreign] = internals(service, exchange.view);
    for (const span of [slow, failed]) {
      assert.equal(span?.attributes[attribute.plugin], 'tenant');
      assert.equal(span?.attributes[attribute.pluginVersion], '1.2.0');
    }
    assert.ok(foreign && !(attribute.plugin in foreign.attributes));
    const { attributes } = only(failed?.events ?? []);
    assert.deepEqual(attributes, {
      [attribute.exceptionType]: 'middleware_failed',
      [attribute.exceptionMessage]: 'A middleware failed.',
      [attribute.exceptionStacktrace]: `Error\n${frames}`,
    });
  });
});

describe("a plugin's hook callback", async () => {
  const stage = await startStage();
  const { service } = stage;
  after(() => stage[Symbol.asyncDispose]());

  /** One chat while the callback is registered; resolves with its exchange. */
  async function chatWith(
    point: 'reply.head' | 'exchange.ended',
    callback: () => unknown,
    on: Stage = stage,
  ) {
    const { promise: ended, resolve } = Promise.withResolvers<ExchangeView>();
    const remove = on.service.hooks.registerHook(
      point,
      ({ exchange }) => {
        resolve(exchange);
        return callback();
      },
      { plugin: tenant },
    );
    await on.chat();
    remove();
    return ended;
  }

  test('is measured by plugin, version and point, and has no span where it was quick', async () => {
    await using stage = await startStage({ config: { telemetry: { spanThresholdMs: 3_600_000 } } });
    const exchange = await chatWith('reply.head', () => 'quick', stage);
    assert.equal(count(await stage.page(), of('hook', 'reply.head')), 1);
    assert.deepEqual(internals(stage.service, exchange), []);
  });

  test('that fails has a span, which says where', async () => {
    const exchange = await chatWith('reply.head', () => {
      throw new TypeError('broken');
    });
    const span = only(internals(service, exchange));
    assert.equal(span.name, 'hook tenant reply.head');
    assert.deepEqual(span.attributes, {
      [attribute.hookPoint]: 'reply.head',
      [attribute.plugin]: 'tenant',
      [attribute.pluginVersion]: '1.2.0',
      [attribute.errorType]: 'threw',
    });
    assert.deepEqual(span.status, { code: 'ERROR', message: 'threw' });
    assert.deepEqual(only(span.events).attributes, {
      [attribute.exceptionType]: 'TypeError',
      [attribute.exceptionMessage]: 'broken',
      [attribute.exceptionStacktrace]: `TypeError\n${frames}`,
    });
    const page = await stage.page();
    assert.equal(count(page, of('hook', 'reply.head', { error_type: 'threw' })), 1);
  });

  test('quotes no text that a parser of JSON quotes', async () => {
    const exchange = await chatWith('reply.head', () => JSON.parse('my secret'));
    assert.ok(!JSON.stringify(internals(service, exchange)).includes('secret'));
  });

  test('that takes its time has a span below the exchange, also when that has ended long before', async () => {
    const exchange = await chatWith('exchange.ended', () => delay(30));
    await until('the callback has ended', () => internals(service, exchange).length > 0);
    const span = only(internals(service, exchange));
    const server = service.telemetry.traces
      .get(exchange.traceId ?? '')
      ?.spans.find(({ kind }) => kind === 'SERVER');
    assert.equal(span.name, 'hook tenant exchange.ended');
    assert.equal(span.status.code, 'UNSET');
    assert.ok(server && span.startMs >= server.startMs && span.endMs > server.endMs);
    assert.ok(span.endMs - span.startMs >= 29);
  });

  test('without an exchange is measured all the same', async () => {
    const payload = { plugin: 'other', version: '1.0.0', file: '/plugins/other.plugin.ts' };
    const remove = service.hooks.registerHook('plugin.loaded', () => delay(30), { plugin: tenant });
    await service.hooks.executeHooks('plugin.loaded', payload);
    remove();
    assert.equal(count(await stage.page(), of('hook', 'plugin.loaded')), 1);
  });

  test('harms no exchange where its telemetry fails', async (t) => {
    t.mock.method(service.telemetry, 'hookRan', () => {
      throw new Error('broken');
    });
    const exchange = await chatWith('reply.head', () => 'quick');
    assert.equal(exchange.outcome, 'completed');
  });
});

test('names and versions of plugins are bounded like all labels', async () => {
  await using stage = await startStage({ config: { limits: { labelValuesMax: 3 } } });
  for (let i = 0; i < 10; i += 1) {
    const owner = { ...tenant, version: `1.0.${i}` };
    endedExchange(stage.service, { owner });
    stage.service.telemetry.pluginRan(owner, 'lifecycle', 'initialize', 5);
    stage.service.telemetry.pluginRan({ ...tenant, name: `p${i}` }, 'lifecycle', 'cleanup', 5, 'threw');
  }
  const page = await stage.page();
  const labels = page.get(duration)?.samples.map((sample) => sample.labels) ?? [];
  const values = (name: string) => [...new Set(labels.map((one) => one[name]))].toSorted();
  assert.deepEqual(values('sightline_plugin_version'), ['1.0.0', '1.0.1', '1.2.0', 'other']);
  assert.deepEqual(values('sightline_plugin'), ['other', 'p0', 'p1', 'tenant']);
  assert.equal(count(page, { sightline_plugin_kind: 'lifecycle', sightline_plugin_point: 'initialize' }), 10);
});

describe('the context of an exchange', () => {
  const watcher = (stage: () => Stage, seen: ExchangeView[]): Middleware => ({
    name: 'watcher',
    beforeQuery(_query, exchange) {
      seen.push(exchange);
      const tracer = stage().service.telemetry.pluginTracer('tenant');
      tracer.startSpan('look up tenant', {}, exchange.context).end();
    },
  });

  test("is the parent of a plugin's own spans", async () => {
    const seen: ExchangeView[] = [];
    await using stage: Stage = await startStage({ middleware: [watcher(() => stage, seen)] });
    const { id } = await stage.chat();
    const { server } = await stage.spansOf(id);
    const span = stage.sink.spans().find(({ name }) => name === 'look up tenant');
    assert.equal(span?.parentSpanId, server.spanId);
    assert.equal(span?.traceId, server.traceId);
    assert.equal(span?.scope, 'sightline.plugin.tenant');
    const { isRemote } = trace.getSpanContext(only(seen).context) ?? {};
    assert.notEqual(isRemote, true);
  });

  test('is the parent of nothing where the exchange is not sampled', async () => {
    const seen: ExchangeView[] = [];
    await using stage: Stage = await startStage({
      otel: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
      middleware: [watcher(() => stage, seen)],
    });
    await stage.chat();
    await stage.service.stop();
    assert.equal(seen.length, 1);
    assert.deepEqual(stage.sink.spans(), []);
  });

  test('is the root context where tracing is off', async () => {
    const seen: ExchangeView[] = [];
    await using stage: Stage = await startStage({
      otel: { OTEL_SDK_DISABLED: 'true' },
      middleware: [watcher(() => stage, seen)],
    });
    assert.equal((await stage.chat()).status, 200);
    assert.equal(only(seen).context, ROOT_CONTEXT);
  });
});

describe('meters and tracers for plugins', () => {
  test('come out on the page and in traces, under a scope of their own', async () => {
    await using stage = await startStage();
    const { telemetry } = stage.service;
    telemetry.pluginMeter('tenant').createCounter('tenant.queries').add(2);
    telemetry.pluginTracer('tenant').startSpan('of its own').end();
    assert.equal(total(await stage.page(), 'tenant_queries_total'), 2);
    const [span] = await stage.sink.waitForSpans((all) => all.length > 0);
    assert.deepEqual([span?.name, span?.scope], ['of its own', 'sightline.plugin.tenant']);
  });

  test('are those of before for the next version: reloads do not heap them up', async () => {
    await using stage = await startStage();
    const { telemetry } = stage.service;
    assert.equal(telemetry.pluginMeter('tenant'), telemetry.pluginMeter('tenant'));
    assert.equal(telemetry.pluginTracer('tenant'), telemetry.pluginTracer('tenant'));
  });

  test('stay with their service when another one starts in the process', async () => {
    await using first = await startStage();
    const meter = first.service.telemetry.pluginMeter('tenant');
    await using second = await startStage();
    meter.createCounter('tenant.queries').add(1);
    first.service.telemetry.pluginTracer('tenant').startSpan('of the first').end();
    assert.equal(total(await first.page(), 'tenant_queries_total'), 1);
    assert.equal((await second.page()).has('tenant_queries_total'), false);
    const [span] = await first.sink.waitForSpans((all) => all.length > 0);
    assert.equal(span?.name, 'of the first');
  });

  test('do nothing where the SDK is disabled', async () => {
    await using stage = await startStage({ otel: { OTEL_SDK_DISABLED: 'true' } });
    const { telemetry } = stage.service;
    telemetry.pluginMeter('tenant').createCounter('tenant.queries').add(1);
    assert.equal(telemetry.pluginTracer('tenant').startSpan('of its own').isRecording(), false);
    assert.equal((await stage.page()).has('tenant_queries_total'), false);
  });
});
