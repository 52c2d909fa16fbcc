import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nowFigures, pointsMax, sparkPath } from '../../../src/console/page/live/now-figures.ts';
import type { Snapshot } from '../../../src/snapshots/snapshot.ts';

const snapshotOf = (more: Partial<Snapshot>): Snapshot => ({
  at: 0,
  durationMs: 5_000,
  inFlight: 0,
  memory: { rssMb: 1, heapMb: 1 },
  plugins: { byState: {}, rejected: {}, breakersOpen: {} },
  upstreams: {},
  ...more,
});
const figureOf = (label: string, ...args: Parameters<typeof nowFigures>) =>
  nowFigures(...args).find((figure) => figure.label === label);

describe('the figures of now', () => {
  it('are those of the newest snapshot', () => {
    const snapshots = [
      snapshotOf({ exchanges: 5, errorRatio: 0 }),
      snapshotOf({
        exchanges: 50,
        errorRatio: 0.25,
        inFlight: 3,
        responseMs: { count: 1, average: 1, p50: 1, p95: 1_700, p99: 1 },
        tokens: { input: 1, output: 1, perMinute: 12_300 },
      }),
    ];
    const values = Object.fromEntries(
      nowFigures(snapshots, undefined).map(({ label, value }) => [label, value]),
    );
    assert.deepEqual(values, {
      'In flight': '3',
      Exchanges: '10/s',
      Errors: '25%',
      'Duration p95': '1.7\u00a0s',
      'First token p95': '–',
      'Tokens/min': '12.3k',
    });
    assert.deepEqual(figureOf('Exchanges', snapshots, undefined)?.points, [1, 10]);
    assert.equal(figureOf('Errors', snapshots, undefined)?.isBad, true);
    assert.equal(figureOf('Errors', snapshots.slice(0, 1), undefined)?.isBad, undefined);
  });

  it('count those in flight by the newest tick', () => {
    assert.equal(figureOf('In flight', [snapshotOf({ inFlight: 3 })], { inFlight: 8 })?.value, '8');
  });

  it('are unknown before the first snapshot, and where nothing was measured', () => {
    assert.equal(figureOf('Errors', [], undefined)?.value, '–');
    assert.equal(figureOf('Exchanges', [snapshotOf({})], undefined)?.value, '–');
    assert.equal(figureOf('Errors', [snapshotOf({ exchanges: 0 })], undefined)?.value, '0%');
  });

  it('look back over so many snapshots', () => {
    const many = Array.from({ length: 200 }, () => snapshotOf({ exchanges: 1 }));
    assert.equal(figureOf('Exchanges', many, undefined)?.points.length, pointsMax);
  });
});

describe('the line of a sparkline', () => {
  it('ends at the right, and reaches from 0 to the greatest', () => {
    assert.equal(sparkPath([0, 1, 2], 59, 10), 'M57 10L58 5L59 0');
  });

  it('is broken where nothing was measured', () => {
    assert.equal(sparkPath([1, undefined, 1], 59, 10), 'M57 0h.01M59 0h.01');
  });

  it('lies at the bottom where nothing happened, and is nothing where nothing is known', () => {
    assert.equal(sparkPath([0, 0], 59, 10), 'M58 10L59 10');
    assert.equal(sparkPath([], 59, 10), '');
  });
});
