import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withNewer } from '../../../src/console/page/state/kept-snapshots.ts';
import type { Snapshot } from '../../../src/snapshots/snapshot.ts';

const at = (...times: readonly number[]) => times.map((time) => ({ at: time }) as Snapshot);

describe('the snapshots that the page keeps', () => {
  it('has each once, also where they come on two ways', () => {
    assert.deepEqual(withNewer(at(1, 2), at(2, 3), 10), at(1, 2, 3));
    const kept = at(1, 2);
    assert.equal(withNewer(kept, at(1, 2), 10), kept);
  });

  it('is bounded: the oldest make room', () => {
    assert.deepEqual(withNewer(at(1, 2), at(3, 4), 3), at(2, 3, 4));
    assert.deepEqual(withNewer([], at(1, 2, 3), 2), at(2, 3));
  });
});
