import { duration } from '../../../src/alerts/duration.ts';
import { attribute, metric, tagPrefix } from '../../../src/telemetry/names.ts';
import { labelName, type MetricKind, metricName } from '../../../src/telemetry/prometheus-names.ts';

/*
 * PromQL in the words of `telemetry/names.ts`: rows instead of names of metrics, attributes instead of labels. Every
 * selector has the filters of the dashboard's variables, and every rate its interval.
 */

type MetricTable = typeof metric;
type MetricKey = keyof MetricTable;
type AnyRow = { readonly name: string; readonly unit: string; readonly kind: MetricKind };
export type Counter = Extract<MetricTable[MetricKey], { readonly kind: 'counter' }>;
export type Histogram = Extract<MetricTable[MetricKey], { readonly kind: 'histogram' }>;
export type Gauge =
  | Extract<MetricTable[MetricKey], { readonly kind: 'gauge' | 'up_down_counter' }>
  | (typeof foreign)[keyof typeof foreign];

/** What others measure beside us: the SDK of OpenTelemetry, and Prometheus itself. */
export const foreign = {
  spanQueueSize: { name: 'otel.sdk.processor.span.queue.size', unit: '{span}', kind: 'up_down_counter' },
  spanQueueCapacity: {
    name: 'otel.sdk.processor.span.queue.capacity',
    unit: '{span}',
    kind: 'up_down_counter',
  },
  targetInfo: { name: 'target_info', unit: '', kind: 'up_down_counter' },
  /** Written by Prometheus for each alert of its rules that is pending or fires. */
  prometheusAlerts: { name: 'ALERTS', unit: '', kind: 'up_down_counter' },
} as const satisfies Record<string, AnyRow>;

/** The label that `request-tags` and the plugin `tenant` make of a tenant. */
export const tenant = `${tagPrefix}tenant`;

/** The variables of dashboards that narrow down what is seen, beside `job` and `instance`, by the attribute. */
export const narrowing = {
  upstream: attribute.upstream,
  model: attribute.genAiRequestModel,
  tenant,
} as const;
export type Narrowing = keyof typeof narrowing;

/** Which of them a metric has the labels for: what it has not would find nothing. */
const narrowableBy: { readonly [K in MetricKey]?: readonly Narrowing[] } = {
  httpDuration: ['upstream', 'tenant'],
  httpActive: ['upstream'],
  operationDuration: ['upstream', 'model', 'tenant'],
  tokenUsage: ['upstream', 'model', 'tenant'],
  tokenDetails: ['upstream', 'model', 'tenant'],
  timeToFirstChunk: ['upstream', 'model', 'tenant'],
  timePerOutputChunk: ['upstream', 'model', 'tenant'],
  outcomes: ['upstream'],
  sessionDuration: ['upstream', 'tenant'],
  sessionRefusals: ['upstream', 'tenant'],
  sessionActive: ['upstream'],
  sessionMessages: ['upstream'],
  sessionBytes: ['upstream'],
  sessionRefusedMessages: ['upstream'],
  upstreamConnects: ['upstream'],
  unobservedReplies: ['upstream'],
  upstreamUp: ['upstream'],
  upstreamCertificate: ['upstream'],
};

/** PromQL's matchers by attribute: `{ [attribute.outcome]: oneOf(['failed']) }`. */
export type Where = Readonly<Record<string, string>>;

export interface Scope {
  /** The attributes to tell series apart by; without any, it is one series. */
  readonly by?: readonly string[];
  readonly where?: Where;
  /** Only these of the variables that the metric has labels for. */
  readonly narrowedBy?: readonly Narrowing[];
  /** Looks back so far, as an alert does; without it, so far as the zoom asks for. */
  readonly withinMs?: number;
}

/**
 * For figures and tables of now. Grafana's own interval is the shortest where one looks closely, a few scrapes with
 * hardly a request in them, and hours where one looks at a month.
 */
export const lately = { withinMs: 300_000 } as const;

export const is = (value: string) => `="${value}"`;
export const oneOf = (values: readonly string[]) => `=~"${values.join('|')}"`;
export const present = '!=""';
export const absent = '=""';

/** Of `foreign.prometheusAlerts`: ours that fire. */
export const firing: Where = { alertname: '=~"Sightline.+"', alertstate: is('firing') };

/** A series for each instance, as the alerts look at them. */
export const byInstance = ['job', 'instance'] as const;

/** How many a second. */
export function rate(row: Counter, scope: Scope = {}): string {
  return sum(perSecond(selector(row, scope), scope), scope);
}

/** How many within a window, or within the time range of the dashboard. */
export function increase(row: Counter | Histogram, scope: Scope = {}, window = '$__range'): string {
  return sum(`increase(${selector(row, scope, countSuffix(row))}[${window}])`, scope);
}

