import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { boundedMeter } from '../../../src/telemetry/metrics/bounded-meter.ts';
import { PluginMetrics } from '../../../src/telemetry/metrics/plugin-metrics.ts';
import { Meters } from '../page/meters.ts';
import { samplesOf, total } from '../prometheus-text.ts';

const rounds = 5;
const values = 50;

describe('a bounded meter', () => {
  test('has no more series of an instrument than are allowed, however often it is read', async () => {
    const all = new Meters();
    const meter = boundedMeter(all.meter, 10);
    const counter = meter.createCounter('counted');
    const level = meter.createUpDownCounter('level');
    const gauge = meter.createGauge('gauge');
    const histogram = meter.createHistogram('time', { advice: { explicitBucketBoundaries: [1] } });
    for (let round = 0; round < rounds; round += 1) {
      for (let i = 0; i < values; i += 1) {
        const attributes = { invented: `${round}-${i}` };
        counter.add(1, attributes);
        level.add(1, attributes);
        gauge.record(1, attributes);
        histogram.record(1, attributes);
      }
      await all.classic();
    }
    const page = await all.classic();
    for (const name of ['counted_total', 'level', 'gauge', 'time_count']) {
      const series = samplesOf(page).filter((sample) => sample.name === name);
      assert.equal(series.length, 10, name);
      if (name !== 'gauge') assert.equal(total(page, name), rounds * values, `${name}: nothing is lost`);
    }
    const rest = { otel_metric_overflow: 'true' };
    assert.equal(total(page, 'counted_total', rest), rounds * values - 9);
  });

  test('gives back what it took where it took it', async () => {
    const all = new Meters();
    const level = boundedMeter(all.meter, 3).createUpDownCounter('level');
    const attributes: Attributes[] = [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }, {}];
    for (const one of attributes) level.add(1, one);
    await all.classic();
    for (const one of attributes.toReversed()) level.add(-1, one);
    const samples = samplesOf(await all.classic()).filter(({ name }) => name === 'level');
    assert.deepEqual(
      samples.map(({ value }) => value),
      [0, 0, 0],
    );
  });

  test('goes on with the series of an instrument that is made again, and is a meter otherwise', async () => {
    const all = new Meters();
    const meter = boundedMeter(all.meter, 3);
    for (let i = 0; i < 5; i += 1) {
      meter.createCounter('counted').add(1, { i });
      await all.classic();
    }
    meter.createCounter('counted').add(1);
    meter.createObservableGauge('observed').addCallback((result) => result.observe(7));
    const page = await all.classic();
    assert.equal(samplesOf(page).filter(({ name }) => name === 'counted_total').length, 3);
    assert.equal(total(page, 'observed'), 7);
  });

  test('is what plugins get', async () => {
    const plugins = new PluginMetrics(10);
    const all = new Meters({}, { metricProducers: [plugins.producer()] });
    for (let round = 0; round < rounds; round += 1) {
      // A reload asks for it again.
      const counter = plugins.meter('tenant').createCounter('theirs');
      for (let i = 0; i < values; i += 1) counter.add(1, { user: `${round}-${i}` });
      await all.classic();
    }
    const page = await all.classic();
    assert.equal(samplesOf(page).filter(({ name }) => name === 'theirs_total').length, 10);
    assert.equal(total(page, 'theirs_total'), rounds * values);
  });
});
