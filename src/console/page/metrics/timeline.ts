import type { Snapshot } from '../../../snapshots/snapshot.ts';
import type { Stretch } from './view.ts';

/**
 * Snapshots as charts draw them: each stands at the end of its stretch, and where stretches do not touch, since the
 * service was restarted or nobody listened, a point without a snapshot keeps lines from crossing what nobody knows.
 */
export interface Timeline {
  /** Of each point, seconds since the epoch: what uPlot takes. */
  readonly xs: readonly number[];
  /** Undefined: a gap. */
  readonly points: readonly (Snapshot | undefined)[];
  /** Nothing came before the first: the service had just started. */
  readonly isWhole: boolean;
}

/** Clocks are set, timers are late: a hole that is smaller is none. */
const holeMs = 1_000;
/** The first snapshot begins so soon after the service does. */
const startMs = 10_000;

export function timelineOf(snapshots: readonly Snapshot[], startedAtMs = Number.NEGATIVE_INFINITY): Timeline {
  const xs: number[] = [];
  const points: (Snapshot | undefined)[] = [];
  let last: Snapshot | undefined;
  for (const snapshot of snapshots) {
    const begin = snapshot.at - snapshot.durationMs;
    if (last && begin - last.at > Math.max(holeMs, snapshot.durationMs / 2)) {
      xs.push((last.at + begin) / 2 / 1000);
      points.push(undefined);
    }
    xs.push(snapshot.at / 1000);
    points.push(snapshot);
    last = snapshot;
  }
  const [first] = snapshots;
  const isWhole =
    first !== undefined &&
    Math.abs(first.at - first.durationMs - startedAtMs) < Math.max(startMs, 2 * first.durationMs);
  return { xs, points, isWhole };
}

/** From the beginning of the first snapshot to the newest, ms since the epoch; undefined where there is none. */
export function knownOf(snapshots: readonly Snapshot[]): Stretch | undefined {
  const [first] = snapshots;
  const newest = snapshots.at(-1);
  return first && newest && { from: first.at - first.durationMs, to: newest.at };
}

/** The points from one moment to another (ms), and one more on either side, so that lines run on to the edge. */
export function indexesWithin({ xs }: Timeline, fromMs: number, toMs: number): [from: number, to: number] {
  const from = Math.max(0, firstFrom(xs, fromMs / 1000) - 1);
  const to = Math.min(xs.length, firstFrom(xs, toMs / 1000) + 1);
  return [from, Math.max(from, to)];
}

/** Number of the snapshot nearest to a moment (ms); undefined where there is none. */
export function indexNear({ xs, points }: Timeline, atMs: number): number | undefined {
  const after = firstFrom(xs, atMs / 1000);
  const distance = (i: number) => Math.abs((points[i]?.at ?? Number.POSITIVE_INFINITY) - atMs);
  const near = [after - 2, after - 1, after, after + 1].filter((i) => points[i] !== undefined);
  return near.reduce<number | undefined>(
    (best, i) => (best === undefined || distance(i) < distance(best) ? i : best),
    undefined,
  );
}

/** Number of the snapshot so many further on (negative: back), at most the last (first). */
export function indexAfter({ points }: Timeline, index: number, steps: number): number {
  const direction = Math.sign(steps);
  let found = index;
  let left = Math.abs(steps);
  for (let i = index + direction; left > 0 && i >= 0 && i < points.length; i += direction)
    if (points[i]) {
      found = i;
      left -= 1;
    }
  return found;
}

/** Of those that rise, the first that is not below; their number where all are. */
function firstFrom(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((xs[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
