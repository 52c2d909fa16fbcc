import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  around,
  followed,
  labelSides,
  offsetLabel,
  stepFor,
  ticksOf,
  zoomed,
} from '../../../src/console/page/trace/time-axis.ts';
import { Random } from '../../support/random.ts';

const labels = (fromMs: number, toMs: number, originMs = fromMs, max = 6) =>
  ticksOf({ fromMs, toMs }, originMs, max).map(({ label }) => label);

describe('the ticks of the axis', () => {
  test('stand at round moments since the trace began', () => {
    assert.deepEqual(labels(1_000, 1_470), ['0', '100 ms', '200 ms', '300 ms', '400 ms']);
    assert.deepEqual(labels(0, 6_600), ['0', '2 s', '4 s', '6 s']);
    assert.deepEqual(labels(0, 150_000), ['0', '30 s', '1:00 min', '1:30 min', '2:00 min', '2:30 min']);
    assert.deepEqual(labels(0, 3 * 3_600_000), ['0', '1:00 h', '2:00 h', '3:00 h']);
    assert.deepEqual(labels(0, 0.4), ['0', '0.1 ms', '0.2 ms', '0.3 ms', '0.4 ms']);
  });

  test('keep their origin in a part of the time', () => {
    assert.deepEqual(labels(1_205, 1_242, 1_000), ['210 ms', '220 ms', '230 ms', '240 ms']);
    assert.deepEqual(labels(4_200, 4_600, 0), ['4.2 s', '4.3 s', '4.4 s', '4.5 s', '4.6 s']);
    assert.deepEqual(labels(-25, 25, 0), ['−20 ms', '−10 ms', '0', '10 ms', '20 ms']);
  });

  test('are as many as there is room for, in order, different and inside, of any length', () => {
    const random = new Random(3);
    for (let round = 0; round < 2_000; round += 1) {
      const length = 10 ** (random.next() * 12 - 2);
      const fromMs = 1_795_432_287_910 + random.next() * length * 3;
      const max = random.integer(2, 12);
      const ticks = ticksOf({ fromMs, toMs: fromMs + length }, 1_795_432_287_910, max);
      assert.ok(ticks.length <= max, `${ticks.length} of ${max}`);
      assert.equal(new Set(ticks.map(({ label }) => label)).size, ticks.length, JSON.stringify(ticks));
      for (const { atMs } of ticks) {
        assert.ok(atMs >= fromMs - length * 0.01 && atMs <= fromMs + length * 1.01);
      }
    }
  });

  test('have steps that are no shorter than asked for, and round', () => {
    assert.deepEqual(
      [0.03, 1, 1.1, 21, 501, 1_001, 16_000, 61_000, 3_600_001, 90_000_000].map(stepFor),
      [0.05, 1, 2, 50, 1_000, 2_000, 30_000, 120_000, 7_200_000, 172_800_000],
    );
  });

  test('say no more than their step does', () => {
    assert.equal(offsetLabel(1_250, 250), '1.3 s');
    assert.equal(offsetLabel(61_500, 500), '1:01.5 min');
    assert.equal(offsetLabel(3_725_000, 5_000), '1:02:05 h');
  });
});

describe('looking closer', () => {
  const all = { fromMs: 1_000, toMs: 2_000 };

  test('is the part that was dragged over, in either direction, within what there is', () => {
    assert.deepEqual(zoomed(all, 0.25, 0.5), { fromMs: 1_250, toMs: 1_500 });
    assert.deepEqual(zoomed(all, 0.5, 0.25), { fromMs: 1_250, toMs: 1_500 });
    assert.deepEqual(zoomed(all, -3, 0.5), { fromMs: 1_000, toMs: 1_500 });
    assert.equal(zoomed(all, 0.5, 0.500001), undefined);
  });

  test('is a span with a little around it, and never more than there is', () => {
    assert.deepEqual(around(all, 1_400, 1_500), { fromMs: 1_395, toMs: 1_505 });
    assert.deepEqual(around(all, 1_010, 1_800), { fromMs: 1_000, toMs: 1_839.5 });
    // One that took no time at all.
    assert.deepEqual(around(all, 1_500, 1_500), { fromMs: 1_499.95, toMs: 1_500.05 });
    assert.equal(around(all, 1_010, 1_990), undefined);
    assert.equal(around(all, 1_000, 2_000), undefined);
  });

  test('follows what is chosen outside of it, with the same length', () => {
    const view = { fromMs: 1_200, toMs: 1_300 };
    assert.equal(followed(view, 1_250, 1_900), view);
    const { fromMs, toMs } = followed(view, 1_800, 1_805);
    assert.ok(fromMs <= 1_800 && toMs >= 1_805);
    assert.ok(Math.abs(toMs - fromMs - 100) < 1e-9);
    assert.ok(followed(view, 1_000, 1_010).fromMs <= 1_000);
  });
});

describe('the labels of ticks', () => {
  test('are whole, and lie upon nothing', () => {
    const random = new Random(5);
    for (let round = 0; round < 500; round += 1) {
      const view = { fromMs: 0, toMs: 10 ** (random.next() * 8 - 1) };
      const widthPx = random.integer(60, 900);
      const ticks = ticksOf(view, 0, Math.floor(widthPx / 62) + 1);
      let taken = 0;
      for (const [i, side] of labelSides(ticks, view, widthPx).entries()) {
        const { atMs = 0, label = '' } = ticks[i] ?? {};
        const at = (atMs / view.toMs) * widthPx;
        const width = label.length * 7;
        const [from, to] = side === 'before' ? [at - width, at] : [at, at + width];
        if (side === undefined) continue;
        assert.ok(from >= taken + (i > 0 ? 8 : 0) && to <= widthPx, `${label} at ${from} of ${widthPx}`);
        taken = to;
      }
    }
  });

  test('stand before their line at the end', () => {
    const view = { fromMs: 0, toMs: 100 };
    const ticks = ticksOf(view, 0, 6);
    assert.deepEqual(labelSides(ticks, view, 600), ['after', 'after', 'after', 'after', 'after', 'before']);
  });
});
