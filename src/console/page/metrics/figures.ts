import type { Snapshot } from '../../../snapshots/snapshot.ts';
import type { Timeline } from './timeline.ts';

/** A value for each point of a timeline; null where there is none, which is a gap and never zero. */
export type Values = readonly (number | null)[];
export type Figure = (timeline: Timeline) => Values;
export type Reader = (snapshot: Snapshot) => number | undefined;

/** As the snapshot has it. */
export function each(read: Reader): Figure {
  return ({ points }) => points.map((snapshot) => (snapshot && read(snapshot)) ?? null);
}

/** Of a count: how many in each `unitMs`. */
export function per(unitMs: number, read: Reader): Figure {
  return each((snapshot) => {
    const count = read(snapshot);
    return count === undefined || snapshot.durationMs <= 0
      ? undefined
      : (count * unitMs) / snapshot.durationMs;
  });
}

/** Of a count: how many in the window that ends there. What alerts judge, in the same words. */
export function sumOver(windowMs: number, read: Reader): Figure {
  return (timeline) => windowSums(timeline, windowMs, read).map((sum) => sum?.total ?? null);
}

/**
 * Of a count: how many in each `unitMs` of the window. Of a process that is younger than the window as if it had done
 * nothing before, like the rates that alerts judge.
 */
export function perOver(unitMs: number, windowMs: number, read: Reader): Figure {
  return (timeline) =>
    windowSums(timeline, windowMs, read).map(
      (sum) => sum && (sum.total * unitMs) / Math.max(windowMs, sum.coveredMs),
    );
}

/** Of a level: its average over the window, weighed by time. Young processes as with `perOver`. */
export function averageOver(windowMs: number, read: Reader): Figure {
  return perOver(1, windowMs, (snapshot) => {
    const level = read(snapshot);
    return level === undefined ? undefined : level * snapshot.durationMs;
  });
}

/** One count as a part of another, over the window; null where that other is 0. */
export function ratioOver(windowMs: number, part: Reader, whole: Reader): Figure {
  return (timeline) => {
    const parts = windowSums(timeline, windowMs, part);
    return windowSums(timeline, windowMs, whole).map((sum, i) => {
      const of = parts[i];
      return sum && of && sum.total > 0 ? of.total / sum.total : null;
    });
  };
}

interface WindowSum {
  readonly total: number;
  readonly coveredMs: number;
}

/** A sum is known where the window is, but for this much of it. */
const coverage = 0.95;

/**
 * Sums over the window that ends at each point; null where its beginning is not known. Behind a gap the service
 * counts from the beginning again, and so does this.
 */
function windowSums({ points, isWhole }: Timeline, windowMs: number, read: Reader): (WindowSum | null)[] {
  let [begin, total, coveredMs] = [0, 0, 0];
  let isFromStart = isWhole;
  return points.map((snapshot, i) => {
    if (!snapshot) {
      [begin, total, coveredMs] = [i + 1, 0, 0];
      isFromStart = true;
      return null;
    }
    const value = read(snapshot);
    total += value ?? 0;
    coveredMs += snapshot.durationMs;
    for (let first = points[begin]; first && begin < i; first = points[begin]) {
      // Half of its stretch lies before the window: the next one begins nearer to where that does.
      if (first.at - first.durationMs / 2 > snapshot.at - windowMs) break;
      total -= read(first) ?? 0;
      coveredMs -= first.durationMs;
      begin += 1;
    }
    const isKnown = isFromStart || coveredMs >= coverage * windowMs;
    return value !== undefined && isKnown ? { total: clean(total), coveredMs } : null;
  });
}

/** Sums of fractions that were taken away again leave dust. */
function clean(total: number): number {
  return Math.abs(total) < 1e-9 ? 0 : total;
}

/** Each series on top of those after it; what a series does not have adds nothing, where another has something. */
export function stacked(series: readonly Values[]): Values[] {
  const heights: (number | null)[] = [];
  return series
    .toReversed()
    .map((values) =>
      values.map((value, i) => {
        const below = heights[i] ?? null;
        const height = value === null ? below : value + (below ?? 0);
        heights[i] = height;
        return height;
      }),
    )
    .toReversed();
}

/** What a table says of a series: of the points from one number up to another. Undefined where all are gaps. */
export interface Summary {
  readonly newest: number;
  readonly lowest: number;
  readonly average: number;
  readonly highest: number;
}

export function summaryOf(values: Values, from = 0, to = values.length): Summary | undefined {
  let [newest, lowest, highest] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [sum, count] = [0, 0];
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    newest = value;
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
    sum += value;
    count += 1;
  }
  return count === 0 ? undefined : { newest, lowest, average: sum / count, highest };
}
