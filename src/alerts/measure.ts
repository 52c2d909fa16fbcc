import { errorOutcomes, type Outcome } from '../exchange/outcome.ts';
import { attribute, metric } from '../telemetry/names.ts';
import { labelName, type MetricKind, metricName } from '../telemetry/prometheus-names.ts';
import { faultyReasons } from '../telemetry/sdk/losses.ts';
import { duration } from './duration.ts';
import { histogramSeries } from './rules/histogram-series.ts';
import type { InputSeries, Measure } from './threshold.ts';

/*
 * What thresholds look at, as PromQL. Every expression is aggregated by what tells instances apart, which scraping and
 * OTLP both give: an alert is about one process, however many series the labels of a metric make of it.
 */

interface MetricRow {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: string;
}
type Counter = MetricRow & { readonly kind: 'counter' };
type Gauge = MetricRow & { readonly kind: 'gauge' | 'up_down_counter' };
type Histogram = MetricRow & { readonly kind: 'histogram'; readonly buckets: readonly number[] };

export const instanceLabels = ['job', 'instance'];
const minuteMs = 60_000;

const nameOf = ({ name, unit, kind }: MetricRow) => metricName(name, unit, kind);
const by = (...labels: string[]) => `by (${[...instanceLabels, ...labels].join(', ')})`;

/** The gauge's worst value. The unit is reached by `times` or `dividedBy`, whichever is a whole number. */
export function gauge(
  row: Gauge,
  options: {
    /** The attribute that says whose it is. */
    readonly by?: string;
    readonly worst?: 'max' | 'min';
    readonly times?: number;
    readonly dividedBy?: number;
    readonly lowest?: number;
    readonly highest?: number;
  } = {},
): Measure {
  const { worst = 'max', times = 1, dividedBy = 1, lowest = 0, highest = Number.POSITIVE_INFINITY } = options;
  const own = options.by === undefined ? [] : [labelName(options.by)];
  const scale = (times === 1 ? '' : ` * ${times}`) + (dividedBy === 1 ? '' : ` / ${dividedBy}`);
  return {
    expression: () => `${worst} ${by(...own)} (${nameOf(row)})${scale}`,
    metrics: [row.name],
    lowest,
    highest,
    series: (value) => {
      const labels = Object.fromEntries(own.map((label) => [label, 'one']));
      return [{ name: nameOf(row), labels, value: (value / times) * dividedBy, kind: 'gauge' }];
    },
  };
}

/** Telemetry that was lost within the window on its way to somebody who waits for it. */
export const telemetryLost: Measure = {
  ...boundless([metric.droppedTelemetry]),
  expression: (windowMs) => {
    const lost = `${nameOf(metric.droppedTelemetry)}{${oneOf(attribute.reason, faultyReasons)}}`;
    return `sum ${by()} (increase(${lost}[${duration(windowMs)}]))`;
  },
  series: (value, windowMs) => {
    const perMinute = (value / windowMs) * minuteMs;
    const lost = (reason: string, count: number) =>
      counterSeries(metric.droppedTelemetry, attribute.reason, reason, count);
    // In parts, so that what is not summed up is found out; and beside them what is no fault.
    return [lost('export', perMinute / 2), lost('stdout', perMinute / 2), lost('no_collector', 1)];
  },
};

/** Exchanges that ended so within the window. */
export function ended(outcomes: readonly Outcome[]): Measure {
  return {
    ...boundless([metric.outcomes]),
    expression: (windowMs) => within(`{${oneOf(attribute.outcome, outcomes)}}`, windowMs),
    series: (value, windowMs, exchanges) => outcomeSeries(outcomes, value, windowMs, exchanges),
  };
}

/** Errors within the window that are no mistake of a client's: nobody is to be woken by a key that is not valid. */
export const errors: Measure = { ...ended(errorOutcomes), expression: errorsWithin };

/** Such errors of all exchanges that ended within the window. Where none did it is no number, beyond no limit. */
export const errorRatio: Measure = {
  ...boundless([metric.outcomes]),
  highest: 1,
  expression: (windowMs) => `${errorsWithin(windowMs)} / ${allEnded(windowMs)}`,
  exchanges: allEnded,
  series: (value, windowMs, exchanges) =>
    outcomeSeries(errorOutcomes, value * exchanges, windowMs, (1 - value) * exchanges),
};

function errorsWithin(windowMs: number): string {
  return within(`{${oneOf(attribute.outcome, errorOutcomes)}, ${labelName(attribute.fault)}=""}`, windowMs);
}

