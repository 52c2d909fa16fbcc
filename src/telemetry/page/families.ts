import type { Attributes } from '@opentelemetry/api';
import { DataPointType, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics';
import type { BucketExemplars, ExemplarStore } from '../exemplars.ts';
import { type MetricKind, metricName, unitName } from '../prometheus-names.ts';
import { labelsText } from './labels.ts';

export type Value = number | Histogram;

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
  readonly exemplars: Map<string, BucketExemplars>;
}

/** The families of a page, and the OpenTelemetry names of metrics that could not be on it. */
export class Families {
  readonly leftOut = new Set<string>();
  readonly #families = new Map<string, Family>();
  readonly #exemplars: ExemplarStore | undefined;

  /** @param exemplars Where to look for them, on a page that shows them. */
  constructor(exemplars?: ExemplarStore) {
    this.#exemplars = exemplars;
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
    for (const { attributes, value } of metric.dataPoints) addPoint(family, attributes, value);
    for (const { attributes, buckets } of this.#exemplars?.of(descriptor.name) ?? []) {
      const key = keyOf(kind, attributes);
      family.exemplars.set(key, newest(family.exemplars.get(key), buckets));
    }
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
}

function newFamily(name: string, kind: MetricKind, { descriptor }: MetricData): Family {
  const { unit, description: help } = descriptor;
  return { name, kind, unit: unitName(unit, kind), help, series: new Map(), exemplars: new Map() };
}

function kindOf(metric: MetricData): MetricKind {
  if (metric.dataPointType === DataPointType.GAUGE) return 'gauge';
  if (metric.dataPointType !== DataPointType.SUM) return 'histogram';
  return metric.isMonotonic ? 'counter' : 'up_down_counter';
}

function addPoint({ kind, series }: Family, attributes: Attributes, value: Value): void {
  // A counter that is no number counts nothing.
  if (Number.isNaN(value) && kind === 'counter') return;
  const key = keyOf(kind, attributes);
  const earlier = series.get(key);
  series.set(key, earlier === undefined ? value : together(kind, earlier, value));
}

function keyOf(kind: MetricKind, attributes: Attributes): string {
  return labelsText(attributes, kind === 'histogram' ? 'le' : undefined);
}

/** Two points whose attributes make the same labels are one series. */
function together(kind: MetricKind, earlier: Value, later: Value): Value {
  if (typeof earlier === 'number' || typeof later === 'number')
    return kind === 'gauge' ? later : Number(earlier) + Number(later);
  const { boundaries } = earlier.buckets;
  if (boundaries.join() !== later.buckets.boundaries.join()) return earlier;
  return {
    buckets: { boundaries, counts: earlier.buckets.counts.map((n, i) => n + (later.buckets.counts[i] ?? 0)) },
    sum: (earlier.sum ?? 0) + (later.sum ?? 0),
    count: earlier.count + later.count,
  };
}

function newest(some: BucketExemplars | undefined, others: BucketExemplars): BucketExemplars {
  if (!some) return others;
  return some.map((one, i) => {
    const other = others[i];
    return one && (!other || one.at > other.at) ? one : other;
  });
}
