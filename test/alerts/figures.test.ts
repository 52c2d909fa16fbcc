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

  test('is there for every row of the table', () => {
    const full = snapshot(0, {
      exchanges: 100,
      errors: 1,
      errorRatio: 0.01,
      outcomes: { completed: 99, upstream_truncated: 1 },
      responseMs: { average: 1, p50: 1, p95: 1, p99: 1 },
      firstTokenMs: { p50: 1, p95: 1 },
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
