import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import { type Distribution, quantile } from '../../src/snapshots/quantile.ts';
import { missing } from '../support/is-installed.ts';
import { Random } from '../support/random.ts';

function distribution(boundaries: readonly number[], counts: readonly number[]): Distribution {
  return { boundaries, counts, sum: 0, count: counts.reduce((sum, count) => sum + count, 0) };
}

function randomDistribution(random: Random): Distribution {
  const boundaries: number[] = [];
  let bound = random.chance(0.2) ? -1 : 0;
  for (let i = random.integer(1, 16); i > 0; i -= 1) {
    bound += random.next() + 0.001;
    boundaries.push(bound);
  }
  const counts = Array.from({ length: boundaries.length + 1 }, () =>
    random.chance(0.4) ? 0 : random.integer(1, 1_000),
  );
  return distribution(boundaries, counts);
}

/** From the definition: the sums up to each bound, and the first of them that reaches the rank. */
function byDefinition({ boundaries, counts }: Distribution, q: number): number | undefined {
  const sums = counts.map((_, i) => counts.slice(0, i + 1).reduce((sum, count) => sum + count, 0));
  const total = sums.at(-1) ?? 0;
  if (total === 0) return undefined;
  const bounds = [...boundaries, Number.POSITIVE_INFINITY];
  const bucket = sums.findIndex((sum) => sum >= q * total);
  const [upper = 0, lower = 0] = [bounds[bucket], bounds[bucket - 1]];
  if (upper === Number.POSITIVE_INFINITY) return boundaries.at(-1);
  if (bucket === 0 && upper <= 0) return upper;
  const before = sums[bucket - 1] ?? 0;
  return lower + (upper - lower) * ((q * total - before) / ((sums[bucket] ?? 0) - before));
}

describe('a quantile', () => {
  test('lies on the line through its bucket', () => {
    assert.equal(quantile(distribution([1, 2, 4], [0, 10, 0, 0]), 0.5), 1.5);
    assert.equal(quantile(distribution([1, 2, 4], [10, 0, 10, 0]), 0.75), 3);
    assert.equal(quantile(distribution([1, 2, 4], [10, 0, 0, 0]), 0.5), 0.5);
  });

  test('at the end of a bucket is its bound', () => {
    assert.equal(quantile(distribution([1, 2, 4], [5, 5, 0, 0]), 0.5), 1);
    assert.equal(quantile(distribution([1, 2, 4], [5, 5, 0, 0]), 1), 2);
  });

  test('above all bounds is the last of them', () => {
    assert.equal(quantile(distribution([1, 2, 4], [1, 0, 0, 99]), 0.5), 4);
  });

  test('is none where nothing was counted', () => {
    assert.equal(quantile(distribution([1, 2, 4], [0, 0, 0, 0]), 0.5), undefined);
    assert.equal(quantile(distribution([], [5]), 0.5), undefined);
  });

  test('is that of the definition, for any histogram', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const random = new Random(seed);
      const one = randomDistribution(random);
      for (const q of [0, 0.5, 0.95, 0.99, 1, random.next()])
        assert.equal(quantile(one, q), byDefinition(one, q), `seed ${seed}, q ${q}`);
    }
  });

  const skip = missing(['promtool'], "the comparison with Prometheus's own arithmetic");
  test('is the number that histogram_quantile gives, to the last bit', { skip }, () => {
    const all = Array.from({ length: 100 }, (_, seed) => ({
      seed,
      one: randomDistribution(new Random(seed)),
    }));
    const seeds = all.filter(({ one }) => one.count > 0);
    const input_series = seeds.flatMap(({ seed, one }) => {
      let sum = 0;
      return one.counts.map((count, i) => {
        sum += count;
        return { series: `x_bucket{seed="${seed}",le="${one.boundaries[i] ?? '+Inf'}"}`, values: `${sum}` };
      });
    });
    const promql_expr_test = [0.5, 0.95, 0.99].map((q) => ({
      expr: `histogram_quantile(${q}, x_bucket)`,
      eval_time: '0s',
      exp_samples: seeds.map(({ seed, one }) => ({ labels: `{seed="${seed}"}`, value: quantile(one, q) })),
    }));
    const folder = mkdtempSync(join(tmpdir(), 'sightline-quantile-'));
    try {
      const file = join(folder, 'test.yml');
      writeFileSync(file, stringify({ tests: [{ interval: '1m', input_series, promql_expr_test }] }));
      execFileSync('promtool', ['test', 'rules', file], { stdio: 'pipe' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
