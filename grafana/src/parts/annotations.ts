import { type AnnotationQuery, AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { attribute, metric } from '../../../src/telemetry/names.ts';
import { counted, firing, foreign, legendOf, selector } from './promql.ts';
import { prometheus } from './queries.ts';

/** What happened, across all panels of a dashboard: the first question is what changed when it began. */
export function annotations(): AnnotationQuery[] {
  const changed = [attribute.plugin, attribute.pluginChange];
  return [
    annotation({
      name: 'Alerts',
      color: 'red',
      expression: selector(foreign.prometheusAlerts, {
        where: firing,
      }),
      title: '{{alertname}}',
      text: `{{instance}} ${legendOf([attribute.upstream])} ${legendOf([attribute.plugin])}`,
    }),
    annotation({
      name: 'Plugin changes',
      color: 'blue',
      expression: `${counted(metric.pluginChanges, { by: changed })} > 0`,
      title: `Plugin ${legendOf([attribute.plugin])}: ${legendOf([attribute.pluginChange])}`,
      text: '',
    }),
    annotation({
      name: 'Restarts',
      color: 'purple',
      expression: `${selector(metric.processUptime)} < 60`,
      title: 'Started: {{instance}}',
      text: '',
    }),
  ];
}

interface AnnotationOptions {
  readonly name: string;
  readonly color: string;
  readonly expression: string;
  readonly title: string;
  readonly text: string;
}

function annotation({ name, color, expression, title, text }: AnnotationOptions): AnnotationQuery {
  const target = new DataqueryBuilder().refId('Anno').datasource(prometheus).expr(expression).range();
  // In sight rather than in the menu, where the SDK would have it.
  const { placement: _, ...built } = new AnnotationQueryBuilder()
    .name(name)
    .datasource(prometheus)
    .enable(true)
    .iconColor(color)
    .target(target)
    .titleFormat(title)
    .textFormat(text)
    .build();
  return built;
}
