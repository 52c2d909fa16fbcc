import type { Signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { AlertLine } from '../../../admin/api/alerts.ts';
import { timeOf } from '../parts/format.ts';
import { useSight } from '../parts/use-sight.ts';
import { address } from '../routes.ts';
import { Plot } from './chart.tsx';
import type { Chart } from './charts.ts';
import { FigureTable, Legend } from './legend.tsx';
import { type Limit, limitsOf } from './limits.ts';
import type { Shown } from './plot-options.ts';
import { extentsOf } from './reading.ts';
import { indexNear, type Timeline } from './timeline.ts';
import { exchangesOf, type Stretch } from './view.ts';

export interface ChartCardProps {
  readonly chart: Chart;
  readonly timeline: Timeline;
  readonly stretch: Stretch;
  readonly alerts: readonly AlertLine[];
  readonly cursor: Signal<number | undefined>;
  readonly isTable: boolean;
  /** One was led here: it is brought into sight. */
  readonly isWanted: boolean;
  readonly onZoom: (stretch: Stretch | undefined) => void;
}

/** A chart with its title, its figures in words, and the limits that its figures are held against. */
export function ChartCard(props: ChartCardProps) {
  const { chart, timeline, stretch, alerts, cursor, isTable, isWanted, onZoom } = props;
  const card = useSight<HTMLElement>(isWanted);
  const columns = useMemo(() => chart.series.map(({ figure }) => figure(timeline)), [chart, timeline]);
  const isDrawn = useMemo(
    () => chart.series.map(({ isOptional }, i) => !isOptional || (columns[i] ?? []).some(Boolean)),
    [chart, columns],
  );
  const { from, to } = stretch;
  const shown: Shown = useMemo(() => {
    const extents = extentsOf(chart, { timeline, columns, stretch: { from, to } });
    return {
      timeline,
      columns,
      isDrawn,
      stretch: { from, to },
      extents,
      limits: limitsOf(chart, alerts, extents),
    };
  }, [chart, timeline, columns, isDrawn, from, to, alerts]);
  const isEmpty = !shown.extents.left && !shown.extents.right;
  const id = `chart-${chart.id}`;
  return (
    <section class={`card chart ${isWanted ? 'is-wanted' : ''}`} aria-labelledby={id} ref={card}>
      <header class="chart-head">
        <h2 id={id}>{chart.title}</h2>
        {!isTable && <Moment timeline={timeline} cursor={cursor} stretch={stretch} />}
      </header>
      {isTable ? (
        <FigureTable chart={chart} shown={shown} />
      ) : (
        <>
          <div class="chart-frame">
            <Plot chart={chart} shown={shown} cursor={cursor} onZoom={onZoom} />
            {isEmpty && <p class="chart-empty">No figure in this time</p>}
          </div>
          <Legend chart={chart} shown={shown} cursor={cursor} />
        </>
      )}
      <Limits limits={shown.limits} />
    </section>
  );
}

/** The moment that the cursor is at, and the way to what happened then. */
function Moment({
  timeline,
  cursor,
  stretch,
}: {
  readonly timeline: Timeline;
  readonly cursor: Signal<number | undefined>;
  readonly stretch: Stretch;
}) {
  const index = indexNear(timeline, cursor.value ?? stretch.to);
  const snapshot = index === undefined ? undefined : timeline.points[index];
  if (!snapshot) return null;
  if (cursor.value === undefined) {
    const isNewest = snapshot === timeline.points.at(-1);
    return <span class="muted chart-moment">{isNewest ? 'newest' : timeOf(snapshot.at)}</span>;
  }
  return (
    <a class="chart-moment" href={exchangesOf({ from: snapshot.at - snapshot.durationMs, to: snapshot.at })}>
      {timeOf(snapshot.at)}
      <span class="visually-hidden">: its exchanges</span>
    </a>
  );
}

function Limits({ limits }: { readonly limits: readonly Limit[] }) {
  if (limits.length === 0) return null;
  return (
    <ul class="chart-limits">
      {limits.map(({ alert, label, note }) => (
        <li key={`${alert.id} ${alert.of ?? ''}`} class={`is-${alert.state} is-${alert.severity}`}>
          <a href={address('alerts', { alert: alert.id })}>{alert.title}</a>: {label}
          {note && `, ${note}`}
          {alert.state !== 'inactive' && <strong> · {alert.state}</strong>}
        </li>
      ))}
    </ul>
  );
}
