import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresAsJson } from '../../src/admin/figures-as-json.ts';

test('fractions have as many digits as are worth reading, and whole numbers all of theirs', () => {
  const figures = {
    ratio: 0.023809523809523808,
    ms: 782.6086956521739,
    rate: 238385.47570129487,
    tiny: 0.00010199200000010932,
    at: 1795424142786,
    startMs: 1795393115270.0493,
    negative: -0.1 - 0.2,
  };
  assert.deepEqual(JSON.parse(JSON.stringify([figures, 'text', null], figuresAsJson)), [
    {
      ratio: 0.0238095,
      ms: 782.609,
      rate: 238385.476,
      tiny: 0.000101992,
      at: 1795424142786,
      startMs: 1795393115270.049,
      negative: -0.3,
    },
    'text',
    null,
  ]);
});
