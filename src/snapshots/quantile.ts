/** What a histogram has counted. */
export interface Distribution {
  /** Upper ends of the buckets, rising. */
  readonly boundaries: readonly number[];
  /** By bucket; one more than boundaries: the last is of what lies above all of them. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/**
 * The quantile `q` (0 to 1), as Prometheus's `histogram_quantile` estimates it: linear within the bucket that it
 * falls in, whose lower end is 0 for the first; the highest boundary where it falls above all of them. Undefined
 * where nothing was counted.
 * https://github.com/prometheus/prometheus/blob/v2.42.0/promql/quantile.go (bucketQuantile)
 */
export function quantile({ boundaries, counts }: Distribution, q: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0 || boundaries.length === 0) return undefined;
  const rank = q * total;
  let below = 0;
  let bucket = 0;
  while (bucket < boundaries.length && below + (counts[bucket] ?? 0) < rank) {
    below += counts[bucket] ?? 0;
    bucket += 1;
  }
  const end = boundaries[bucket];
  if (end === undefined) return boundaries.at(-1);
  if (bucket === 0 && end <= 0) return end;
  const start = boundaries[bucket - 1] ?? 0;
  return start + (end - start) * ((rank - below) / (counts[bucket] ?? 0));
}
