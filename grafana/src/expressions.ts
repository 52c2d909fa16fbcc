import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import { dashboards } from './index.ts';

/** An expression as Grafana would send it to Prometheus. */
export interface DashboardExpression {
  /** Title of the dashboard. */
  readonly dashboard: string;
  /** Title of the panel; `annotation: …` and `variable: …` of those. */
  readonly panel: string;
  /** Which of the panel's queries. */
  readonly refId: string;
  /** With all variables replaced. */
  readonly expression: string;
  /** Asked for one moment (`/api/v1/query`), or over the time range (`/api/v1/query_range`). */
  readonly kind: 'vector' | 'matrix';
  /** Labels that tell its series apart: at least one series is to have each. */
  readonly labels: readonly string[];
  /** It also asks `/api/v1/query_exemplars`. */
  readonly hasExemplars: boolean;
  /** Its series are buckets: counts that `le` tells apart. */
  readonly isHeatmap: boolean;
}

/** What stands for the variables of Grafana and of the dashboards: everything, unless it is said. */
export interface VariableValues {
  readonly rateInterval?: string;
  readonly range?: string;
  /** By the name of a variable of the dashboards: regular expressions. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Everything that the dashboards ask Prometheus for: panels, annotations, and the values of variables. */
export function allExpressions(values: VariableValues = {}): DashboardExpression[] {
  return dashboards().flatMap((dashboard) =>
    [...ofPanels(dashboard), ...ofAnnotations(dashboard), ...ofVariables(dashboard)].map((one) => ({
      ...one,
      dashboard: dashboard.title ?? '',
      expression: withValues(one.expression, values),
    })),
  );
}

/** The expression with values in the place of variables. */
export function withValues(
  expression: string,
  { rateInterval = '5m', range = '1h', variables = {} }: VariableValues,
): string {
  return expression.replace(/\$(\w+)/g, (_, name: string) => {
    if (name === '__rate_interval') return rateInterval;
    if (name === '__range') return range;
    return variables[name] ?? (name === 'job' || name === 'instance' ? '.+' : '.*');
  });
}

type Found = Omit<DashboardExpression, 'dashboard'>;

function ofPanels({ panels = [] }: Dashboard): Found[] {
  return panels.flatMap((panel) =>
    panel.type === 'row' ? [] : targetsOf(panel as Panel).map((target) => ofTarget(panel as Panel, target)),
  );
}

function ofTarget(panel: Panel, target: Dataquery): Found {
  const { refId = '', expr, instant, exemplar, format, legendFormat = '' } = target;
  return {
    panel: panel.title ?? '',
    refId,
    expression: expr,
    kind: instant ? 'vector' : 'matrix',
    labels: format === 'table' ? rowLabels(panel) : legendLabels(legendFormat),
    hasExemplars: exemplar ?? false,
    isHeatmap: format === 'heatmap',
  };
}

function ofAnnotations({ annotations: { list = [] } }: Dashboard): Found[] {
  return list.map(({ name, target, titleFormat = '' }) => ({
    panel: `annotation: ${name}`,
    refId: '',
    expression: (target as Dataquery).expr,
    kind: 'matrix',
    labels: legendLabels(titleFormat),
    hasExemplars: false,
    isHeatmap: false,
  }));
}

/** What Grafana asks as `label_values`, as an expression that finds the same. */
function ofVariables({ templating: { list = [] } }: Dashboard): Found[] {
  return list.flatMap(({ name, definition = '' }) => {
    const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
    if (series === undefined || label === undefined) return [];
    return {
      panel: `variable: ${name}`,
      refId: '',
      expression: `group by (${label}) (${series})`,
      kind: 'vector',
      labels: [label],
      hasExemplars: false,
      isHeatmap: false,
    };
  });
}

/** All of ours are for Prometheus. */
export function targetsOf({ targets = [] }: Panel): Dataquery[] {
  return targets as Dataquery[];
}

function legendLabels(legend: string): string[] {
  return [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
}

/** Of a table: what is renamed to be a title, and is no value. */
function rowLabels({ transformations = [] }: Panel): string[] {
  const organize = transformations.find(({ id }) => id === 'organize');
  return Object.keys(organize?.options.renameByName ?? {}).filter((name) => !name.startsWith('Value'));
}
