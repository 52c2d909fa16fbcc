import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { figuresOf } from '../../src/alerts/figures.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { snapshot, threshold } from './fakes.ts';

describe('what a threshold looks at in a snapshot', () => {
  test('is its field, of each upstream or plugin', () => {
    const upstreams = { one: { up: 1 }, other: { up: 0 }, unasked: {} };
    assert.deepEqual(figuresOf(threshold({ field: 'upstreams.*.up' }), snapshot(0, { upstreams })), [
      { of: 'one', value: 1 },
      { of: 'other', value: 0 },
    ]);
  });

  test('is nothing where the figure is absent', () => {
    assert.deepEqual(figuresOf(threshold({ field: 'errorRatio' }), snapshot(0)), []);
  });

  test('is nothing where too few exchanges ended for a ratio', () => {
    const ratio = threshold({ field: 'errorRatio', exchangesMin: 20 });
    assert.deepEqual(figuresOf(ratio, snapshot(0, { errorRatio: 1 })), []);
    assert.deepEqual(figuresOf(ratio, snapshot(0, { errorRatio: 1, exchanges: 19 })), []);
    const enough = snapshot(0, { errorRatio: 1, exchanges: 20 });
    assert.deepEqual(figuresOf(ratio, enough), [{ of: undefined, value: 1 }]);
  });

  test('is nothing where too few exchanges have such a figure, however many there are', () => {
    const row = threshold({
      field: 'firstTokenMs.p95',
      exchangesMin: 20,
      exchangesField: 'firstTokenMs.count',
    });
    const some = (count: number) =>
      snapshot(0, { exchanges: 1_000, firstTokenMs: { count, p50: 1, p95: 9_000 } });
    assert.deepEqual(figuresOf(row, some(19)), []);
    assert.deepEqual(figuresOf(row, some(20)), [{ of: undefined, value: 9_000 }]);
    assert.deepEqual(figuresOf(row, snapshot(0, { exchanges: 1_000 })), []);
  });

  test('is, of a rate, that over its whole window, also where there is less of it', () => {
    const burn = thresholds.find(({ id }) => id === 'token-burn') ?? assert.fail();
    const tokens = { input: 100_000, output: 0, perMinute: 1_200_000 };
    const over = (durationMs: number) => figuresOf(burn, snapshot(0, { durationMs, tokens }));
    // 100,000 tokens in the first five seconds.
    assert.deepEqual(over(5_000), [{ of: undefined, value: 10_000 }]);
    assert.deepEqual(over(burn.windowMs), [{ of: undefined, value: 1_200_000 }]);
    // Looks came late.
    assert.deepEqual(over(2 * burn.windowMs), [{ of: undefined, value: 1_200_000 }]);
    const errors = thresholds.find(({ id }) => id === 'errors') ?? assert.fail();
    const counted = snapshot(0, { durationMs: 5_000, exchanges: 12, errors: 12 });
    assert.deepEqual(figuresOf(errors, counted), [{ of: undefined, value: 12 }]);
  });

  test('is there for every row of the table', () => {
    const full = snapshot(0, {
      exchanges: 100,
      errors: 1,
      errorRatio: 0.01,
      outcomes: { completed: 99, upstream_truncated: 1 },
      responseMs: { count: 100, average: 1, p50: 1, p95: 1, p99: 1 },
      firstTokenMs: { count: 100, p50: 1, p95: 1 },
      tokens: { input: 1, output: 1, perMinute: 1 },
      cpu: { processPercent: 1, capacityPercent: 1 },
      eventLoop: { delayP99Ms: 1, utilization: 1 },
      telemetryDropped: 1,
      plugins: { byState: {}, rejected: { a: 1 }, breakersOpen: { a: 1 } },
      upstreams: { a: { up: 1, certificateDays: 1 } },
    });
    for (const row of thresholds) assert.equal(figuresOf(row, full).length, 1, row.id);
  });
});
