import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationScale } from '../../../src/console/page/live/durations.ts';
import { lineOf } from './exchange-lines.ts';

const lasting = (...durations: readonly number[]) => durations.map((durationMs) => lineOf({ durationMs }));

describe('the scale of the durations', () => {
  it('is the 95th percentile, rounded up', () => {
    assert.equal(durationScale(lasting(...Array.from({ length: 100 }, (_, index) => index + 1))), 100);
    assert.equal(durationScale(lasting(130)), 200);
    assert.equal(durationScale(lasting(500)), 500);
    assert.equal(durationScale(lasting(900)), 1_000);
  });

  it('is not made by a few that took very long, nor by sessions', () => {
    assert.equal(durationScale(lasting(...Array.from({ length: 30 }, () => 100), 60_000)), 100);
    assert.equal(durationScale([...lasting(100), lineOf({ kind: 'session', durationMs: 1e7 })]), 100);
  });

  it('is there also where nothing took any time', () => {
    assert.equal(durationScale([]), 1);
    assert.equal(durationScale(lasting(0, 0)), 1);
  });
});
