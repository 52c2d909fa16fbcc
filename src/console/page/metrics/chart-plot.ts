import uPlot from 'uplot';
import type { Chart } from './charts.ts';
import { stacked } from './figures.ts';
import { plotHeight, plotOptions, type Shown } from './plot-options.ts';
import { inStretch, type Stretch } from './view.ts';

export interface PlotEvents {
  /** The pointer is at a moment (ms since the epoch), or has left. */
  point(atMs: number | undefined): void;
  zoom(stretch: Stretch): void;
  open(atMs: number): void;
}

/** The drawing of a chart: as wide as its host, and drawn only while one can see it. */
export class ChartPlot {
  readonly #chart: Chart;
  readonly #plot: uPlot;
  readonly #sizes: ResizeObserver;
  readonly #sight: IntersectionObserver;
  #shown: Shown;
  #isSeen = false;
  #isStale = true;
  #isPointed = false;
  #cursorMs: number | undefined;

  constructor(host: HTMLElement, chart: Chart, shown: Shown, events: PlotEvents) {
    this.#chart = chart;
    this.#shown = shown;
    const options = plotOptions(chart, Math.max(1, host.clientWidth), () => this.#shown);
    this.#plot = new uPlot(options, this.#data(), host);
    this.#listen(events);
    this.#sizes = new ResizeObserver(() => this.#fit(host.clientWidth));
    this.#sizes.observe(host);
    this.#sight = new IntersectionObserver((entries) => {
      this.#isSeen = entries.at(-1)?.isIntersecting ?? false;
      if (this.#isSeen && this.#isStale) this.#draw();
    });
    this.#sight.observe(host);
  }

  show(shown: Shown): void {
    this.#shown = shown;
    this.#isStale = true;
    if (this.#isSeen) this.#draw();
  }

  /** Puts the cursor at a moment, ms since the epoch, unless the pointer holds it here. */
  pointAt(atMs: number | undefined): void {
    this.#cursorMs = atMs;
    if (!this.#isPointed) this.#placeCursor();
  }

  destroy(): void {
    this.#sizes.disconnect();
    this.#sight.disconnect();
    this.#plot.destroy();
  }

  #draw(): void {
    this.#isStale = false;
    const plot = this.#plot;
    plot.batch(() => {
      this.#shown.isDrawn.forEach((show, i) => {
        if (plot.series[i + 1]?.show !== show) plot.setSeries(i + 1, { show }, false);
      });
      plot.setData(this.#data());
    });
    if (!this.#isPointed) this.#placeCursor();
  }

  #data(): uPlot.AlignedData {
    const { timeline, columns } = this.#shown;
    const heights = this.#chart.isStacked ? stacked(columns) : columns;
    return [timeline.xs, ...heights] as uPlot.AlignedData;
  }

  #fit(width: number): void {
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: plotHeight });
  }

  #placeCursor(): void {
    const left = this.#cursorMs === undefined ? -10 : this.#plot.valToPos(this.#cursorMs / 1000, 'x');
    const isWithin = left >= 0 && left <= this.#plot.over.clientWidth;
    this.#plot.setCursor({ left: isWithin ? left : -10, top: isWithin ? 0 : -10 }, false);
  }

  #listen({ point, zoom, open }: PlotEvents): void {
    const { over, hooks } = this.#plot;
    hooks.setCursor = [
      ({ cursor: { left = -1 } }) => {
        if (this.#isPointed) point(left < 0 ? undefined : this.#timeAt(left));
      },
    ];
    hooks.setSelect = [
      (plot) => {
        const { left, width } = plot.select;
        if (width <= 0) return;
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        zoom(inStretch({ from: this.#timeAt(left), to: this.#timeAt(left + width) }));
      },
    ];
    over.addEventListener('mouseenter', () => {
      this.#isPointed = true;
    });
    over.addEventListener('mouseleave', () => {
      this.#isPointed = false;
      point(undefined);
    });
    over.addEventListener('click', (event) => {
      // A finger cannot point first: its tap shows the figures, and a link leads on.
      if ((event as PointerEvent).pointerType !== 'touch') open(this.#timeAt(event.offsetX));
    });
  }

  #timeAt(left: number): number {
    return this.#plot.posToVal(left, 'x') * 1000;
  }
}
