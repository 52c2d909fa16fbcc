import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  indexAfter,
  indexesWithin,
  indexNear,
  knownOf,
  timelineOf,
} from '../../../src/console/page/metrics/timeline.ts';
import { inARow, snapshotAt } from './snapshots.ts';

const isGap = (snapshot: unknown) => snapshot === undefined;

describe('the timeline of the charts', () => {
  it('has a point for each snapshot, in seconds', () => {
    const { xs, points } = timelineOf(inARow([{}, {}, {}]));
    assert.deepEqual(xs, [5, 10, 15]);
    assert.equal(points.filter(isGap).length, 0);
  });

  it('has a gap where stretches do not touch, between them', () => {
    const { xs, points } = timelineOf([...inARow([{}]), ...inARow([{}], 60_000)]);
    assert.deepEqual(xs, [5, 32.5, 65]);
    assert.deepEqual(points.map(isGap), [false, true, false]);
  });

  it('is known from the beginning of its first snapshot', () => {
    assert.deepEqual(knownOf(inARow([{}, {}, {}])), { from: 0, to: 15_000 });
    assert.equal(knownOf([]), undefined);
  });

  it('takes a late timer for no gap', () => {
    const late = { ...snapshotAt(10_800), durationMs: 5_100 };
    assert.deepEqual(timelineOf([snapshotAt(5_000), late]).xs, [5, 10.8]);
  });

  it('keeps rising where the clock was set back', () => {
    assert.deepEqual(timelineOf([snapshotAt(5_000), snapshotAt(5_001)]).xs, [5, 5.001]);
  });

  it('knows whether it begins with the service', () => {
    const snapshots = inARow([{}], 1_000_000);
    assert.equal(timelineOf(snapshots, 999_500).isWhole, true);
    assert.equal(timelineOf(snapshots, 100_000).isWhole, false);
    assert.equal(timelineOf(snapshots).isWhole, false);
    // Restarted while the page stayed: the first snapshots are of the process before.
    assert.equal(timelineOf(snapshots, 5_000_000).isWhole, false);
  });

  it('is nothing of nothing', () => {
    assert.deepEqual(timelineOf([], 0), { xs: [], points: [], isWhole: false });
  });
});

describe('a moment of the timeline', () => {
  const timeline = timelineOf([...inARow([{}, {}]), ...inARow([{}, {}], 60_000)]);

  it('is the snapshot that is nearest, never a gap', () => {
    assert.equal(indexNear(timeline, 6_000), 0);
    assert.equal(indexNear(timeline, 9_000), 1);
    assert.equal(indexNear(timeline, 30_000), 1);
    assert.equal(indexNear(timeline, 45_000), 3);
    assert.equal(indexNear(timeline, 0), 0);
    assert.equal(indexNear(timeline, 1e12), 4);
    assert.equal(indexNear(timelineOf([]), 0), undefined);
  });

  it('goes on by snapshots, over gaps, to the last at most', () => {
    assert.equal(indexAfter(timeline, 1, 1), 3);
    assert.equal(indexAfter(timeline, 3, -1), 1);
    assert.equal(indexAfter(timeline, 0, 12), 4);
    assert.equal(indexAfter(timeline, 4, -12), 0);
  });

  it('is looked for one further on both sides of a stretch', () => {
    assert.deepEqual(indexesWithin(timeline, 9_000, 66_000), [0, 5]);
    assert.deepEqual(indexesWithin(timeline, 0, 4_000), [0, 1]);
    assert.deepEqual(indexesWithin(timelineOf([]), 0, 4_000), [0, 0]);
  });
});
