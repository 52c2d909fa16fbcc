import type { ExchangesTick } from '../../../admin/api/events.ts';
import type { Snapshot } from '../../../snapshots/snapshot.ts';
import { compact, count, duration, percent, rate } from '../parts/format.ts';

/** One figure of now, and how it came to that. */
export interface NowFigure {
  readonly label: string;
  readonly value: string;
  /** Of each snapshot, oldest first; undefined where nothing was measured. */
  readonly points: readonly (number | undefined)[];
  /** Id of the chart that tells more. */
  readonly chart: string;
  /** It is worth a look. */
  readonly isBad?: boolean;
}

/** Snapshots that a sparkline shows. */
export const pointsMax = 60;

interface Row {
  readonly label: string;
  readonly chart: string;
  readonly figure: (snapshot: Snapshot) => number | undefined;
  readonly format: (value: number | undefined) => string;
  readonly isBad?: (value: number | undefined) => boolean;
}

const inFlight: Row = {
  label: 'In flight',
  chart: 'rate',
  figure: (snapshot) => snapshot.inFlight,
  format: count,
};

const rows: readonly Row[] = [
  inFlight,
  {
    label: 'Exchanges',
    chart: 'rate',
    figure: ({ exchanges, durationMs }) =>
      exchanges === undefined || durationMs <= 0 ? undefined : (exchanges / durationMs) * 1_000,
    format: rate,
  },
  {
    label: 'Errors',
    chart: 'error-ratio',
    // Where none ended, none failed.
    figure: ({ errorRatio, exchanges }) => errorRatio ?? (exchanges === 0 ? 0 : undefined),
    format: percent,
    isBad: (value = 0) => value > 0,
  },
  { label: 'Duration p95', chart: 'duration', figure: ({ responseMs }) => responseMs?.p95, format: duration },
  {
    label: 'First token p95',
    chart: 'first-token',
    figure: ({ firstTokenMs }) => firstTokenMs?.p95,
    format: duration,
  },
  {
    label: 'Tokens/min',
    chart: 'tokens',
    figure: ({ tokens }) => tokens?.perMinute,
    format: compact,
  },
];

/** The figures of the newest snapshot; how many are in flight is known from the newest tick. */
export function nowFigures(
  snapshots: readonly Snapshot[],
  tick: Pick<ExchangesTick, 'inFlight'> | undefined,
): NowFigure[] {
  const shown = snapshots.slice(-pointsMax);
  const newest = shown.at(-1);
  return rows.map((row) => {
    const { label, chart, figure, format, isBad } = row;
    const measured = newest && figure(newest);
    const value = row === inFlight ? (tick?.inFlight ?? measured) : measured;
    return {
      label,
      chart,
      value: format(value),
      points: shown.map(figure),
      ...(isBad?.(value) && { isBad: true }),
    };
  });
}

/**
 * Path of a line through points, of which the newest is at the right end; it is broken where nothing was measured.
 * From 0 at the bottom to the greatest.
 */
export function sparkPath(points: readonly (number | undefined)[], width: number, height: number): string {
  const max = Math.max(...points.map((point) => point ?? 0), Number.MIN_VALUE);
  const step = width / (pointsMax - 1);
  let path = '';
  let isDown = false;
  for (const [index, point] of points.entries()) {
    if (point !== undefined) {
      const x = width - (points.length - 1 - index) * step;
      const y = height - (point / max) * height;
      path += `${isDown ? 'L' : 'M'}${round(x)} ${round(y)}`;
      // A point without neighbours is still to be seen.
      if (!isDown && points[index + 1] === undefined) path += 'h.01';
    }
    isDown = point !== undefined;
  }
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
