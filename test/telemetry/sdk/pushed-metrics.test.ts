import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startOtlpSink } from '../../support/otlp-sink.ts';
import { CapturedLog } from '../logs/captured-log.ts';
import { total } from '../prometheus-text.ts';
import { only, type Stage, startStage, until } from '../stage.ts';
import { startGrpcSink } from './grpc-sink.ts';

const pushing = { OTEL_METRICS_EXPORTER: 'otlp', OTEL_METRIC_EXPORT_INTERVAL: '50' };

const health = (stage: Stage) => only(stage.service.telemetry.state().metrics);

describe('a collector that takes no metrics', () => {
  test('fails no request; what is lost is counted, and told when it turns', async () => {
    const gone = await startOtlpSink();
    const { url } = gone;
    await gone.close();
    const stdout = new CapturedLog();
    await using stage = await startStage({
      stdout,
      otel: { ...pushing, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${url}/v1/metrics` },
    });
    assert.equal(health(stage).state, 'unknown');
    assert.equal((await stage.chat()).status, 200);
    await until('two intervals are lost', () => health(stage).lost > 100);
    const ready = await stage.json<{ telemetry: { metrics: { state: string }[] } }>('/readyz');
    assert.deepEqual([ready.status, ready.body.telemetry.metrics[0]?.state], [200, 'failing']);
    const lost = { sightline_signal: 'metrics', sightline_reason: 'export' };
    assert.ok(total(await stage.page(), 'sightline_telemetry_dropped_total', lost) > 100);

    await using back = await startOtlpSink({ port: Number(new URL(url).port) });
    await until('it is well again', () => health(stage).state === 'ok');
    assert.ok(back.metrics().some(({ name }) => name === 'sightline.telemetry.dropped'));
    const told = stdout.records.map(({ msg }) => String(msg)).filter((msg) => /^metrics /.test(msg));
    assert.equal(told.length, 2);
    assert.match(told[0] ?? '', /^metrics cannot be exported \(otlp\): .*; they are at \/metrics$/);
    assert.equal(told[1], 'metrics are exported (otlp)');
  });
});

describe('an interval that cannot be one', () => {
  for (const interval of ['-5', '0', 'often', 'Infinity', '9000000000']) {
    test(`(${interval}) is told, and the usual one holds`, async () => {
      const stdout = new CapturedLog();
      await using stage = await startStage({
        stdout,
        otel: { ...pushing, OTEL_METRIC_EXPORT_INTERVAL: interval },
      });
      await stage.chat();
      const [warning] = stdout.records.filter(({ msg }) => /OTEL_METRIC_EXPORT_INTERVAL/.test(String(msg)));
      assert.equal(
        warning?.msg,
        `OTEL_METRIC_EXPORT_INTERVAL: '${interval}' cannot be used; the default holds`,
      );
      assert.equal(health(stage).state, 'unknown', 'nothing was sent yet');
      await stage.service.stop();
      assert.equal(stage.sink.requests.filter(({ signal }) => signal === 'metrics').length, 1);
    });
  }
});

test('over gRPC a collector gets spans, metrics and log records', async () => {
  await using grpc = await startGrpcSink();
  await using stage = await startStage({
    otel: {
      ...pushing,
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_ENDPOINT: grpc.url,
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    },
  });
  await stage.chat();
  await stage.service.stop();
  assert.deepEqual(grpc.failures, []);
  const { spans, metrics, logs } = grpc.received;
  const server = spans.find(({ kind }) => kind === 'SERVER');
  assert.equal(server?.traceId, only(logs.filter(({ traceId }) => traceId !== undefined)).traceId);
  const durations = metrics.findLast(({ name }) => name === 'http.server.request.duration');
  assert.equal(only(durations?.points ?? []).count, 1);
});
