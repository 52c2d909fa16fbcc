import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arrivals, dayMs, loadAt } from '../../src/demo/tide.ts';

function comingsOf(seed: number, rate: number, untilMs: number): number[] {
  const found: number[] = [];
  for (const at of arrivals(seed, rate)) {
    if (at > untilMs) return found;
    found.push(at);
  }
  return found;
}

describe('the tide of the demo', () => {
  it('is the usual load on average over a day, with a quiet night and a busy noon', () => {
    const loads = Array.from({ length: 600 }, (_, second) => loadAt((second * dayMs) / 600));
    const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
    assert.ok(Math.abs(mean - 1) < 1e-9);
    assert.ok(Math.min(...loads) > 0.2 && Math.min(...loads) < 0.3);
    assert.ok(Math.max(...loads) > 1.5 && Math.max(...loads) < 1.7);
  });

  it('brings as many visits a day as the rate says, more of them by day than by night', () => {
    const day = comingsOf(1, 10, dayMs);
    assert.ok(Math.abs(day.length - 6_000) < 300, `${day.length}`);
    assert.deepEqual(
      day,
      day.toSorted((a, b) => a - b),
    );
    const within = (from: number, to: number) =>
      day.filter((at) => at >= from * dayMs && at < to * dayMs).length;
    // It begins at three tenths of a day.
    assert.ok(within(0.1, 0.3) > 2.5 * within(0.6, 0.8));
  });

  it('is the same for the same seed', () => {
    assert.deepEqual(comingsOf(3, 10, 10_000), comingsOf(3, 10, 10_000));
    assert.notDeepEqual(comingsOf(3, 10, 10_000), comingsOf(4, 10, 10_000));
  });
});
