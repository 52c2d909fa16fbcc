import type { Attributes } from '@opentelemetry/api';
import {
  DataPointType,
  type Histogram,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { labelName, type MetricKind, metricName } from './prometheus-names.ts';

/** The type of what `PrometheusPage.render` returns. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The metrics as a page for Prometheus to scrape, in its classic text format. Names are those that
 * Prometheus gives the same metrics when they come over OTLP, so that dashboards work either way.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class PrometheusPage extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  /** There is nothing to flush, and the page is asked for also while the rest of telemetry is flushed. */
  override async shutdown(): Promise<void> {}

  async render(): Promise<string> {
    const { resourceMetrics } = await this.collect();
    return `${[...lines(resourceMetrics)].join('\n')}\n`;
  }

  /** The sum of a counter's points that pass the filter, by the metric's OpenTelemetry name. */
  async sum(name: string, matches: (attributes: Attributes) => boolean): Promise<number> {
    const { resourceMetrics } = await this.collect();
    let total = 0;
    for (const metric of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
      if (metric.descriptor.name !== name || metric.dataPointType !== DataPointType.SUM) continue;
      for (const point of metric.dataPoints) if (matches(point.attributes)) total += point.value;
    }
    return total;
  }
}

type Value = number | Histogram;

/** Everything of one name. It stands on a page once, and so does each of its label sets. */
interface Family {
  readonly kind: MetricKind;
  readonly help: string;
  readonly series: Map<string, Value>;
}

function* lines({ resource, scopeMetrics }: ResourceMetrics): Generator<string> {
  yield '# HELP target_info Target metadata';
  yield '# TYPE target_info gauge';
  yield `target_info${braced(labels(resource.attributes))} 1`;
  const families = new Map<string, Family>();
  for (const metric of scopeMetrics.flatMap((scope) => scope.metrics)) addTo(families, metric);
  for (const [name, family] of families) yield* familyLines(name, family);
}

/** Of metrics that come out under one name, the first decides what it is; those of another kind are left out. */
function addTo(families: Map<string, Family>, metric: MetricData): void {
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM || metric.dataPoints.length === 0) return;
  const { descriptor } = metric;
  const kind = kindOf(metric);
  const name = metricName(descriptor.name, descriptor.unit, kind);
  const family = families.get(name) ?? { kind, help: descriptor.description, series: new Map() };
  families.set(name, family);
  if (family.kind !== kind) return;
  for (const { attributes, value } of metric.dataPoints) {
    const key = labels(attributes, kind === 'histogram' ? 'le' : undefined);
    const earlier = family.series.get(key);
    family.series.set(key, earlier === undefined ? value : together(kind, earlier, value));
  }
}

function kindOf(metric: MetricData): MetricKind {
  if (metric.dataPointType === DataPointType.GAUGE) return 'gauge';
  if (metric.dataPointType !== DataPointType.SUM) return 'histogram';
  return metric.isMonotonic ? 'counter' : 'up_down_counter';
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

function* familyLines(name: string, { kind, help, series }: Family): Generator<string> {
  yield `# HELP ${name} ${escapeHelp(help)}`;
  yield `# TYPE ${name} ${kind === 'up_down_counter' ? 'gauge' : kind}`;
  for (const [key, value] of series) {
    if (typeof value === 'number') yield `${name}${braced(key)} ${number(value)}`;
    else yield* histogramLines(name, key, value);
  }
}

function* histogramLines(name: string, key: string, { buckets, sum, count }: Histogram): Generator<string> {
  let cumulated = 0;
  for (let i = 0; i < buckets.counts.length; i += 1) {
    cumulated += buckets.counts[i] ?? 0;
    const bound = number(buckets.boundaries[i] ?? Number.POSITIVE_INFINITY);
    yield `${name}_bucket{${key}${key && ','}le="${bound}"} ${cumulated}`;
  }
  yield `${name}_sum${braced(key)} ${number(sum ?? 0)}`;
  yield `${name}_count${braced(key)} ${count}`;
}

/**
 * In one order, whatever the order of the attributes. An empty label is none, and keys that become one name
 * share it, in the order of the keys.
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-attributes
 */
function labels(attributes: Attributes, reserved?: string): string {
  const values = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    const name = labelName(key);
    if (value === undefined || value === null || value === '' || name === reserved) continue;
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    const earlier = values.get(name);
    values.set(name, earlier === undefined ? text : `${earlier};${text}`);
  }
  return [...values.keys()]
    .sort()
    .map((name) => `${name}="${escapeLabel(values.get(name) ?? '')}"`)
    .join(',');
}

function braced(key: string): string {
  return key && `{${key}}`;
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function escapeHelp(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
