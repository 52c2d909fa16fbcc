import {
  ConstantVariableBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableHide,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { metric } from '../../../src/telemetry/names.ts';
import { labelName, metricName } from '../../../src/telemetry/prometheus-names.ts';
import type { Panel } from './panels.ts';
import { filterBy, type Narrowing, narrowing, selector } from './promql.ts';
import { prometheus } from './queries.ts';

/** What each instance of ours has, and nobody else: other services report the metrics of the conventions too. */
const ours = metricName(
  metric.processCpuCapacity.name,
  metric.processCpuCapacity.unit,
  metric.processCpuCapacity.kind,
);

/** Where the values of the narrowing variables are found; each is narrowed down by those before it. */
const sources: Readonly<Record<Narrowing, { readonly label: string; readonly series: string }>> = {
  upstream: { label: 'Upstream', series: selector(metric.outcomes, { narrowedBy: [] }) },
  model: {
    label: 'Model',
    series: selector(metric.operationDuration, { narrowedBy: ['upstream'] }, '_count'),
  },
  tenant: {
    label: 'Tenant',
    series: selector(metric.operationDuration, { narrowedBy: ['upstream', 'model'] }, '_count'),
  },
};

/**
 * Where a browser finds the console: the address that Prometheus scrapes is often a container's. It is none of the
 * dashboard's own address, or a link that somebody sends could lead to a console that is not ours.
 */
export const consoleUrl = `\${console}`;
const consoleDefault = 'http://localhost:4001';

/** Which Prometheus, which instances, and what the expressions of these panels ask for beside that. */
export function variables(panels: readonly Panel[]): VariableModel[] {
  const all = [
    // Their "All" is a list of ours: other services have metrics of the same names.
    labelValues('job', 'Job', ours),
    labelValues('instance', 'Instance', `${ours}{job=~"$job"}`),
    ...askedFor(panels).map((variable) => {
      const { label, series } = sources[variable];
      // "All" means series without the label too.
      return labelValues(variable, label, series, labelName(narrowing[variable])).allValue('.*');
    }),
  ];
  const datasource = new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus');
  const console = new ConstantVariableBuilder('console').value(consoleDefault).build();
  return [
    datasource.build(),
    ...all.map((variable) => variable.build()),
    { ...console, hide: VariableHide.HideVariable, skipUrlSync: true },
  ];
}

/** Values of one that is there depend on those before it, so these are there too. */
function askedFor(panels: readonly Panel[]): Narrowing[] {
  const expressions = panels.flatMap(({ targets = [] }) => targets.map((target) => JSON.stringify(target)));
  const names = Object.keys(narrowing) as Narrowing[];
  const last = names.findLastIndex((name) =>
    expressions.some((expression) => expression.includes(JSON.stringify(filterBy(name)).slice(1, -1))),
  );
  return names.slice(0, last + 1);
}

function labelValues(name: string, label: string, series: string, key = name): QueryVariableBuilder {
  const query = `label_values(${series}, ${key})`;
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(prometheus)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}
