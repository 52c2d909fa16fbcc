import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { SeriesTree } from '../../../src/telemetry/metrics/series-tree.ts';

describe('series of a metric', () => {
  const tree = (seriesMax = 100) => new SeriesTree(seriesMax, (attributes) => ({ attributes }));

  test('are told apart by all of their attributes', () => {
    const series = tree();
    const all: Attributes[] = [
      {},
      { a: 1 },
      { a: '1' },
      { a: true },
      { a: 'true' },
      { b: 1 },
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      { a: 1, c: 1 },
      { a: [1, 2] },
      { a: [2, 1] },
    ];
    const first = all.map((attributes) => series.find(attributes));
    assert.deepEqual(
      series.all.map(({ attributes }) => attributes),
      all,
    );
    const again = structuredClone(all).map((attributes) => series.find(attributes));
    for (const [i, one] of again.entries()) assert.equal(one, first[i]);
    assert.equal(series.all.length, all.length);
  });

  test('keep the attributes that they were found by', () => {
    const series = tree();
    const attributes = { a: 'x' };
    const found = series.find(attributes);
    attributes.a = 'y';
    assert.deepEqual(found.attributes, { a: 'x' });
    assert.notEqual(series.find(attributes), found);
  });

  test('are as many as may be, with one for all the rest', () => {
    const series = tree(3);
    const [x, y] = [series.find({ a: 'x' }), series.find({ a: 'y' })];
    const rest = [{ a: 'z' }, {}, { b: 'x' }, { a: 'x', b: 'x' }, { a: 'z' }].map((one) => series.find(one));
    assert.deepEqual(
      rest.map(({ attributes }) => attributes),
      Array(5).fill({ 'otel.metric.overflow': true }),
    );
    assert.equal(new Set(rest).size, 1);
    assert.equal(series.find({ a: 'x' }), x);
    assert.equal(series.find({ a: 'y' }), y);
    assert.equal(series.all.length, 3);
  });
});
