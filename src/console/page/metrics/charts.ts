import type { Figure } from './figures.ts';
import type { PatternName } from './pattern.ts';
import { cpu, eventLoop, memory, telemetry } from './process-charts.ts';
import { duration, errorRatio, errors, firstToken, outcomes, rate, tokens } from './traffic-charts.ts';
import type { Unit } from './units.ts';

/** A chart, as a row: what it shows and how. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** Of the axis on the left. */
  readonly unit: Unit;
  /** Of an axis on the right, for those series that ask for it. */
  readonly rightUnit?: Unit;
  /** Each series stands on those after it. */
  readonly isStacked?: boolean;
  readonly series: readonly ChartSeries[];
}

export interface ChartSeries {
  readonly label: string;
  readonly figure: Figure;
  /** Name of a CSS variable. */
  readonly colour: string;
  readonly dash?: readonly number[];
  /** Of an area: colours alone tell nobody apart. */
  readonly pattern?: PatternName;
  readonly axis?: 'left' | 'right';
  /** The figure that a threshold looks at, as it names it. */
  readonly field?: string;
  /** Over so long, for the same field; 0: of each snapshot alone. */
  readonly windowMs?: number;
  /** Left out where it has no figure but 0. */
  readonly isOptional?: boolean;
}

/** Over how long thresholds take a figure, by the field's name; what is not there has its usual window. */
export type Windows = Readonly<Record<string, number>>;

const minuteMs = 60_000;

const usualWindows: Windows = {
  errors: 5 * minuteMs,
  errorRatio: 5 * minuteMs,
  'outcomes.upstream_truncated': 5 * minuteMs,
  telemetryDropped: 5 * minuteMs,
  'cpu.capacityPercent': 2 * minuteMs,
  'tokens.perMinute': 10 * minuteMs,
};

/** The charts, in the order of the page. Where thresholds look at a window, a series shows the figure of that window. */
export function chartsOver(windows: Windows = {}): readonly Chart[] {
  const windowOf = (field: string) => windows[field] ?? usualWindows[field] ?? minuteMs;
  return [
    rate,
    outcomes,
    errors(windowOf),
    errorRatio(windowOf),
    duration,
    firstToken,
    tokens(windowOf),
    memory,
    cpu(windowOf),
    eventLoop,
    telemetry(windowOf),
  ];
}

/** The chart that shows what a threshold looks at. */
export function chartOf(field: string): Chart | undefined {
  return usualCharts.find(({ series }) => series.some((one) => one.field === field));
}

/** Over how long the threshold of a field looks, ms. */
export type WindowOf = (field: string) => number;

const usualCharts = chartsOver();
