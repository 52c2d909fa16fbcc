import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { type SinkMode, startOtlpSink } from '../../support/otlp-sink.ts';
import { total } from '../prometheus-text.ts';
import { type Stage, startStage, until } from '../stage.ts';

const exchanges = 500;
/** A SERVER and a CLIENT span. */
const spans = 2 * exchanges;

async function sendMany(stage: Stage, count: number): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const body = {
        model: 'gpt-4o',
        stream: left % 2 === 0,
        messages: [{ role: 'user', content: 'Hello!' }],
      };
      const headers = { 'content-type': 'application/json' };
      const answer = await stage.send(
        '/v1/chat/completions',
        { method: 'POST', headers },
        JSON.stringify(body),
      );
      assert.deepEqual([answer.status, answer.isClean], [200, true]);
    }
  };
  await Promise.all(Array.from({ length: 25 }, worker));
  await stage.service.inFlight.empty();
}

/** What became of the spans, as telemetry tells of itself. */
function account(stage: Stage) {
  const [health] = stage.service.telemetry.state().traces;
  assert.ok(health);
  return health;
}

/** A collector that takes everything and answers nothing, until it is let go. */
async function startSilentCollector() {
  const waiting: http.ServerResponse[] = [];
  let isSilent = true;
  const server = http.createServer((request, response) => {
    request.resume();
    if (isSilent) waiting.push(response);
    else response.end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const letGo = () => {
    isSilent = false;
    for (const response of waiting) if (!response.writableEnded) response.end('{}');
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting,
    letGo,
    async [Symbol.asyncDispose]() {
      letGo();
      server.close();
      server.closeIdleConnections();
    },
  };
}

/** Shorter than the exporter's first pause before it tries again, so that it gives up at once. */
const patience = { OTEL_EXPORTER_OTLP_TIMEOUT: '700' };

describe('a collector', () => {
  const ways: Record<string, { mode?: SinkMode; isLost: boolean }> = {
    'that is not there': { isLost: true },
    'that refuses with 503': { mode: 'refuse', isLost: true },
    'that never answers': { mode: 'hang', isLost: true },
    'that is slow': { mode: 'slow', isLost: false },
  };
  for (const [name, { mode, isLost }] of Object.entries(ways)) {
    test(`${name} fails no request, and no span is lost unaccounted for`, async () => {
      await using slow = await startOtlpSink({ mode: mode ?? 'ok', slowMs: 20 });
      if (!mode) await slow.close();
      await using stage = await startStage({
        otel: {
          ...(mode !== 'slow' && patience),
          // Each batch is waited for in turn.
          ...(mode === 'hang' && { OTEL_EXPORTER_OTLP_TIMEOUT: '200' }),
          ...(mode
            ? { OTEL_EXPORTER_OTLP_ENDPOINT: slow.url }
            : { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }),
          OTEL_BSP_MAX_QUEUE_SIZE: '2048',
          OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '128',
        },
      });
      await sendMany(stage, exchanges);
      assert.equal(stage.service.inFlight.size, 0);
      const wanted = isLost ? 'failing' : 'ok';
      await until(`the exporter is ${wanted}`, () => account(stage).state === wanted);

      const ready = await stage.admin('/readyz');
      const { telemetry } = (await ready.json()) as {
        telemetry: { traces: { state: string; lastError?: string }[] };
      };
      assert.equal(ready.status, 200, 'it takes traffic all the same');
      assert.equal(telemetry.traces[0]?.state, wanted);
      assert.equal(telemetry.traces[0]?.lastError !== undefined, isLost);

      await until('each span is accounted for', () => {
        const { exported, lost } = account(stage);
        return exported + lost === spans;
      });
      const { lost, dropped } = account(stage);
      assert.deepEqual([lost, dropped], [isLost ? spans : 0, 0]);
      if (mode === 'slow') assert.equal(slow.spans().length, spans);
    });
  }

  test('that comes back gets what is told from then on', async () => {
    const gone = await startOtlpSink();
    const { url } = gone;
    await gone.close();
    await using stage = await startStage({ otel: { ...patience, OTEL_EXPORTER_OTLP_ENDPOINT: url } });
    await stage.chat();
    await until('spans are lost', () => account(stage).lost === 2);

    await using back = await startOtlpSink({ port: Number(new URL(url).port) });
    const { id } = await stage.chat();
    const received = await back.waitForSpans(2);
    assert.ok(received.some(({ attributes }) => attributes['sightline.exchange.id'] === id));
    await until('it is well again', () => account(stage).state === 'ok');
    const { exported, lost, lastError } = account(stage);
    assert.deepEqual({ exported, lost, lastError }, { exported: 2, lost: 2, lastError: undefined });
    const page = await stage.page();
    assert.equal(
      total(page, 'sightline_telemetry_dropped_total', {
        sightline_signal: 'spans',
        sightline_reason: 'export',
      }),
      2,
    );
  });
});

describe('the queue of spans', () => {
  test('is bounded, and what finds no room is counted', async () => {
    await using silent = await startSilentCollector();
    await using stage = await startStage({
      config: { limits: { flushTimeoutMs: 50 } },
      otel: {
        OTEL_EXPORTER_OTLP_ENDPOINT: silent.url,
        OTEL_EXPORTER_OTLP_TIMEOUT: '30000',
        OTEL_BSP_MAX_QUEUE_SIZE: '16',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4',
      },
    });
    await sendMany(stage, 100);
    const page = await stage.page();
    const queued = total(page, 'otel_sdk_processor_span_queue_size');
    assert.equal(total(page, 'otel_sdk_processor_span_queue_capacity'), 16);
    assert.equal(queued, 16);
    // One batch is under way, and waits for its answer.
    const dropped = 200 - queued - 4;
    assert.equal(
      total(page, 'otel_sdk_processor_span_processed_total', { error_type: 'queue_full' }),
      dropped,
    );
    const queueFull = { sightline_signal: 'spans', sightline_reason: 'queue_full' };
    assert.equal(total(page, 'sightline_telemetry_dropped_total', queueFull), dropped);
    const body = (await (await stage.admin('/readyz')).json()) as {
      telemetry: { traces: { dropped: number }[] };
    };
    assert.equal(body.telemetry.traces[0]?.dropped, dropped);
    assert.equal(
      total(page, 'http_server_request_duration_seconds_count'),
      100,
      'measurements need no queue',
    );
  });
});

describe('stopping', () => {
  test('ends at its flush deadline where the collector never answers, and says meanwhile that it stops', async () => {
    await using silent = await startSilentCollector();
    await using stage = await startStage({
      config: { limits: { flushTimeoutMs: 500 } },
      otel: {
        OTEL_EXPORTER_OTLP_ENDPOINT: silent.url,
        OTEL_METRICS_EXPORTER: 'otlp',
        // Longer than the test may take: only the deadline can end it.
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
        OTEL_BSP_EXPORT_TIMEOUT: '600000',
        OTEL_METRIC_EXPORT_INTERVAL: '600000',
        OTEL_METRIC_EXPORT_TIMEOUT: '600000',
      },
    });
    await stage.chat();
    const stopped = stage.service.stop();
    const ready = await stage.admin('/readyz');
    assert.equal(ready.status, 503);
    assert.equal(((await ready.json()) as { status: string }).status, 'stopping');
    await stopped;
  });

  test('waits for every batch, also when one of them was refused', async () => {
    await using silent = await startSilentCollector();
    await using stage = await startStage({
      otel: { OTEL_EXPORTER_OTLP_ENDPOINT: silent.url, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4' },
    });
    for (let i = 0; i < 10; i += 1) await stage.chat();
    const stopped = stage.service.stop();
    await until('every batch is on its way', () => silent.waiting.length === 5);
    silent.waiting[2]?.writeHead(400).end();
    await until('one is lost', () => account(stage).lost === 4);
    silent.letGo();
    await stopped;
    const { exported, lost } = account(stage);
    assert.deepEqual({ exported, lost }, { exported: 16, lost: 4 });
  });

  test('sends what is left', async () => {
    await using stage = await startStage({ otel: { OTEL_BSP_SCHEDULE_DELAY: '600000' } });
    await stage.chat();
    assert.equal(stage.sink.spans().length, 0);
    await stage.service.stop();
    assert.equal(stage.sink.spans().length, 2);
  });
});
