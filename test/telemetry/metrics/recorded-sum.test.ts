import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type SumMetricData,
} from '@opentelemetry/sdk-metrics';
import { RecordedMetrics } from '../../../src/telemetry/metrics/recorded-metrics.ts';
import { Random } from '../../support/random.ts';
import { only } from '../stage.ts';

const counted = { name: 'counted', kind: 'counter', unit: '{thing}', description: 'Things.' } as const;
const level = { name: 'level', kind: 'up_down_counter', unit: 'By', description: 'What is here.' } as const;

/** OTLP's preference: what goes up and down is told as it stands all the same. */
const delta: AggregationTemporalitySelector = (type) =>
  type === InstrumentType.UP_DOWN_COUNTER ? AggregationTemporality.CUMULATIVE : AggregationTemporality.DELTA;

type Producer = ReturnType<RecordedMetrics['producer']>;

async function metrics(producer: Producer): Promise<SumMetricData[]> {
  const { scopeMetrics } = (await producer.collect()).resourceMetrics;
  return only(scopeMetrics).metrics as SumMetricData[];
}

async function points(producer: Producer, name: string) {
  const metric = (await metrics(producer)).find(({ descriptor }) => descriptor.name === name);
  return metric?.dataPoints ?? [];
}

/** Attributes and value. */
async function values(producer: Producer, name: string) {
  return (await points(producer, name)).map(({ attributes, value }) => [attributes, value]);
}

function start(seriesMax = 100) {
  const recorded = new RecordedMetrics({ name: 'tests' }, seriesMax);
  const producers = {
    all: recorded.producer(),
    fresh: recorded.producer(delta),
    slow: recorded.producer(delta),
  };
  return { counter: recorded.sum(counted), level: recorded.sum(level), ...producers };
}

describe('sums', () => {
  test('of a counter only grow, and those of a level fall as well', async () => {
    const { counter, level: here, all } = start();
    for (const value of [1, 2.5, -1, Number.NaN]) {
      counter.add(value, { of: 'a' });
      here.add(value);
    }
    counter.add(-1, { of: 'b' });
    here.add(Number.NaN, { of: 'b' });
    assert.deepEqual(await values(all, 'counted'), [[{ of: 'a' }, 3.5]]);
    assert.deepEqual(await values(all, 'level'), [[{}, 2.5]]);
  });

  test('tell one reader what is new to it, and another all, each by itself', async ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: 5_000 });
    const { counter, all, fresh, slow } = start();
    const seen = async (producer: Producer) =>
      (await points(producer, 'counted')).map(({ value, startTime, endTime }) => [
        value,
        startTime[0],
        endTime[0],
      ]);
    counter.add(1);
    mock.timers.tick(1_000);
    assert.deepEqual(await seen(fresh), [[1, 5, 6]]);
    mock.timers.tick(1_000);
    assert.deepEqual(await seen(fresh), [], 'nothing is new');
    counter.add(2);
    mock.timers.tick(1_000);
    assert.deepEqual(await seen(fresh), [[2, 6, 8]]);
    assert.deepEqual(await seen(all), [[3, 5, 8]]);
    assert.deepEqual(await seen(slow), [[3, 5, 8]]);
    assert.deepEqual([await seen(all), await seen(slow)], [[[3, 5, 8]], []]);
  });

  test('that are nothing so far are told: to who wants what is new, once', async () => {
    const { counter, all, fresh } = start();
    counter.add(0, { of: 'a' });
    for (const nothing of [[[{ of: 'a' }, 0]], []]) assert.deepEqual(await values(fresh, 'counted'), nothing);
    assert.deepEqual(await values(all, 'counted'), [[{ of: 'a' }, 0]]);
  });

  test('have no more series than are allowed, and give back what they took where they took it', async () => {
    const { counter, level: here, all } = start(3);
    const some = ['a', 'b', 'c', 'd', 'e'].map((of) => ({ of }));
    for (const one of some) {
      counter.add(1, one);
      here.add(1, one);
    }
    const rest = { 'otel.metric.overflow': true };
    assert.deepEqual(await values(all, 'counted'), [
      [{ of: 'a' }, 1],
      [{ of: 'b' }, 1],
      [rest, 3],
    ]);
    for (const one of some.toReversed()) here.add(-1, one);
    assert.deepEqual(await values(all, 'level'), [
      [{ of: 'a' }, 0],
      [{ of: 'b' }, 0],
      [rest, 0],
    ]);
  });
});

/** What the SDK makes of its own instruments. */
class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** What both have, in one order. */
function plain(all: readonly SumMetricData[], isCumulative: boolean) {
  return all.map(({ descriptor: { name, unit, description, valueType }, dataPoints, ...metric }) => ({
    ...{ name, unit, description, valueType },
    ...metric,
    points: dataPoints
      // Where a delta begins, ours leave no time out.
      .map(({ startTime, ...point }) => (isCumulative ? { startTime, ...point } : point))
      .sort((a, b) => String(a.attributes.of).localeCompare(String(b.attributes.of))),
  }));
}

for (const preference of ['cumulative', 'delta']) {
  test(`sums are told as the SDK tells its own (${preference})`, async ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: 5_000 });
    const isCumulative = preference === 'cumulative';
    const aggregationTemporalitySelector = isCumulative ? () => AggregationTemporality.CUMULATIVE : delta;
    const reader = new Reader({ aggregationTemporalitySelector });
    const meter = new MeterProvider({ readers: [reader] }).getMeter('tests');
    const recorded = new RecordedMetrics({ name: 'tests' }, 100);
    const producer = recorded.producer(aggregationTemporalitySelector);
    const counters = [recorded.sum(counted), meter.createCounter(counted.name, counted)];
    const levels = [recorded.sum(level), meter.createUpDownCounter(level.name, level)];

    const random = new Random(20261123);
    for (const one of [...counters, ...levels]) one.add(0, { of: 'nothing' });
    for (let look = 0; look < 20; look += 1) {
      for (let i = random.integer(0, 6); i > 0; i -= 1) {
        const attributes = { of: random.pick(['a', 'b', 'c', 'd']) };
        const value = random.integer(-9, 9) || 1;
        for (const one of [...counters, ...levels]) one.add(value, attributes);
        mock.timers.tick(random.integer(0, 300));
      }
      const { scopeMetrics } = (await reader.collect()).resourceMetrics;
      const theirs = scopeMetrics.flatMap((one) => one.metrics) as SumMetricData[];
      const ours = await metrics(producer);
      assert.deepEqual(plain(ours, isCumulative), plain(theirs, isCumulative), `look ${look}`);
    }
  });
}
