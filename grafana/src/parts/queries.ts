import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import {
  type Dataquery,
  DataqueryBuilder,
  PromQueryFormat,
  QueryEditorMode,
} from '@grafana/grafana-foundation-sdk/prometheus';
import { metric } from '../../../src/telemetry/names.ts';
import { metricName } from '../../../src/telemetry/prometheus-names.ts';

/** The Prometheus that whoever looks at the dashboard has chosen. */
export const prometheus: DataSourceRef = { type: 'prometheus', uid: '$datasource' };

export interface Query {
  readonly expression: string;
  /** What the series is called; `{{label}}` stands for the value of a label. */
  readonly legend: string;
}

export function query(expression: string, legend: string): Query {
  return { expression, legend };
}

/** `figure` and `table` tell of now, `lines` and `heatmap` of the time range. */
type Shape = 'figure' | 'table' | 'lines' | 'heatmap';

/** As panels have them. Those of buckets bring exemplars. */
export function targets(queries: readonly Query[], shape: Shape): Dataquery[] {
  return queries.map(({ expression, legend }, i) => {
    const target = new DataqueryBuilder()
      .refId(refId(i))
      .datasource(prometheus)
      .editorMode(QueryEditorMode.Code)
      .expr(expression)
      .legendFormat(legend);
    if (shape === 'figure') return target.instant().build();
    if (shape === 'table') return target.instant().format(PromQueryFormat.Table).build();
    if (shape === 'heatmap') target.format(PromQueryFormat.Heatmap);
    return target.range().exemplar(hasExemplars(expression)).build();
  });
}

/** Of buckets, but for those of garbage collection, which belongs to no trace. */
function hasExemplars(expression: string): boolean {
  const { name, unit, kind } = metric.gcDuration;
  return expression.includes('_bucket{') && !expression.includes(metricName(name, unit, kind));
}

/** A, B, C, … */
export function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
