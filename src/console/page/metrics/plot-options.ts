import uPlot from 'uplot';
import type { Chart, ChartSeries } from './charts.ts';
import { drawLimits, tintBeyond } from './draw-limits.ts';
import type { Values } from './figures.ts';
import { axisRange, type Extent, type Limit } from './limits.ts';
import { colour } from './palette.ts';
import { patternSize, patterns } from './pattern.ts';
import type { Timeline } from './timeline.ts';
import { onAxis, type Unit } from './units.ts';
import type { Stretch } from './view.ts';

/** What a chart shows now. */
export interface Shown {
  readonly timeline: Timeline;
  /** Of each series; of those that are stacked too, each by itself. */
  readonly columns: readonly Values[];
  /** Of each series: it is drawn. */
  readonly isDrawn: readonly boolean[];
  readonly stretch: Stretch;
  readonly limits: readonly Limit[];
  readonly extents: Readonly<Record<'left' | 'right', Extent>>;
}

export const plotHeight = 168;
const axisWidth = 58;

/** How uPlot is to draw a chart. `shown` is asked with each drawing. */
export function plotOptions(chart: Chart, width: number, shown: () => Shown): uPlot.Options {
  return {
    width,
    height: plotHeight,
    legend: { show: false },
    // Half of a time that stands at the right end.
    padding: [10, chart.rightUnit ? 0 : 18, 0, 0],
    drawOrder: chart.isStacked ? [series, axes] : [axes, series],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 5 },
      bind: { dblclick: () => null },
      points: { show: !chart.isStacked, size: 7 },
    },
    scales: {
      x: { time: true, range: () => [shown().stretch.from / 1000, shown().stretch.to / 1000] },
      left: { range: rangeOf('left', shown) },
      ...(chart.rightUnit && { right: { range: rangeOf('right', shown) } }),
    },
    axes: [
      timeAxis,
      { ...valueAxis(chart.unit), scale: 'left' },
      ...(chart.rightUnit
        ? [{ ...valueAxis(chart.rightUnit), scale: 'right', side: 1, grid: { show: false } }]
        : []),
    ],
    series: [{}, ...chart.series.map((one) => (chart.isStacked ? area(one) : line(one)))],
    hooks: {
      drawClear: [(plot) => tintBeyond(plot, shown().limits)],
      draw: [(plot) => drawLimits(plot, shown().limits)],
    },
  };
}

function rangeOf(axis: 'left' | 'right', shown: () => Shown): () => [number, number] {
  return () => {
    const { extents, limits } = shown();
    return axisRange(
      extents[axis],
      limits.filter((limit) => limit.isDrawn && limit.axis === axis),
    );
  };
}

/** uPlot's own names for them are a `const enum`, which is gone when types are. */
const axes = 'axes' as uPlot.DrawOrderKey;
const series = 'series' as uPlot.DrawOrderKey;

const axisLook = {
  font: '11px system-ui, sans-serif',
  stroke: () => colour('--text-2'),
  grid: { stroke: () => colour('--line'), width: 1 },
  ticks: { show: false },
  border: { show: false },
  gap: 6,
} satisfies uPlot.Axis;

/** In seconds. uPlot has none between a minute and five: five minutes on a narrow screen would have one mark. */
const timeSteps = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400, 864_000];

const timeAxis: uPlot.Axis = {
  ...axisLook,
  incrs: timeSteps,
  size: 26,
  // With seconds they are wider.
  space: (_self, _axis, from, to) => (to - from < 8 * 60 ? 72 : 52),
  values: (_self, splits, _axis, _space, step) => splits.map(timeIn(step)),
};

/** Nothing happens half a time. */
const wholeSteps = [1, 2, 5].flatMap((step) => [step, step * 10, step * 100]).toSorted((a, b) => a - b);
const largeSteps = [1_000, 10_000, 100_000, 1_000_000].flatMap((step) => [step, step * 2, step * 5]);

function valueAxis(unit: Unit): uPlot.Axis {
  return {
    ...axisLook,
    size: axisWidth,
    space: 32,
    values: (_self, splits) => splits.map((value) => onAxis(value, unit)),
    ...(unit === 'count' && { incrs: [...wholeSteps, ...largeSteps] }),
  };
}

const toMinutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const toSeconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Marks that are a minute or more apart need no seconds. */
function timeIn(stepSeconds: number): (seconds: number) => string {
  const format = stepSeconds < 60 ? toSeconds : toMinutes;
  return (seconds) => format.format(seconds * 1000);
}

function line(one: ChartSeries): uPlot.Series {
  return {
    scale: one.axis ?? 'left',
    stroke: () => colour(one.colour),
    width: 1.5,
    dash: [...(one.dash ?? [])],
    points: {
      show: true,
      filter: (self, i) => lonely(self.data[i] ?? []),
      size: 5,
      fill: () => colour(one.colour),
    },
  };
}

/** A figure between two gaps is no line, and is seen as a point. */
function lonely(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++)
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  return found;
}

function area(one: ChartSeries): uPlot.Series {
  return {
    scale: one.axis ?? 'left',
    stroke: () => colour(one.colour),
    width: 0,
    // Opaque: each series is painted over the one that stands on it.
    fill: (self) => areaFill(self.ctx, one),
    points: { show: false },
  };
}

function areaFill(context: CanvasRenderingContext2D, { colour: name, pattern = 'plain' }: ChartSeries) {
  const ground = colour(name, pattern === 'plain' ? 0.28 : 0.4);
  const tile = document.createElement('canvas');
  const scale = uPlot.pxRatio;
  tile.width = tile.height = Math.round(patternSize * scale);
  const brush = tile.getContext('2d');
  if (pattern === 'plain' || !brush) return ground;
  brush.fillStyle = ground;
  brush.fillRect(0, 0, tile.width, tile.height);
  brush.scale(scale, scale);
  brush.strokeStyle = colour(name);
  brush.stroke(new Path2D(patterns[pattern]));
  return context.createPattern(tile, 'repeat') ?? ground;
}
