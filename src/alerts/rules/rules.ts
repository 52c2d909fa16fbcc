import { stringify } from 'yaml';
import { metric, scope } from '../../telemetry/names.ts';
import { labelName, metricName } from '../../telemetry/prometheus-names.ts';
import { duration } from '../duration.ts';
import { allEnded, allEndedSeries, instanceLabels } from '../measure.ts';
import type { InputSeries, Threshold } from '../threshold.ts';
import { ruleName } from './rule-name.ts';

/** The thresholds as alerting rules of Prometheus, in YAML. */
export function alertRules(thresholds: readonly Threshold[]): string {
  const rules = thresholds.map((threshold) => ({
    alert: ruleName(threshold.id),
    expr: condition(threshold),
    ...(threshold.holdMs > 0 && { for: duration(threshold.holdMs) }),
    labels: { severity: threshold.severity },
    annotations: annotations(threshold, {
      instance: '{{ $labels.instance }}',
      of: threshold.by === undefined ? undefined : `{{ $labels.${labelName(threshold.by)} }}`,
      value: `{{ printf "%.${digits(threshold)}f" $value }}`,
    }),
  }));
  const head =
    '# Generated from src/alerts/thresholds.ts by "npm run generate", or with the limits of a configuration by\n' +
    '# "sightline alerts export". Changes made here are lost.\n';
  return head + stringify({ groups: [{ name: scope.name, rules }] }, { lineWidth: 0 });
}

/** PromQL that has a value where the limit is passed. */
function condition(threshold: Threshold): string {
  const { measure, comparison, limit, windowMs } = threshold;
  const passed = `${measure.expression(windowMs)} ${comparison === 'above' ? '>' : '<'} ${limit}`;
  const proviso = provisoOf(threshold);
  return proviso ? `${passed} and on (${instanceLabels.join(', ')}) ${proviso.expression}` : passed;
}

/** What else has to be so of an instance, and the series that make it so. */
export interface Proviso {
  readonly expression: string;
  series(exchanges: number): readonly InputSeries[];
}

export function provisoOf({ measure, windowMs, exchangesMin }: Threshold): Proviso | undefined {
  if (exchangesMin !== undefined) {
    const isOfExchanges = measure.metrics.includes(metric.outcomes.name);
    return {
      expression: `${allEnded(windowMs)} >= ${exchangesMin}`,
      series: (exchanges) => (isOfExchanges ? [] : allEndedSeries(windowMs, exchanges)),
    };
  }
  if (measure.metrics.some((name) => name.startsWith(`${scope.name}.`))) return undefined;
  // Other services have metrics of the same standard names; this one they have not.
  const { name, unit, kind } = metric.processCpuCapacity;
  const ours = metricName(name, unit, kind);
  return { expression: ours, series: () => [{ name: ours, labels: {}, value: 1, kind: 'gauge' }] };
}

/** Texts, or the templates that Prometheus makes them of. */
export interface Occasion {
  readonly instance: string;
  /** The upstream or plugin. */
  readonly of: string | undefined;
  readonly value: string;
}

export function annotations(threshold: Threshold, { instance, of, value }: Occasion) {
  const { title, summary, action, comparison, limit, unit } = threshold;
  const subject = of === undefined ? instance : `${of} on ${instance}`;
  const inUnit = (amount: string) => (unit === '' ? amount : `${amount} ${unit}`);
  const figure = `${title}: ${inUnit(value)}, ${comparison} the limit of ${inUnit(String(limit))}.`;
  return { summary: `${subject}: ${summary} ${figure}`, description: action };
}

/** Decimals that a figure near the limit is worth. Counts of alerts by yes and no are 0 or 1. */
export function digits({ limit }: Threshold): number {
  if (limit > 1 && limit < 100) return 1;
  return limit > 0 && limit < 1 ? 3 : 0;
}
