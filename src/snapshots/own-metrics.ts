import {
  DataPointType,
  type HistogramMetricData,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { scope } from '../telemetry/names.ts';
import type { Distribution } from './quantile.ts';

/** A metric of ours: instruments of plugins may bear any name, in scopes of their own. */
export function ownMetric(
  { scopeMetrics }: ResourceMetrics,
  { name }: { readonly name: string },
): MetricData | undefined {
  return scopeMetrics
    .filter((one) => one.scope.name === scope.name)
    .flatMap(({ metrics }) => metrics)
    .find(({ descriptor }) => descriptor.name === name);
}

export type HistogramPoint = HistogramMetricData['dataPoints'][number];

/** None of what is no histogram. */
export function histogramPoints(data: MetricData | undefined): readonly HistogramPoint[] {
  return data?.dataPointType === DataPointType.HISTOGRAM ? data.dataPoints : [];
}

/** All that points of one histogram have counted; undefined where there is no point. */
export function distributionOf(points: readonly HistogramPoint[]): Distribution | undefined {
  const [first] = points;
  if (!first) return undefined;
  const counts = first.value.buckets.counts.map(() => 0);
  let sum = 0;
  let count = 0;
  for (const { value } of points) {
    value.buckets.counts.forEach((n, i) => {
      counts[i] = (counts[i] ?? 0) + n;
    });
    sum += value.sum ?? 0;
    count += value.count;
  }
  return { boundaries: first.value.buckets.boundaries, counts, sum, count };
}
