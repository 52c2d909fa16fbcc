import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntry } from '../../../src/simulator/recorder.ts';
import { metric } from '../../../src/telemetry/names.ts';
import { metricName } from '../../../src/telemetry/prometheus-names.ts';
import { inParallel } from '../../support/in-parallel.ts';
import type { ReceivedMetric } from '../../support/otlp-sink.ts';
import { Random } from '../../support/random.ts';
import { type Plan, planExchange, sendExchange, waits } from '../../support/random-exchange.ts';
import type { OpenMetricsPage } from '../open-metrics-text.ts';
import { total } from '../prometheus-text.ts';
import { type Stage, startStage } from '../stage.ts';

const exchanges = 200;
const concurrency = 16;

/** A whole reply of broken JSON, and an error, say nothing of tokens that could be read. */
function isReadable(plan: Plan, { status = 0 }: JournalEntry): boolean {
  const isBroken = plan.model === 'sim-malformed-sse' || plan.model.startsWith('sim-clean-cut');
  return status === 200 && (plan.stream || !isBroken);
}

async function run(stage: Stage, seed: number): Promise<readonly [Plan, JournalEntry][]> {
  const random = new Random(seed);
  const plans = Array.from({ length: exchanges }, (_, n) => planExchange(random, n));
  const { journal } = stage.simulator;
  await inParallel(plans, { concurrency, waits }, (plan) =>
    sendExchange(plan, stage.service.dataUrl, journal),
  );
  await stage.service.inFlight.empty();
  await journal.settled();
  return plans.map((plan) => [plan, journal.find(plan.id) ?? assert.fail(plan.id)]);
}

/** The page says what the simulator did. */
function checkAgainstJournal(page: OpenMetricsPage, all: readonly [Plan, JournalEntry][]): void {
  const sum = (count: (entry: JournalEntry, plan: Plan) => number) =>
    all.reduce((so, [plan, entry]) => so + count(entry, plan), 0);
  for (const outcome of new Set(all.map(([plan]) => plan.outcome))) {
    const expected = all.filter(([plan]) => plan.outcome === outcome).length;
    const labels = { sightline_outcome: outcome };
    for (const name of [
      'sightline_exchange_outcomes_total',
      'http_server_request_duration_seconds_count',
      'gen_ai_client_operation_duration_seconds_count',
    ])
      assert.equal(total(page, name, labels), expected, `${name}: ${outcome}`);
  }
  assert.equal(total(page, 'sightline_overhead_duration_seconds_count'), all.length);
  for (const type of ['input', 'output'] as const) {
    const told = all.filter(([plan, entry]) => isReadable(plan, entry) && entry.tokens[type] !== undefined);
    const labels = { gen_ai_token_type: type };
    assert.equal(total(page, 'gen_ai_client_token_usage_count', labels), told.length, type);
    const tokens = told.reduce((so, [, entry]) => so + (entry.tokens[type] ?? 0), 0);
    assert.equal(total(page, 'gen_ai_client_token_usage_sum', labels), tokens, type);
    assert.ok(tokens > 0);
  }
  assert.equal(
    total(page, 'gen_ai_client_operation_time_to_first_chunk_seconds_count'),
    sum(({ outputEvents }) => Math.min(outputEvents, 1)),
  );
  assert.equal(
    total(page, 'gen_ai_client_operation_time_per_output_chunk_seconds_count'),
    sum(({ outputEvents }) => Math.max(outputEvents - 1, 0)),
  );
}

/** Of what was pushed of one metric: with deltas all of it, else what each series said last. */
function pushed(metrics: readonly ReceivedMetric[], name: string) {
  const sums = { value: 0, count: 0, sum: 0 };
  const last = new Map<string, (typeof metrics)[number]['points'][number]>();
  for (const { name: its, temporality, points } of metrics) {
    if (its !== name) continue;
    for (const [i, point] of points.entries()) {
      const series = JSON.stringify(Object.entries(point.attributes).sort());
      last.set(temporality === 'DELTA' ? `${last.size} ${i}` : series, point);
    }
  }
  for (const { value = 0, count = 0, sum = 0 } of last.values()) {
    sums.value += value;
    sums.count += count;
    sums.sum += sum;
  }
  return sums;
}

const seconds = (value: number) => Math.round(value * 1e6);

for (const preference of ['cumulative', 'delta']) {
  test(`the page, what is pushed (${preference}) and the journal of the upstream have the same sums`, async () => {
    await using stage = await startStage({
      config: { limits: { replyHeadTimeoutMs: 3_000, replyIdleTimeoutMs: 3_000 } },
      otel: {
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_METRIC_EXPORT_INTERVAL: '300',
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: preference,
      },
    });
    await stage.openMetrics();
    const plugin = stage.service.telemetry.pluginMeter('counting');
    const counter = plugin.createCounter('plugin.counted');
    const interval = setInterval(() => counter.add(1, { of: 'a plugin' }), 50);
    const all = await run(stage, preference === 'delta' ? 20261123 : 11);
    clearInterval(interval);
    const page = await stage.openMetrics();
    checkAgainstJournal(page, all);

    await stage.service.stop();
    const received = stage.sink.metrics();
    const exports = stage.sink.requests.filter(({ signal }) => signal === 'metrics').length;
    assert.ok(exports > 3, `${exports} exports`);
    const wanted = preference === 'delta' ? 'DELTA' : 'CUMULATIVE';
    for (const { name, type, monotonic, temporality } of received)
      if (type === 'histogram' || (type === 'sum' && monotonic)) assert.equal(temporality, wanted, name);

    const traffic = Object.values(metric).filter(({ name }) =>
      /^(?:http|gen_ai|sightline\.(?:exchange|overhead))\./.test(name),
    );
    const rows = [...traffic, { name: 'plugin.counted', unit: '', kind: 'counter' as const }];
    for (const { name, unit, kind } of rows) {
      const own = pushed(received, name);
      const prometheus = metricName(name, unit, kind);
      if (kind === 'histogram') {
        assert.equal(own.count, total(page, `${prometheus}_count`), name);
        assert.equal(seconds(own.sum), seconds(total(page, `${prometheus}_sum`)), name);
      } else assert.equal(own.value, total(page, prometheus), name);
    }
    assert.ok(total(page, 'plugin_counted_total') > 3);
  });
}
