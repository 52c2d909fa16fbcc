import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import {
  type Dataquery,
  DataqueryBuilder,
  PromQueryFormat,
  QueryEditorMode,
} from '@grafana/grafana-foundation-sdk/prometheus';

/** The Prometheus that whoever looks at the dashboard has chosen. */
export const prometheus: DataSourceRef = { type: 'prometheus', uid: '$datasource' };

export interface Query {
  readonly expression: string;
  /** What the series is called; `{{label}}` stands for the value of a label. */
  readonly legend: string;
  /** Each point tells of minutes, at least. */
  readonly isOfMinutes?: boolean;
}

export function query(expression: string, legend: string): Query {
  return { expression, legend };
}

/** For what seldom happens, which nobody would see otherwise, and for averages and shares of a few. */
export function minutesQuery(expression: string, legend: string): Query {
  return { expression, legend, isOfMinutes: true };
}

/** `$__rate_interval` is four of these, or more where one looks from afar. */
const minutesStep = '1m';

/** `figure` and `table` tell of now, `lines` and `heatmap` of the time range. */
type Shape = 'figure' | 'table' | 'lines' | 'heatmap';

/** As panels have them. Exemplars come with whole distributions, once a panel: one mark for each request. */
export function targets(queries: readonly Query[], shape: Shape): Dataquery[] {
  return queries.map(({ expression, legend, isOfMinutes }, i) => {
    const target = new DataqueryBuilder()
      .refId(refId(i))
      .datasource(prometheus)
      .editorMode(QueryEditorMode.Code)
      .expr(expression)
      .legendFormat(legend);
    if (shape === 'figure') return target.instant().build();
    if (shape === 'table') return target.instant().format(PromQueryFormat.Table).build();
    if (shape === 'heatmap') target.format(PromQueryFormat.Heatmap);
    if (isOfMinutes) target.interval(minutesStep);
    return target
      .range()
      .exemplar(i === queries.length - 1 && isDistribution(expression))
      .build();
  });
}

/** Of garbage collection, which belongs to no trace, only parts are shown. */
function isDistribution(expression: string): boolean {
  return expression.includes('sum by (le) (');
}

/** A, B, C, … */
export function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
