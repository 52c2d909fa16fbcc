import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  averageOver,
  each,
  per,
  perOver,
  ratioOver,
  stacked,
  summaryOf,
  sumOver,
} from '../../../src/console/page/metrics/figures.ts';
import { timelineOf } from '../../../src/console/page/metrics/timeline.ts';
import type { Snapshot } from '../../../src/snapshots/snapshot.ts';
import { inARow, snapshotAt } from './snapshots.ts';

const errors = (snapshot: Snapshot) => snapshot.errors;
const exchanges = (snapshot: Snapshot) => snapshot.exchanges;

describe('a figure of a chart', () => {
  it('is a gap where a snapshot has none, and zero only where it is zero', () => {
    const timeline = timelineOf(
      inARow([{ responseMs: { count: 1, average: 7, p50: 7, p95: 7, p99: 7 } }, {}]),
    );
    assert.deepEqual(each(({ responseMs }) => responseMs?.p50)(timeline), [7, null]);
    assert.deepEqual(each(({ inFlight }) => inFlight)(timeline), [0, 0]);
  });

  it('is a gap where snapshots are missing', () => {
    const timeline = timelineOf([...inARow([{ exchanges: 5 }]), ...inARow([{ exchanges: 10 }], 60_000)]);
    assert.deepEqual(per(1_000, exchanges)(timeline), [1, null, 2]);
  });

  it('of counts is one per second, or per minute', () => {
    const timeline = timelineOf(inARow([{ exchanges: 30 }, {}]));
    assert.deepEqual(per(1_000, exchanges)(timeline), [6, null]);
    assert.deepEqual(per(60_000, exchanges)(timeline), [360, null]);
  });
});

describe('a figure over a window', () => {
  const rows = [1, 2, 3, 4, 5].map((n) => ({ errors: n, exchanges: 10 }));

  it('is the sum of the window that ends there', () => {
    const timeline = timelineOf(inARow(rows), 0);
    assert.deepEqual(sumOver(10_000, errors)(timeline), [1, 3, 5, 7, 9]);
  });

  it('begins at the end of a stretch that is nearest, where timers are late', () => {
    const late = [snapshotAt(5_200, { durationMs: 5_200, errors: 1 })];
    late.push(snapshotAt(10_000, { durationMs: 4_800, errors: 2 }), snapshotAt(15_000, { errors: 4 }));
    assert.deepEqual(sumOver(10_000, errors)(timelineOf(late, 0)), [1, 3, 6]);
  });

  it('is unknown until the window is, where the service began before', () => {
    const timeline = timelineOf(inARow(rows, 1e9), 0);
    assert.deepEqual(sumOver(15_000, errors)(timeline), [null, null, 6, 9, 12]);
  });

  it('begins anew behind a restart, as in the service', () => {
    const timeline = timelineOf([...inARow(rows.slice(0, 2)), ...inARow(rows.slice(0, 2), 60_000)], 0);
    assert.deepEqual(sumOver(300_000, errors)(timeline), [1, 3, null, 1, 3]);
    const of = timelineOf([...inARow(rows.slice(0, 2), 1e9), ...inARow(rows.slice(0, 2), 2e9)], 0);
    assert.deepEqual(sumOver(300_000, errors)(of), [null, null, null, 1, 3]);
  });

  it('is a ratio of sums, and none where nothing ended', () => {
    const timeline = timelineOf(inARow([{ errors: 0, exchanges: 0 }, ...rows.slice(0, 2)]), 0);
    assert.deepEqual(ratioOver(10_000, errors, exchanges)(timeline), [null, 0.1, 0.15]);
  });

  it('is a rate of all of the window, also of a process that is younger', () => {
    const timeline = timelineOf(inARow(rows.slice(0, 3)), 0);
    assert.deepEqual(perOver(60_000, 60_000, errors)(timeline), [1, 3, 6]);
    assert.deepEqual(perOver(60_000, 10_000, errors)(timeline), [6, 18, 30]);
  });

  it('is an average of levels, weighed by time', () => {
    const busy = (capacityPercent: number) => ({ cpu: { processPercent: 0, capacityPercent } });
    const timeline = timelineOf(inARow([busy(20), busy(40), busy(80)]), 0);
    const cpu = averageOver(10_000, (snapshot) => snapshot.cpu?.capacityPercent);
    assert.deepEqual(cpu(timeline), [10, 30, 60]);
  });

  it('is a gap where the newest snapshot has none', () => {
    const timeline = timelineOf(inARow([{ errors: 1 }, {}]), 0);
    assert.deepEqual(sumOver(60_000, errors)(timeline), [1, null]);
  });
});

describe('stacked series', () => {
  it('stand on those after them', () => {
    assert.deepEqual(
      stacked([
        [1, 0],
        [2, 2],
        [4, 4],
      ]),
      [
        [7, 6],
        [6, 6],
        [4, 4],
      ],
    );
  });

  it('are gaps only where none has a figure', () => {
    assert.deepEqual(
      stacked([
        [1, null, null],
        [2, 2, null],
      ]),
      [
        [3, 2, null],
        [2, 2, null],
      ],
    );
  });
});

describe('the summary of a series', () => {
  it('passes over gaps', () => {
    assert.deepEqual(summaryOf([null, 4, null, 1, null]), { newest: 1, lowest: 1, average: 2.5, highest: 4 });
  });

  it('is of a part', () => {
    assert.deepEqual(summaryOf([9, 4, 2, 9], 1, 3), { newest: 2, lowest: 2, average: 3, highest: 4 });
  });

  it('is nothing of gaps', () => {
    assert.equal(summaryOf([null, null]), undefined);
  });
});
