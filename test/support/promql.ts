import { parser } from '@prometheus-io/lezer-promql';
import { attribute, metric } from '../../src/telemetry/names.ts';
import { labelName, metricName } from '../../src/telemetry/prometheus-names.ts';

/** What an expression of PromQL speaks of. */
export interface Names {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

/** Throws where it is no PromQL, with the place. */
export function namesIn(expression: string): Names {
  const metrics = new Set<string>();
  const labels = new Set<string>();
  parser.parse(expression).iterate({
    enter({ type, name, from, to, node }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression.slice(from) || 'its end'}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.add(text);
      if (name === 'LabelName') labels.add(text);
    },
  });
  return { metrics: [...metrics], labels: [...labels] };
}

/** Every name of a series that the rows of `telemetry/names.ts` can have in Prometheus. */
export const knownSeries: ReadonlySet<string> = new Set(
  Object.values(metric).flatMap(({ name, unit, kind }) => {
    const family = metricName(name, unit, kind);
    return kind === 'histogram' ? ['bucket', 'sum', 'count'].map((end) => `${family}_${end}`) : [family];
  }),
);

export const knownLabels: ReadonlySet<string> = new Set([
  ...Object.values(attribute).map(labelName),
  'job',
  'instance',
  'le',
]);
