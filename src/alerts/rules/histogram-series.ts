import { boundText } from '../../telemetry/page/numbers.ts';

/** A bucket of a histogram, and what share of all observations it and the ones below have. */
export interface BucketShare {
  /** As the page writes it. */
  readonly le: string;
  readonly share: number;
}

/** Buckets whose `histogram_quantile(q, …)` is exactly this: linear within the one where it lies. */
export function histogramSeries(bounds: readonly number[], q: number, value: number): BucketShare[] {
  const index = bounds.findIndex((bound) => value <= bound);
  if (index < 0) throw new Error(`${value} lies beyond the last bucket, where no percentile can be`);
  const lower = bounds[index - 1] ?? 0;
  const fraction = (value - lower) / ((bounds[index] ?? 0) - lower);
  // The percentile's rank is `q`; it has to be `fraction` of the way through what the bucket holds.
  const below = fraction < q ? (q - fraction) / (1 - fraction) : 0;
  const upTo = fraction < q ? 1 : q / fraction;
  return [
    ...bounds.map((bound, at) => ({
      le: boundText(bound),
      share: at < index ? below : at === index ? upTo : 1,
    })),
    { le: boundText(Number.POSITIVE_INFINITY), share: 1 },
  ];
}
