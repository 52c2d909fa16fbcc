import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange } from '../../../src/exchange/exchange.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { sampleExchange } from '../../exchange/samples.ts';
import type { OpenMetricsPage } from '../open-metrics-text.ts';
import { total } from '../prometheus-text.ts';
import { SessionScene } from '../session-scene.ts';
import { only, startStage } from '../stage.ts';

const http = 'http_server_request_duration_seconds';
const perChunk = 'gen_ai_client_operation_time_per_output_chunk_seconds';
const ids = ({ labels }: { labels: Readonly<Record<string, string>> }) => [labels.trace_id, labels.span_id];

/** The exemplars of a histogram, with the bucket that each stands at. */
function exemplarsOf(page: OpenMetricsPage, name: string, labels: Readonly<Record<string, string>> = {}) {
  const samples = page.get(name)?.samples ?? [];
  return samples.flatMap((sample) => {
    const isWanted = Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
    return isWanted && sample.exemplar ? [{ le: Number(sample.labels.le), ...sample.exemplar }] : [];
  });
}

describe('exemplars of a service', () => {
  const slow: Middleware = {
    name: 'slow',
    async beforeQuery(_query, exchange) {
      if (exchange.header('x-slow')) await delay(120);
    },
  };

  test('lead from the bucket of a slow request to its trace', async () => {
    await using stage = await startStage({ middleware: [slow] });
    await stage.openMetrics();
    const fast = await stage.spansOf((await stage.chat({ model: 'sim-tokens-2' })).id);
    const { server } = await stage.spansOf(
      (await stage.chat({ model: 'sim-tokens-2' }, { 'x-slow': 'yes' })).id,
    );
    const exemplars = exemplarsOf(await stage.openMetrics(), http);
    const found = only(exemplars.filter(({ value }) => value >= 0.12));
    assert.deepEqual(ids(found), [server.traceId, server.spanId]);
    assert.ok(found.le >= 0.25);
    const seconds = (server.endMs - server.startMs) / 1_000;
    assert.ok(Math.abs(found.value - seconds) < 0.001, `${found.value} is the span's ${seconds}`);
    assert.ok(Math.abs((found.at ?? 0) - server.endMs / 1_000) < 1, 'and its time');
    const ofMiddleware = exemplarsOf(await stage.openMetrics(), 'sightline_middleware_duration_seconds');
    assert.deepEqual(ids(only(ofMiddleware.filter(({ value }) => value >= 0.1))), ids(found));
    assert.notEqual(fast.server.traceId, server.traceId);
  });

  test('are on everything that an exchange is measured by, and are the newest', async () => {
    await using stage = await startStage();
    await stage.openMetrics();
    const query = { stream: true, model: 'sim-tokens-3', stream_options: { include_usage: true } };
    await stage.chat(query);
    const { server } = await stage.spansOf((await stage.chat(query)).id);
    const page = await stage.openMetrics();
    const histograms = [...page].filter(([, { type }]) => type === 'histogram').map(([name]) => name);
    const withTrace = histograms.filter((name) =>
      exemplarsOf(page, name).some(({ labels }) => labels.trace_id === server.traceId),
    );
    assert.deepEqual(withTrace, [
      http,
      'gen_ai_client_operation_duration_seconds',
      'gen_ai_client_token_usage',
      'gen_ai_client_operation_time_to_first_chunk_seconds',
      perChunk,
      'sightline_overhead_duration_seconds',
    ]);
    for (const name of withTrace) {
      for (const { labels } of exemplarsOf(page, name).filter(
        (one) => one.labels.trace_id === server.traceId,
      ))
        assert.equal(labels.span_id, server.spanId, name);
    }
  });

  test('there are none of exchanges whose trace nobody has', async () => {
    await using stage = await startStage({ middleware: [slow] });
    await stage.openMetrics();
    await stage.chat({ stream: true }, { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-00` });
    assert.doesNotMatch(JSON.stringify([...(await stage.openMetrics())]), /trace_id/);
    await using off = await startStage({ otel: { OTEL_TRACES_SAMPLER: 'always_off' }, middleware: [slow] });
    await off.openMetrics();
    await off.chat();
    const page = await off.openMetrics();
    assert.equal(total(page, `${http}_count`), 1);
    assert.doesNotMatch(JSON.stringify([...page]), /trace_id/);
  });

  test('lead to sessions, and to the spans of their turns', async () => {
    await using stage = await startStage();
    await stage.openMetrics();
    const scene = new SessionScene(stage.service);
    scene.connect();
    const turn = scene.turn();
    const attempt = scene.attempt(turn);
    attempt.chunkGapsMs.push(5, 30, 120, 60);
    scene.endTurn(turn, { usage: { input: 3, output: 5 } });
    scene.end('completed');
    const page = await stage.openMetrics();
    const of = ({ trace: place }: Exchange) => [place?.traceId, place?.spanId];
    const sessions = exemplarsOf(page, 'sightline_session_duration_seconds');
    assert.deepEqual(sessions.map(ids), [of(scene.session)]);
    const operations = exemplarsOf(page, 'gen_ai_client_operation_duration_seconds');
    assert.deepEqual(operations.map(ids), [of(turn)]);
    assert.equal(exemplarsOf(page, 'gen_ai_client_token_usage').length, 2);
    const gaps = exemplarsOf(page, perChunk);
    assert.deepEqual(
      [gaps.map(({ value }) => value), gaps.map(ids)],
      [[0.12], [of(turn)]],
      'the longest one',
    );
  });

  test('lead from the time of a plugin to the exchange that it ran for', async () => {
    await using stage = await startStage();
    await stage.openMetrics();
    const { telemetry } = stage.service;
    const owner = { name: 'tenant', version: '1.2.0', frames: () => '' };
    const exchange = sampleExchange();
    telemetry.recorder.begin(exchange);
    const point = 'exchange.ended';
    telemetry.hookRan({
      point,
      plugin: owner,
      payload: { exchange: exchange.view },
      startedAt: performance.now(),
      durationMs: 1,
      failure: undefined,
      error: undefined,
      frames: undefined,
    });
    telemetry.messageHandled(
      { type: 'greeting', owner, result: 'passed', durationMs: 1, error: undefined },
      exchange.view,
    );
    telemetry.pluginRan(owner, 'lifecycle', 'initialize', 1);
    const page = await stage.openMetrics();
    const found = (kind: string) =>
      exemplarsOf(page, 'sightline_plugin_duration_seconds', { sightline_plugin_kind: kind }).map(ids);
    assert.deepEqual(found('hook'), [[exchange.trace?.traceId, exchange.trace?.spanId]]);
    assert.deepEqual(found('message'), found('hook'));
    assert.deepEqual(found('lifecycle'), []);
  });

  test('lead from the one series that stands for those beyond the bound as well', async () => {
    await using stage = await startStage({ config: { limits: { seriesMax: 3 } } });
    await stage.openMetrics();
    for (const n of [1, 2, 3, 4, 5]) await stage.chat({ model: `sim-tokens-${n}` });
    const page = await stage.openMetrics();
    const operation = 'gen_ai_client_operation_duration_seconds';
    const rest = { otel_metric_overflow: 'true' };
    assert.equal(total(page, `${operation}_count`, rest), 3, 'as many series as are allowed, with this one');
    assert.equal(total(page, `${operation}_count`), 5);
    assert.ok(exemplarsOf(page, operation, rest).length > 0);
  });
});
