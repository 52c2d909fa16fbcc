import type { Attributes } from '@opentelemetry/api';
import { DataPointType, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics';
import type { BucketExemplars } from '../metrics/exemplars.ts';
import type { TracedPoint } from '../metrics/histogram-series.ts';
import { type MetricKind, metricName, unitName } from '../prometheus-names.ts';
import type { PageLabels } from './labels.ts';

/** What a histogram counted, and what leads from its buckets to traces, where it is one that has that. */
export interface Distribution extends Pick<Histogram, 'buckets' | 'count'> {
  readonly sum: number;
  readonly exemplars: BucketExemplars | undefined;
}

export type Value = number | Distribution;

/** Everything of one name. It stands on a page once, and so does each of its label sets. */
export interface Family {
  /** As Prometheus names the series: a counter's ends in `_total`. */
  readonly name: string;
  readonly kind: MetricKind;
  /** In Prometheus's words: `seconds`. Empty where there is none. */
  readonly unit: string;
  readonly help: string;
  /** By the text of their labels. */
  readonly series: Map<string, Value>;
}

/** The families of a page, and the OpenTelemetry names of metrics that could not be on it. */
export class Families {
  readonly leftOut = new Set<string>();
  readonly #families = new Map<string, Family>();
  readonly #labels: PageLabels;

  constructor(labels: PageLabels) {
    this.#labels = labels;
  }

  get all(): Iterable<Family> {
    return this.#families.values();
  }

  /** Of metrics that come out under one name, the first decides what it is; those of another kind are left out. */
  add(metric: MetricData): void {
    const { descriptor, dataPoints } = metric;
    if (dataPoints.length === 0) return;
    const kind = kindOf(metric);
    const name = metricName(descriptor.name, descriptor.unit, kind);
    const family = this.#families.get(name) ?? newFamily(name, kind, metric);
    if (family.kind !== kind || metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
      this.leftOut.add(descriptor.name);
      return;
    }
    if (metric.dataPointType === DataPointType.HISTOGRAM) {
      for (const point of metric.dataPoints) this.#add(family, point.attributes, distributionOf(point));
    } else for (const { attributes, value } of metric.dataPoints) this.#add(family, attributes, value);
    if (family.series.size > 0) this.#families.set(name, family);
  }

  /** Leaves out families of which a sample could be taken for one of an earlier family. */
  separate(namesOf: (family: Family) => readonly string[], taken: Set<string>): void {
    for (const family of this.#families.values()) {
      const names = namesOf(family);
      if (names.some((name) => taken.has(name))) {
        this.#families.delete(family.name);
        this.leftOut.add(family.name);
      } else for (const name of names) taken.add(name);
    }
  }

  #add({ kind, series }: Family, attributes: Attributes, value: Value): void {
    // A counter that is no number counts nothing.
    if (kind === 'counter' && Number.isNaN(value)) return;
    const labels = kind === 'histogram' ? this.#labels.ofHistogram(attributes) : this.#labels.of(attributes);
    const earlier = series.get(labels);
    series.set(labels, earlier === undefined ? value : together(kind, earlier, value));
  }
}

function newFamily(name: string, kind: MetricKind, { descriptor }: MetricData): Family {
  const { unit, description: help } = descriptor;
  return { name, kind, unit: unitName(unit, kind), help, series: new Map() };
}

function kindOf(metric: MetricData): MetricKind {
  if (metric.dataPointType === DataPointType.GAUGE) return 'gauge';
  if (metric.dataPointType !== DataPointType.SUM) return 'histogram';
  return metric.isMonotonic ? 'counter' : 'up_down_counter';
}

/** The SDK's points have no exemplars. */
function distributionOf(point: Pick<TracedPoint, 'value'> & Partial<TracedPoint>): Distribution {
  const { buckets, sum = 0, count } = point.value;
  return { buckets, sum, count, exemplars: point.exemplars };
}

/** Two points whose attributes make the same labels are one series. */
function together(kind: MetricKind, earlier: Value, later: Value): Value {
  if (typeof earlier === 'number' || typeof later === 'number')
    return kind === 'gauge' ? later : Number(earlier) + Number(later);
  const { boundaries } = earlier.buckets;
  if (boundaries.join() !== later.buckets.boundaries.join()) return earlier;
  return {
    buckets: { boundaries, counts: earlier.buckets.counts.map((n, i) => n + (later.buckets.counts[i] ?? 0)) },
    sum: earlier.sum + later.sum,
    count: earlier.count + later.count,
    exemplars: newest(earlier.exemplars, later.exemplars),
  };
}

function newest(some: BucketExemplars = [], others: BucketExemplars = []): BucketExemplars {
  return Array.from({ length: Math.max(some.length, others.length) }, (_, i) => {
    const one = some[i];
    const other = others[i];
    return one && (!other || one.at > other.at) ? one : other;
  });
}
