import 'uplot/dist/uPlot.min.css';
import type { Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { go } from '../routes.ts';
import { ChartPlot } from './chart-plot.ts';
import type { Chart } from './charts.ts';
import { themeChanges } from './palette.ts';
import type { Shown } from './plot-options.ts';
import { momentInWords } from './reading.ts';
import { indexAfter, indexesWithin, indexNear } from './timeline.ts';
import { exchangesOf, type Stretch } from './view.ts';

export interface PlotProps {
  readonly chart: Chart;
  readonly shown: Shown;
  /** The moment that all charts point at, ms since the epoch. */
  readonly cursor: Signal<number | undefined>;
  /** Undefined: back to where one was. */
  readonly onZoom: (stretch: Stretch | undefined) => void;
}

/**
 * The drawing of a chart. It is made once, and drawn anew with what there is to show. For those who do not see it, or
 * have no pointer, it is a slider over its moments.
 */
export function Plot(props: PlotProps) {
  const { chart, shown, cursor } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<ChartPlot | undefined>(undefined);
  const newest = useRef(props);
  newest.current = props;

  useLayoutEffect(() => {
    if (!host.current) return;
    const made = new ChartPlot(host.current, chart, newest.current.shown, {
      point: (atMs) => pointAt(newest.current, atMs),
      zoom: (stretch) => newest.current.onZoom(stretch),
      open: (atMs) => openAt(newest.current, atMs),
    });
    plot.current = made;
    const unsubscribe = cursor.subscribe((atMs) => made.pointAt(atMs));
    return () => {
      unsubscribe();
      made.destroy();
    };
  }, [chart, cursor]);
  const theme = themeChanges.value;
  // In other colours it is another drawing.
  useEffect(() => plot.current?.show(shown), [chart, shown, theme]);

  const index = cursorIndex(props);
  const [from, to] = indexesWithin(shown.timeline, shown.stretch.from, shown.stretch.to);
  return (
    <div
      class="chart-plot"
      ref={host}
      tabIndex={0}
      role="slider"
      aria-label={`${chart.title}: moments. Arrow keys move, Enter opens the exchanges of the moment.`}
      aria-valuemin={from}
      aria-valuemax={Math.max(from, to - 1)}
      aria-valuenow={index ?? Math.max(from, to - 1)}
      aria-valuetext={momentInWords(chart, shown, index)}
      onKeyDown={(event) => pressed(event, newest.current)}
      onBlur={() => pointAt(newest.current, undefined)}
    />
  );
}

/** Number of the point that the cursor is at. */
function cursorIndex({ shown, cursor }: PlotProps): number | undefined {
  return cursor.value === undefined ? undefined : indexNear(shown.timeline, cursor.value);
}

/** The cursor stands on snapshots, not between them. */
function pointAt({ shown: { timeline }, cursor }: PlotProps, atMs: number | undefined): void {
  const index = atMs === undefined ? undefined : indexNear(timeline, atMs);
  cursor.value = index === undefined ? undefined : timeline.points[index]?.at;
}

function openAt({ shown: { timeline } }: PlotProps, atMs: number): void {
  const index = indexNear(timeline, atMs);
  const snapshot = index === undefined ? undefined : timeline.points[index];
  if (snapshot) go(exchangesOf({ from: snapshot.at - snapshot.durationMs, to: snapshot.at }));
}

/** So many moments a key goes on. */
const steps: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageUp: 12,
  PageDown: -12,
};

function pressed(event: KeyboardEvent, props: PlotProps): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { cursor } = props;
  if (event.key === 'Enter') openAt(props, cursor.value ?? props.shown.stretch.to);
  else if (event.key === 'Escape' && cursor.value !== undefined) cursor.value = undefined;
  else if (event.key === 'Escape') props.onZoom(undefined);
  else if (!step(event.key, props)) return;
  event.preventDefault();
}

/** Moves the cursor within what is shown. False: it is no key for that. */
function step(key: string, props: PlotProps): boolean {
  const { timeline, stretch } = props.shown;
  const { cursor } = props;
  if (key === 'Home') pointAt(props, stretch.from);
  else if (key === 'End') pointAt(props, stretch.to);
  else if (steps[key] === undefined) return false;
  else if (cursor.value === undefined) pointAt(props, stretch.to);
  else {
    const begin = indexNear(timeline, cursor.value) ?? 0;
    const next = timeline.points[indexAfter(timeline, begin, steps[key])];
    if (next && next.at >= stretch.from && next.at <= stretch.to) cursor.value = next.at;
  }
  return true;
}