function allEnded(windowMs: number): string {
  return within('', windowMs);
}

/** Exchanges with these labels that ended within the window. */
function within(labels: string, windowMs: number): string {
  return `sum ${by()} (increase(${nameOf(metric.outcomes)}${labels}[${duration(windowMs)}]))`;
}

/** A percentile of a histogram in seconds, in ms. What lies beyond the last bucket comes out as its bound. */
export function quantileMs(q: number, row: Histogram): Measure {
  const name = nameOf(row);
  const grown = (series: string, windowMs: number) => `increase(${name}_${series}[${duration(windowMs)}])`;
  return {
    expression: (windowMs) =>
      `histogram_quantile(${q}, sum ${by('le')} (${grown('bucket', windowMs)})) * 1000`,
    exchanges: (windowMs) => `sum ${by()} (${grown('count', windowMs)})`,
    metrics: [row.name],
    // All observations in the first bucket, or beyond the last.
    lowest: q * (row.buckets[0] ?? 0) * 1_000,
    highest: (row.buckets.at(-1) ?? 0) * 1_000,
    series: (value, windowMs, exchanges) => {
      const buckets = histogramSeries(row.buckets, q, value / 1_000);
      const perMinute = ((exchanges / windowMs) * minuteMs) / 2;
      return ['one', 'other'].flatMap((upstream): InputSeries[] => {
        const labels = { [labelName(attribute.upstream)]: upstream };
        const counter = (series: string, own: object, each: number): InputSeries => ({
          name: `${name}_${series}`,
          labels: { ...labels, ...own },
          value: each,
          kind: 'counter',
        });
        return [
          ...buckets.map(({ le, share }) => counter('bucket', { le }, share * perMinute)),
          counter('count', {}, perMinute),
        ];
      });
    },
  };
}

/** The sum of a histogram, for each minute of the window. */
export function sumPerMinute(row: Histogram): Measure {
  const sum = `${nameOf(row)}_sum`;
  return {
    ...boundless([row]),
    isRate: true,
    expression: (windowMs) => `sum ${by()} (rate(${sum}[${duration(windowMs)}])) * 60`,
    series: (value) =>
      ['input', 'output'].map((type) => {
        const labels = { [labelName(attribute.genAiTokenType)]: type };
        return { name: sum, labels, value: value / 2, kind: 'counter' };
      }),
  };
}

/** CPU time of the process, of what one event loop can have, in percent. */
export const cpuPercent: Measure = {
  ...boundless([metric.processCpuTime, metric.processCpuCapacity]),
  isRate: true,
  expression: (windowMs) => {
    const used = `sum ${by()} (rate(${nameOf(metric.processCpuTime)}[${duration(windowMs)}]))`;
    return `100 * ${used} / max ${by()} (${nameOf(metric.processCpuCapacity)})`;
  },
  series: (value) => {
    const capacity = 0.5;
    const secondsPerMinute = (value / 100) * capacity * 60;
    const modes = ['user', 'system'].map((mode) =>
      counterSeries(metric.processCpuTime, attribute.cpuMode, mode, secondsPerMinute / 2),
    );
    const name = nameOf(metric.processCpuCapacity);
    return [...modes, { name, labels: {}, value: capacity, kind: 'gauge' }];
  },
};

function boundless(rows: readonly MetricRow[]) {
  return { metrics: rows.map(({ name }) => name), lowest: 0, highest: Number.POSITIVE_INFINITY };
}

function oneOf(key: string, values: readonly string[]): string {
  return `${labelName(key)}${values.length === 1 ? '=' : '=~'}"${values.join('|')}"`;
}

/** So many within the window end in one of these ways, and so many in another, or by a mistake of the client's. */
function outcomeSeries(
  outcomes: readonly Outcome[],
  count: number,
  windowMs: number,
  others: number,
): InputSeries[] {
  const row = (outcome: Outcome, share: number) =>
    counterSeries(metric.outcomes, attribute.outcome, outcome, (share / windowMs) * minuteMs);
  const mistakes = row('upstream_error', others / 4);
  return [
    ...outcomes.map((outcome) => row(outcome, count / outcomes.length)),
    ...(['completed', 'client_aborted', 'blocked'] as const).map((outcome) => row(outcome, others / 4)),
    { ...mistakes, labels: { ...mistakes.labels, [labelName(attribute.fault)]: 'client' } },
  ];
}

function counterSeries(row: Counter, key: string, label: string, value: number): InputSeries {
  return { name: nameOf(row), labels: { [labelName(key)]: label }, value, kind: 'counter' };
}
