import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seriesNotation } from '../../../src/alerts/rules/series-notation.ts';
import { Random } from '../../support/random.ts';

/** https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series */
function samples(notation: string): number[] {
  return notation.split(' ').flatMap((part) => {
    const [, first = '', growth = '', more = ''] = /^(-?[\d.e-]+)\+([\d.e-]+)x(\d+)$/.exec(part) ?? [];
    const values = [Number(first)];
    for (let n = 0; n < Number(more); n++) values.push((values.at(-1) ?? 0) + Number(growth));
    return values;
  });
}

describe('series for promtool', () => {
  test('of counters begin with zero, and grow step by step', () => {
    const notation = seriesNotation('counter', [
      { value: 1, steps: 3 },
      { value: 5, steps: 2 },
      { value: 0, steps: 2 },
    ]);
    assert.equal(notation, '0+1x3 8+5x1 13+0x1');
    assert.deepEqual(samples(notation), [0, 1, 2, 3, 8, 13, 13, 13]);
  });

  test('of gauges stand where they are', () => {
    const notation = seriesNotation('gauge', [
      { value: 7, steps: 2 },
      { value: -1, steps: 1 },
    ]);
    assert.equal(notation, '7+0x2 -1+0x0');
    assert.deepEqual(samples(notation), [7, 7, 7, -1]);
  });

  test('of counters never fall, whatever is rounded', () => {
    const random = new Random(3);
    for (let round = 0; round < 200; round++) {
      const stretches = Array.from({ length: 4 }, () => ({
        value: random.chance(0.3) ? 0 : random.next() * 10 ** random.integer(-3, 6),
        steps: random.integer(0, 60),
      }));
      const all = samples(seriesNotation('counter', stretches));
      assert.ok(all.every((value, index) => index === 0 || value >= (all[index - 1] ?? 0)));
    }
  });
});