/**
 * How many of what seldom happens. A series begins with its first event, which neither `rate` nor `increase` can see:
 * that one is added.
 */
export function counted(row: Counter | Histogram, scope: Scope = {}): string {
  const series = selector(row, scope, countSuffix(row));
  const isNew = `(${series} unless ${series} offset $__rate_interval) > bool 0`;
  const first = `label_replace(${isNew}, "first", "1", "", "")`;
  return sum(`increase(${series}[$__rate_interval]) or ${first}`, scope);
}

/** How many a second were measured. */
export function countRate(row: Histogram, scope: Scope = {}): string {
  return sum(perSecond(selector(row, scope, '_count'), scope), scope);
}

/** The sum of what was measured, a second: of seconds, how many of them passed in one. */
export function sumRate(row: Histogram, scope: Scope = {}): string {
  return sum(perSecond(selector(row, scope, '_sum'), scope), scope);
}

/** The same within the time range of the dashboard. */
export function sumIncrease(row: Histogram, scope: Scope = {}, window = '$__range'): string {
  return sum(`increase(${selector(row, scope, '_sum')}[${window}])`, scope);
}

export function average(row: Histogram, scope: Scope = {}): string {
  return `${sumRate(row, scope)} / (${countRate(row, scope)} > 0)`;
}

/** For heatmaps: how many a second, by bucket. */
export function buckets(row: Histogram, scope: Scope = {}): string {
  return `sum by (le) (rate(${selector(row, scope, '_bucket')}[$__rate_interval]))`;
}

/** 0.95: what 95 of 100 stayed below. Nothing where nothing was measured, of which Prometheus says NaN. */
export function quantile(q: number, row: Histogram, scope: Scope = {}): string {
  const labels = ['le', ...labelsOf(scope)].join(', ');
  const rates = perSecond(selector(row, scope, '_bucket'), scope);
  return `histogram_quantile(${q}, sum by (${labels}) (${rates})) >= 0`;
}

/** What stands there at the moment, summed over instances and all that `by` does not name. */
export function level(row: Gauge, scope: Scope = {}, over: 'sum' | 'min' | 'max' = 'sum'): string {
  return aggregate(over, selector(row, scope), scope);
}

/** 0 to 1, and nothing where there is no whole: a ratio of no requests is none. A part that is not there is 0. */
export function share(part: string, whole: string): string {
  return `(${part} or ${whole} * 0) / (${whole} > 0)`;
}

/** For figures that are not there while there is nothing to tell: 0 instead. */
export function orZero(expression: string): string {
  return `${expression} or vector(0)`;
}

/** The series themselves. */
export function selector(row: AnyRow, { where = {}, narrowedBy }: Scope = {}, suffix = ''): string {
  const variables = narrowedBy ?? variablesOf(row);
  const filters = ['job=~"$job"', 'instance=~"$instance"', ...variables.map(filterBy)];
  const matchers = Object.entries(where).map(([key, matcher]) => labelName(key) + matcher);
  return `${metricName(row.name, row.unit, row.kind)}${suffix}{${[...filters, ...matchers].join(', ')}}`;
}

/** What a series without a label is called. */
export const nameless = '(none)';

/** The series without the label gets that name: its legend would be empty. */
export function naming(key: string, expression: string): string {
  const label = labelName(key);
  return `label_replace(${expression}, "${label}", "${nameless}", "${label}", "")`;
}

/** The labels of `by`. */
export function labelsOf({ by = [] }: Scope): string[] {
  return by.map(labelName);
}

/** A legend that says what `by` told apart. */
export function legendOf(by: readonly string[]): string {
  return by.map((key) => `{{${labelName(key)}}}`).join(' · ');
}

/** What an expression has in it that is narrowed down by the variable. */
export function filterBy(variable: Narrowing): string {
  return `${labelName(narrowing[variable])}=~"$${variable}"`;
}

function variablesOf(row: AnyRow): readonly Narrowing[] {
  const key = (Object.keys(metric) as MetricKey[]).find((one) => metric[one] === row);
  return (key && narrowableBy[key]) ?? [];
}

/** `rate` over another interval than Grafana's is what its linter takes for a mistake. */
function perSecond(series: string, { withinMs }: Scope): string {
  if (withinMs === undefined) return `rate(${series}[$__rate_interval])`;
  return `increase(${series}[${duration(withinMs)}]) / ${withinMs / 1_000}`;
}

function countSuffix({ kind }: AnyRow): string {
  return kind === 'histogram' ? '_count' : '';
}

function sum(expression: string, scope: Scope): string {
  return aggregate('sum', expression, scope);
}

function aggregate(operator: string, expression: string, scope: Scope): string {
  const labels = labelsOf(scope);
  return `${operator}${labels.length > 0 ? ` by (${labels.join(', ')})` : ''} (${expression})`;
}
