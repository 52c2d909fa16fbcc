import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AggregationTemporality, type HistogramMetricData } from '@opentelemetry/sdk-metrics';
import type { TracedPoint } from '../../../src/telemetry/metrics/histogram-series.ts';
import { RecordedMetrics } from '../../../src/telemetry/metrics/recorded-metrics.ts';
import { only } from '../stage.ts';

const row = { name: 'size', unit: 'By', description: 'Of things.', buckets: [1, 10] };
const trace = (n: number, flags = 1) => ({ traceId: String(n).repeat(32), spanId: 'a'.repeat(16), flags });
const delta = () => AggregationTemporality.DELTA;

type Producer = ReturnType<RecordedMetrics['producer']>;

async function metrics(producer: Producer): Promise<HistogramMetricData[]> {
  const { scopeMetrics } = (await producer.collect()).resourceMetrics;
  return only(scopeMetrics).metrics as HistogramMetricData[];
}

async function values(producer: Producer) {
  const [metric] = await metrics(producer);
  return metric?.dataPoints.map(({ attributes, value: { sum, count, min, max, buckets } }) => {
    return { attributes, counts: buckets.counts, sum, count, min, max };
  });
}

describe('histograms', () => {
  test('put values into buckets, each bound with what is below it', async () => {
    const recorded = new RecordedMetrics({ name: 'tests' }, 100);
    const producer = recorded.producer();
    const series = recorded.histogram(row).series({ kind: 'a' });
    for (const value of [0, 0.5, 1, 5, 10, 11, Number.POSITIVE_INFINITY]) series.record(value);
    const infinite = Number.POSITIVE_INFINITY;
    assert.deepEqual(await values(producer), [
      { attributes: { kind: 'a' }, counts: [3, 2, 2], sum: infinite, count: 7, min: 0, max: infinite },
    ]);
    const { descriptor, aggregationTemporality } = only(await metrics(producer));
    assert.deepEqual(
      [descriptor.name, descriptor.unit, descriptor.description],
      ['size', 'By', 'Of things.'],
    );
    assert.equal(aggregationTemporality, AggregationTemporality.CUMULATIVE);
  });

  test('take no values that would spoil a sum, and tell nothing where they have none', async () => {
    const recorded = new RecordedMetrics({ name: 'tests' }, 100);
    const producer = recorded.producer();
    const histogram = recorded.histogram(row);
    for (const value of [Number.NaN, -1]) histogram.record(value, { kind: 'a' });
    assert.deepEqual(await metrics(producer), []);
    histogram.record(2, { kind: 'b' });
    assert.deepEqual(
      (await values(producer))?.map(({ attributes }) => attributes),
      [{ kind: 'b' }],
    );
  });

  test('tell one reader what is new to it, and another all, each by itself', async ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: 5_000 });
    const recorded = new RecordedMetrics({ name: 'tests' }, 100);
    const [all, fresh, slow] = [recorded.producer(), recorded.producer(delta), recorded.producer(delta)];
    const histogram = recorded.histogram(row);
    const counts = async (producer: Producer) => (await values(producer))?.map(({ counts: some }) => some);
    histogram.record(1, { kind: 'a' });
    mock.timers.tick(1_000);
    assert.deepEqual(await counts(fresh), [[1, 0, 0]]);
    assert.deepEqual(await metrics(fresh), [], 'nothing is new');
    mock.timers.tick(1_000);
    histogram.record(5, { kind: 'a' });
    histogram.record(50, { kind: 'b' });
    const point = only(await metrics(fresh)).dataPoints[0];
    assert.deepEqual(point?.value, {
      buckets: { boundaries: [1, 10], counts: [0, 1, 0] },
      sum: 5,
      count: 1,
      min: 5,
      max: 5,
    });
    assert.deepEqual(
      [point?.startTime, point?.endTime],
      [
        [6, 0],
        [7, 0],
      ],
    );
    const both = [
      [1, 1, 0],
      [0, 0, 1],
    ];
    assert.deepEqual([await counts(all), await counts(slow)], [both, both]);
    assert.deepEqual([await counts(all), await counts(slow)], [both, undefined]);
    assert.deepEqual(only(await metrics(all)).dataPoints[0]?.startTime, [5, 0]);
    assert.equal(only(await metrics(all)).aggregationTemporality, AggregationTemporality.CUMULATIVE);
  });

  test('do not change what was read', async () => {
    const recorded = new RecordedMetrics({ name: 'tests' }, 100);
    const producer = recorded.producer();
    const histogram = recorded.histogram(row);
    histogram.record(1);
    const before = await values(producer);
    const copy = structuredClone(before);
    histogram.record(1);
    assert.deepEqual(before, copy);
  });
});

describe('exemplars of histograms', () => {
  function start(seriesMax = 100) {
    const recorded = new RecordedMetrics({ name: 'tests' }, seriesMax);
    const producer = recorded.producer();
    const series = recorded.histogram(row).series({ kind: 'a' });
    const kept = async () => {
      const points = only(await metrics(producer)).dataPoints as TracedPoint[];
      return points.map(({ exemplars }) => Array.from(exemplars, (one) => one?.value));
    };
    return { recorded, series, kept };
  }

  test('are kept from the moment on when somebody asks for them', async () => {
    const { recorded, series, kept } = start();
    series.record(1, trace(1));
    assert.deepEqual(await kept(), [[]]);
    recorded.exemplars.begin();
    series.record(2, trace(1));
    assert.deepEqual(await kept(), [[undefined, 2]]);
  });

  test('are the newest of each bucket', async () => {
    const { recorded, series, kept } = start();
    recorded.exemplars.begin();
    for (const value of [0.5, 1, 5, 11, 10, 1e9, 0]) series.record(value, trace(1));
    assert.deepEqual(await kept(), [[0, 10, 1e9]]);
  });

  test('have a trace that somebody can look at', async () => {
    const { recorded, series, kept } = start();
    recorded.exemplars.begin();
    for (const none of [undefined, trace(1, 0), trace(1, 2)]) series.record(1, none);
    assert.deepEqual(await kept(), [[]]);
    series.record(1, trace(1, 3));
    assert.deepEqual(await kept(), [[1]]);
  });
});
