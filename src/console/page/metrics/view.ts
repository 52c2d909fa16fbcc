import { address } from '../route.ts';

/** What of the figures is looked at, as the page's address has it. */
export interface MetricsView {
  readonly rangeMinutes: number;
  /** A stretch that was zoomed into, ms since the epoch; undefined: up to now. */
  readonly zoom: Stretch | undefined;
  readonly isTable: boolean;
  /** Id of the chart that is asked for. */
  readonly chart: string | undefined;
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export const ranges = [5, 15, 80] as const;

export function readView(query: URLSearchParams): MetricsView {
  const minutes = Number(query.get('range'));
  return {
    rangeMinutes: ranges.find((range) => range === minutes) ?? ranges[0],
    zoom: readStretch(query.get('from'), query.get('to')),
    isTable: query.get('as') === 'table',
    chart: query.get('chart') ?? undefined,
  };
}

function readStretch(from: string | null, to: string | null): Stretch | undefined {
  if (!/^\d{1,15}$/.test(from ?? '') || !/^\d{1,15}$/.test(to ?? '')) return undefined;
  const stretch = { from: Number(from), to: Number(to) };
  return stretch.to > stretch.from ? stretch : undefined;
}

export function metricsAddress({ rangeMinutes, zoom, isTable, chart }: Partial<MetricsView>): string {
  return address('metrics', {
    range: rangeMinutes === undefined || rangeMinutes === ranges[0] ? undefined : String(rangeMinutes),
    from: zoom && String(Math.floor(zoom.from)),
    to: zoom && String(Math.ceil(zoom.to)),
    as: isTable ? 'table' : undefined,
    chart,
  });
}

/** However little is known. */
const widthMsMin = 60_000;

/** The stretch that is shown of what is known: as long as its range, where that much is known. */
export function stretchOf({ rangeMinutes, zoom }: MetricsView, known: Stretch): Stretch {
  if (zoom) return zoom;
  const { from, to } = known;
  return { from: Math.max(to - rangeMinutes * 60_000, Math.min(from, to - widthMsMin)), to };
}

/** The exchanges that ran within a stretch. */
export function exchangesOf({ from, to }: Stretch): string {
  return address('live', { from: String(Math.floor(from)), to: String(Math.ceil(to)) });
}

/** Times are whole milliseconds in addresses; nobody looks closer than a second. */
export function inStretch({ from, to }: Stretch): Stretch {
  return { from: Math.floor(from), to: Math.ceil(Math.max(to, from + 1_000)) };
}
