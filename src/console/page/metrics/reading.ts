import { timeOf } from '../parts/format.ts';
import type { Chart, ChartSeries } from './charts.ts';
import { type Summary, stacked, summaryOf, type Values } from './figures.ts';
import type { Extent } from './limits.ts';
import type { Shown } from './plot-options.ts';
import { indexesWithin, type Timeline } from './timeline.ts';
import { inWords, type Unit } from './units.ts';
import type { Stretch } from './view.ts';

/* What a chart says, in words and figures. */

export function unitOfSeries(chart: Chart, { axis }: ChartSeries): Unit {
  return (axis === 'right' ? chart.rightUnit : undefined) ?? chart.unit;
}

export function figureInWords(value: number | null | undefined, unit: Unit): string {
  return value === null || value === undefined ? '–' : inWords(value, unit);
}

/** `11:06:31: Resident 165 MB, Heap 42 MB`; of the newest where no moment is asked for. */
export function momentInWords(
  chart: Chart,
  { timeline, columns, isDrawn }: Pick<Shown, 'timeline' | 'columns' | 'isDrawn'>,
  index = timeline.points.length - 1,
): string {
  const at = timeline.points[index]?.at;
  if (at === undefined) return 'no figure';
  const figures = chart.series.flatMap((series, i) => {
    const value = columns[i]?.[index];
    if (!isDrawn[i]) return [];
    return [
      `${series.label} ${typeof value === 'number' ? inWords(value, unitOfSeries(chart, series)) : 'no figure'}`,
    ];
  });
  return `${timeOf(at)}: ${figures.join(', ')}`;
}

/** Of each series, within a stretch. */
export function summariesOf({
  timeline,
  columns,
  stretch,
}: {
  timeline: Timeline;
  columns: readonly Values[];
  stretch: Stretch;
}): (Summary | undefined)[] {
  const [from, to] = indexesWithin(timeline, stretch.from, stretch.to);
  return columns.map((values) => summaryOf(values, from, to));
}

/** How far the figures of each axis reach within a stretch. */
export function extentsOf(
  chart: Chart,
  { timeline, columns, stretch }: { timeline: Timeline; columns: readonly Values[]; stretch: Stretch },
): Record<'left' | 'right', Extent> {
  const heights = chart.isStacked ? stacked(columns) : columns;
  const summaries = summariesOf({ timeline, columns: heights, stretch });
  const extentOf = (axis: 'left' | 'right'): Extent => {
    const own = summaries.filter((summary, i) => summary && (chart.series[i]?.axis ?? 'left') === axis);
    if (own.length === 0) return undefined;
    return [
      Math.min(...own.map((summary) => summary?.lowest ?? 0)),
      Math.max(...own.map((summary) => summary?.highest ?? 0)),
    ];
  };
  return { left: extentOf('left'), right: extentOf('right') };
}
