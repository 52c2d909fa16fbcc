import type { Snapshot } from '../../../src/snapshots/snapshot.ts';

/** A snapshot of five seconds that nothing happened in, but for what is given. */
export function snapshotAt(at: number, figures: Partial<Snapshot> = {}): Snapshot {
  return {
    at,
    durationMs: 5_000,
    inFlight: 0,
    memory: { rssMb: 150, heapMb: 40 },
    plugins: { byState: {}, rejected: {}, breakersOpen: {} },
    upstreams: {},
    ...figures,
  };
}

/** One after the other, the first one's stretch from time 0 on. */
export function inARow(figures: readonly Partial<Snapshot>[], begin = 0): Snapshot[] {
  return figures.map((one, i) => snapshotAt(begin + (i + 1) * 5_000, one));
}
