import type { Attributes, HrTime } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import type { DataPoint, Histogram as HistogramValue } from '@opentelemetry/sdk-metrics';
import type { BucketExemplars, Exemplar, ExemplarDemand, TraceIds } from './exemplars.ts';

/** A point with what leads from its buckets to traces, which the SDK's points have not. */
export interface TracedPoint extends DataPoint<HistogramValue> {
  readonly exemplars: BucketExemplars;
}

/** What was recorded since some moment. */
interface Sums {
  readonly since: HrTime;
  readonly counts: number[];
  sum: number;
  count: number;
  min: number;
  max: number;
}

/** What was recorded with one set of attributes. */
export class HistogramSeries {
  readonly #attributes: Attributes;
  /** Upper bounds, rising. Each belongs to the bucket below it. */
  readonly #bounds: readonly number[];
  readonly #demand: ExemplarDemand;
  /** The first since the beginning; then one for each reader that wants what is new to it. */
  readonly #sums: Sums[];
  readonly #exemplars: (Exemplar | undefined)[] = [];

  constructor(
    attributes: Attributes,
    bounds: readonly number[],
    demand: ExemplarDemand,
    deltaReaders: number,
  ) {
    this.#attributes = attributes;
    this.#bounds = bounds;
    this.#demand = demand;
    const now = millisToHrTime(Date.now());
    this.#sums = Array.from({ length: 1 + deltaReaders }, () => emptySums(bounds, now));
  }

  /** @param trace Where it comes from: the newest of each bucket leads there. */
  record(value: number, trace?: TraceIds): void {
    // Such a value would spoil the sum for ever; the SDK's histograms leave it out too.
    if (!(value >= 0)) return;
    const bucket = bucketOf(this.#bounds, value);
    for (const sums of this.#sums) {
      (sums.counts[bucket] as number) += 1;
      sums.sum += value;
      sums.count += 1;
      if (value < sums.min) sums.min = value;
      if (value > sums.max) sums.max = value;
    }
    if (trace && (trace.flags & 1) === 1 && this.#demand.isThere)
      this.#exemplars[bucket] = { value, at: Date.now(), trace };
  }

  /** All since the beginning; undefined where that is nothing. */
  total(endTime: HrTime): TracedPoint | undefined {
    const [sums] = this.#sums;
    // Who reads it may take some time.
    return sums && this.#point(sums, sums.counts.slice(), endTime);
  }

  /** What this reader has not taken yet. */
  take(deltaReader: number, endTime: HrTime): TracedPoint | undefined {
    const sums = this.#sums[deltaReader + 1];
    if (!sums) return undefined;
    this.#sums[deltaReader + 1] = emptySums(this.#bounds, endTime);
    return this.#point(sums, sums.counts, endTime);
  }

  #point(
    { since: startTime, count, sum, min, max }: Sums,
    counts: number[],
    endTime: HrTime,
  ): TracedPoint | undefined {
    if (count === 0) return undefined;
    const value = { buckets: { boundaries: this.#bounds as number[], counts }, sum, count, min, max };
    return { startTime, endTime, attributes: this.#attributes, value, exemplars: this.#exemplars };
  }
}

function emptySums(bounds: readonly number[], since: HrTime): Sums {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  return { since, counts, sum: 0, count: 0, min: Number.POSITIVE_INFINITY, max: 0 };
}

function bucketOf(bounds: readonly number[], value: number): number {
  let i = 0;
  while (i < bounds.length && value > (bounds[i] as number)) i += 1;
  return i;
}
