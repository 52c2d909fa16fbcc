import type { AlertLine } from '../../../admin/api/alerts.ts';
import type { Chart, ChartSeries, Windows } from './charts.ts';
import { limitInWords, windowInWords } from './units.ts';

/** A threshold that a chart shows the figure of. */
export interface Limit {
  readonly alert: AlertLine;
  readonly axis: 'left' | 'right';
  readonly at: number;
  /** `limit 500 MB`, `limit 5 s over 5 min`. */
  readonly label: string;
  /** As a line; elsewhere than near the data it would press that flat, and is told in words alone. */
  readonly isDrawn: boolean;
  /** Why it is not drawn. */
  readonly note: string | undefined;
}

/** The lowest and highest figure of an axis; undefined where it has none. */
export type Extent = readonly [lowest: number, highest: number] | undefined;

/** A line may make the axis so many times as long as the data needs. */
const stretchMax = 2.5;

export function limitsOf(
  chart: Chart,
  alerts: readonly AlertLine[],
  extents: Readonly<Record<'left' | 'right', Extent>>,
): Limit[] {
  return chart.series.flatMap((series) =>
    alerts
      .filter(({ field }) => field === series.field)
      .map((alert) => limitOf(series, alert, extents[series.axis ?? 'left'])),
  );
}

function limitOf(series: ChartSeries, alert: AlertLine, extent: Extent): Limit {
  const note = whyNotDrawn(alert, extent);
  const limit = limitInWords(alert);
  // A percentile of minutes cannot be had from those of seconds: the level is the same, and the window is told.
  const isOtherWindow = alert.windowMs !== (series.windowMs ?? 0);
  return {
    alert,
    axis: series.axis ?? 'left',
    at: alert.limit,
    label: `limit ${limit}${isOtherWindow ? ` over ${windowInWords(alert.windowMs)}` : ''}`,
    isDrawn: note === undefined,
    note,
  };
}

function whyNotDrawn({ comparison, limit, state }: AlertLine, extent: Extent): string | undefined {
  if (comparison === 'above' && limit <= 0) return 'any is too many';
  if (!extent) return 'no figure';
  if (state === 'firing') return undefined;
  const [lowest, highest] = extent;
  if (limit > stretchMax * highest) return 'far above';
  return comparison === 'below' && limit * stretchMax < lowest ? 'far below' : undefined;
}

/** From zero (or from what is below it) to what the highest figure and the lines need. */
export function axisRange(extent: Extent, limits: readonly Pick<Limit, 'at'>[]): [number, number] {
  const lowest = Math.min(0, extent?.[0] ?? 0);
  const highest = Math.max(extent?.[1] ?? 0, ...limits.map(({ at }) => at));
  return highest > lowest ? [lowest, highest + (highest - lowest) * 0.1] : [lowest, lowest + 1];
}

/** Over how long the thresholds look at each field. */
export function windowsOf(alerts: readonly AlertLine[]): Windows {
  return Object.fromEntries(
    alerts.filter(({ windowMs }) => windowMs > 0).map(({ field, windowMs }) => [field, windowMs]),
  );
}
