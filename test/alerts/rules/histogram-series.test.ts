import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { histogramSeries } from '../../../src/alerts/rules/histogram-series.ts';
import { Random } from '../../support/random.ts';

const bounds = [0.5, 1, 2.5, 5, 10];

/** https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile */
function quantile(q: number, shares: readonly number[]): number {
  const index = shares.findIndex((share) => share >= q - 1e-12);
  const lower = bounds[index - 1] ?? 0;
  const upper = bounds[index];
  if (upper === undefined) return bounds.at(-1) ?? 0;
  const before = shares[index - 1] ?? 0;
  return lower + ((upper - lower) * (q - before)) / ((shares[index] ?? 0) - before);
}

describe('buckets that have a percentile', () => {
  test('lie wherever it is', () => {
    const random = new Random(7);
    for (let round = 0; round < 500; round++) {
      const q = random.pick([0.5, 0.95, 0.99]);
      const value = random.chance(0.2) ? random.pick(bounds) : Math.max(q * 0.5, random.next() * 10);
      const shares = histogramSeries(bounds, q, value).map(({ share }) => share);
      assert.ok(Math.abs(quantile(q, shares) - value) < 1e-6, `${q} ${value}: ${shares}`);
      assert.deepEqual(
        shares,
        shares.toSorted((a, b) => a - b),
      );
      assert.ok((shares[0] ?? 0) >= 0 && shares.at(-1) === 1);
    }
  });

  test('end with all, under the bounds that the page writes', () => {
    assert.deepEqual(histogramSeries([0.5, 1, 2], 0.5, 1.5), [
      { le: '0.5', share: 0 },
      { le: '1.0', share: 0 },
      { le: '2.0', share: 1 },
      { le: '+Inf', share: 1 },
    ]);
  });

  test('are none for what no percentile can be', () => {
    assert.throws(() => histogramSeries(bounds, 0.5, 10.1), /beyond the last bucket/);
  });
});
