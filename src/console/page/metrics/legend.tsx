import type { Signal } from '@preact/signals';
import { timeOf } from '../parts/format.ts';
import type { Chart, ChartSeries } from './charts.ts';
import { patternSize, patterns } from './pattern.ts';
import type { Shown } from './plot-options.ts';
import { figureInWords, summariesOf, unitOfSeries } from './reading.ts';
import { indexNear } from './timeline.ts';

interface LegendProps {
  readonly chart: Chart;
  readonly shown: Shown;
}

/** Which line is which, with its figure at the cursor; the newest where there is none. */
export function Legend({
  chart,
  shown,
  cursor,
}: LegendProps & { readonly cursor: Signal<number | undefined> }) {
  const { timeline, columns, isDrawn, stretch } = shown;
  const index = indexNear(timeline, cursor.value ?? stretch.to);
  const at = index === undefined ? undefined : timeline.points[index]?.at;
  return (
    <table class="chart-legend">
      <caption class="visually-hidden">
        {chart.title}, {at === undefined ? 'no figures' : `at ${timeOf(at)}`}
      </caption>
      <tbody>
        {chart.series.map((series, i) =>
          isDrawn[i] ? (
            <tr key={series.label}>
              <th scope="row">
                <Swatch series={series} />
                {series.label}
              </th>
              <td class="num">
                {figureInWords(
                  index === undefined ? undefined : columns[i]?.[index],
                  unitOfSeries(chart, series),
                )}
              </td>
            </tr>
          ) : null,
        )}
      </tbody>
    </table>
  );
}

/** The same figures without a drawing. */
export function FigureTable({ chart, shown }: LegendProps) {
  const summaries = summariesOf(shown);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
    <div class="chart-table" tabIndex={0} role="region" aria-label={`Figures: ${chart.title}`}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">Figure</th>
            {['Newest', 'Lowest', 'Average', 'Highest'].map((name) => (
              <th key={name} scope="col" class="num">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {chart.series.map((series, i) => {
            const summary = summaries[i];
            const words = (value: number | undefined) => figureInWords(value, unitOfSeries(chart, series));
            return shown.isDrawn[i] ? (
              <tr key={series.label}>
                <th scope="row">{series.label.replace(' (right)', '')}</th>
                <td class="num">{words(summary?.newest)}</td>
                <td class="num">{words(summary?.lowest)}</td>
                <td class="num">{words(summary?.average)}</td>
                <td class="num">{words(summary?.highest)}</td>
              </tr>
            ) : null;
          })}
        </tbody>
      </table>
    </div>
  );
}

const width = 3 * patternSize;

/** How the series is drawn: its colour, and its dashes or the pattern of its area. */
function Swatch({ series: { colour, dash = [], pattern } }: { readonly series: ChartSeries }) {
  const style = { color: `var(${colour})` };
  return (
    <svg
      class="chart-swatch"
      viewBox={`0 0 ${width} ${patternSize}`}
      aria-hidden="true"
      focusable="false"
      style={style}
    >
      {pattern === undefined ? (
        <line x1="0" y1="4" x2={width} y2="4" stroke-dasharray={dash.join(' ')} />
      ) : (
        <>
          <rect
            width={width}
            height={patternSize}
            class={`chart-swatch-ground ${pattern === 'plain' ? 'plain' : ''}`}
          />
          {[0, 1, 2].map((tile) => (
            <path key={tile} d={patterns[pattern]} transform={`translate(${tile * patternSize} 0)`} />
          ))}
        </>
      )}
    </svg>
  );
}
