import { stringify } from 'yaml';
import { metric, scope } from '../../telemetry/names.ts';
import { labelName, metricName } from '../../telemetry/prometheus-names.ts';
import { duration } from '../duration.ts';
import { instanceLabels } from '../measure.ts';
import type { InputSeries, Measure, Severity, Threshold } from '../threshold.ts';
import { annotations, digits } from '../wording.ts';
import { ruleName } from './rule-name.ts';

/** The thresholds as alerting rules of Prometheus 2.42 and newer, in YAML, and behind them the one that is none. */
export function alertRules(thresholds: readonly Threshold[]): string {
  const rules = [...thresholds.map(thresholdRule), absentRule];
  const head =
    '# Generated from src/alerts/thresholds.ts by "npm run generate", or with the limits of a configuration by\n' +
    '# "sightline alerts export". Changes made here are lost. For Prometheus 2.42 and newer, which has to scrape at\n' +
    '# least twice within the shortest window. The last rule has no threshold: that Sightline itself is gone, only\n' +
    '# Prometheus can notice.\n';
  return head + stringify({ groups: [{ name: scope.name, rules }] }, { lineWidth: 0 });
}

function thresholdRule(threshold: Threshold) {
  return {
    alert: ruleName(threshold.id),
    expr: condition(threshold),
    ...(threshold.holdMs > 0 && { for: duration(threshold.holdMs) }),
    ...(threshold.keepMs > 0 && { keep_firing_for: duration(threshold.keepMs) }),
    labels: { severity: threshold.severity },
    annotations: annotations(threshold, {
      instance: '{{ $labels.instance }}',
      of: threshold.by === undefined ? undefined : `{{ $labels.${labelName(threshold.by)} }}`,
      value: `{{ printf "%.${digits(threshold)}f" $value }}`,
    }),
  };
}

/** PromQL that has a value where the limit is passed. */
function condition(threshold: Threshold): string {
  const { measure, comparison, limit, windowMs, exchangesMin } = threshold;
  const passed = `${measure.expression(windowMs)} ${comparison === 'above' ? '>' : '<'} ${limit}`;
  const isEnough =
    exchangesMin !== undefined && measure.exchanges && `${measure.exchanges(windowMs)} >= ${exchangesMin}`;
  const isOurs = !isOurOwn(measure) && markOfOurs.name;
  return [passed, isEnough, isOurs].filter(Boolean).join(` and on (${instanceLabels.join(', ')}) `);
}

/** Other services have metrics of the same standard names; this one they have not. */
export const markOfOurs: InputSeries = {
  name: metricName(metric.processCpuCapacity.name, metric.processCpuCapacity.unit, 'gauge'),
  labels: {},
  value: 1,
  kind: 'gauge',
};

/** Longer than a restart takes. */
export const absentHoldMs = 60_000;

/**
 * That nobody reports. It is no row of the table of thresholds: those the process holds against its own figures, and a
 * process that is gone has none. It names no instance, for nothing is left that would say which there were; where one
 * of several goes, the others keep it silent.
 */
export const absentRule = {
  alert: ruleName('absent'),
  expr: `absent(${markOfOurs.name})`,
  for: duration(absentHoldMs),
  labels: { severity: 'critical' satisfies Severity },
  annotations: {
    summary: 'Sightline is gone: Prometheus has no figures of any instance.',
    description:
      'See whether the process is there: `GET /healthz` on the admin plane, and the end of its log. If it is, the page Targets of Prometheus says what is wrong: no such job or another address is a mistake in `scrape_configs`, `401` a token other than `SIGHTLINE_ADMIN_TOKEN`. Where metrics are pushed, see the collector, and `OTEL_EXPORTER_OTLP_ENDPOINT`.',
  },
};

/** Does it read a metric that no other service has? */
export function isOurOwn({ metrics }: Measure): boolean {
  return metrics.some((name) => name.startsWith(`${scope.name}.`));
}
