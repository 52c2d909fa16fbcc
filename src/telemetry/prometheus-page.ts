import type { Attributes } from '@opentelemetry/api';
import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

/** The type of what `PrometheusPage.render` returns. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The metrics as a page for Prometheus to scrape, in its classic text format. Names are those that
 * Prometheus gives the same metrics when they come over OTLP (`UnderscoreEscapingWithSuffixes`), so that
 * dashboards work either way.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class PrometheusPage extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

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

function* lines({ resource, scopeMetrics }: ResourceMetrics): Generator<string> {
  yield '# HELP target_info Target metadata';
  yield '# TYPE target_info gauge';
  yield `target_info${labelSet(resource.attributes)} 1`;
  for (const metric of scopeMetrics.flatMap((scope) => scope.metrics)) {
    if (metric.dataPoints.length > 0) yield* metricLines(metric);
  }
}

function* metricLines(metric: MetricData): Generator<string> {
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) return;
  const isCounter = metric.dataPointType === DataPointType.SUM && metric.isMonotonic;
  const isHistogram = metric.dataPointType === DataPointType.HISTOGRAM;
  const name = metricName(
    metric.descriptor.name,
    metric.descriptor.unit,
    isCounter,
    !isCounter && !isHistogram,
  );
  yield `# HELP ${name} ${escapeHelp(metric.descriptor.description)}`;
  yield `# TYPE ${name} ${isHistogram ? 'histogram' : isCounter ? 'counter' : 'gauge'}`;
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    for (const point of metric.dataPoints) yield* histogramLines(name, point);
  } else {
    for (const point of metric.dataPoints)
      yield `${name}${labelSet(point.attributes)} ${number(point.value)}`;
  }
}

function* histogramLines(name: string, { attributes, value }: DataPoint<Histogram>): Generator<string> {
  const { boundaries, counts } = value.buckets;
  let cumulated = 0;
  for (let i = 0; i < counts.length; i += 1) {
    cumulated += counts[i] ?? 0;
    const bound = boundaries[i];
    yield `${name}_bucket${labelSet(attributes, bound === undefined ? '+Inf' : number(bound))} ${cumulated}`;
  }
  yield `${name}_sum${labelSet(attributes)} ${number(value.sum ?? 0)}`;
  yield `${name}_count${labelSet(attributes)} ${value.count}`;
}

/** UCUM units as Prometheus spells them; annotations in braces are no units. */
const unitNames: Readonly<Record<string, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  min: 'minutes',
  h: 'hours',
  d: 'days',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  '%': 'percent',
  Cel: 'celsius',
};

/** https://prometheus.io/docs/guides/opentelemetry/#utf-8, `UnderscoreEscapingWithSuffixes`. */
export function metricName(name: string, unit: string, isCounter: boolean, isGauge: boolean): string {
  const parts = name.split(/[^a-zA-Z0-9]+/).filter((part) => part !== '');
  const bare = unit.replace(/\{[^}]*\}/g, '');
  const suffix = bare === '1' ? (isGauge ? 'ratio' : undefined) : unitNames[bare];
  if (suffix !== undefined && !parts.includes(suffix)) parts.push(suffix);
  if (isCounter) {
    // A counter's own `total` moves to the end.
    const rest = parts.filter((part) => part !== 'total');
    return [...rest, 'total'].join('_');
  }
  const joined = parts.join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

function labelSet(attributes: Attributes, le?: string): string {
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    const name = key.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=[0-9])/, '_');
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    const earlier = labels.get(name);
    labels.set(name, earlier === undefined ? text : `${earlier};${text}`);
  }
  if (le !== undefined) labels.set('le', le);
  if (labels.size === 0) return '';
  return `{${Array.from(labels, ([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`;
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
