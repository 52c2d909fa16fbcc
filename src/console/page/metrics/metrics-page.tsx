import './metrics.css';
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { timeOf } from '../parts/format.ts';
import { Empty, NotKnown } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { go } from '../routes.ts';
import { alerts, connection, snapshots } from '../state/events.ts';
import { info } from '../state/info.ts';
import { ChartCard } from './chart-card.tsx';
import { type Chart, chartsOver } from './charts.ts';
import { windowsOf } from './limits.ts';
import { usePaced } from './paced.ts';
import { knownOf, type Timeline, timelineOf } from './timeline.ts';
import { type MetricsView, metricsAddress, ranges, readView, type Stretch, stretchOf } from './view.ts';

/** Charts are drawn anew at most so often, however often snapshots come. */
const paceMs = 1_000;
const noAlerts = [] as const;

/** The service's own figures over time, with the limits that they are held against. */
export function MetricsPage({ query }: { readonly query: URLSearchParams }) {
  const view = readView(query);
  const kept = usePaced(snapshots, paceMs);
  const startedAt = info.value && Date.parse(info.value.startedAt);
  const timeline = useMemo(() => timelineOf(kept, startedAt), [kept, startedAt]);
  const lines = alerts.value?.alerts ?? noAlerts;
  const windows = JSON.stringify(windowsOf(lines));
  const charts = useMemo(() => chartsOver(JSON.parse(windows)), [windows]);
  const cursor = useSignal<number | undefined>(undefined);
  const known = knownOf(kept);
  const zoom = (stretch: Stretch | undefined) => {
    if (stretch || view.zoom) go(metricsAddress({ ...view, chart: undefined, zoom: stretch }));
  };
  return (
    <div class="metrics">
      <PageHead title="Metrics" note={known && `newest of ${timeOf(known.to)}`}>
        <Choices view={view} onZoomOut={() => zoom(undefined)} />
      </PageHead>
      {known ? (
        <div class="charts">
          {charts
            .filter((chart) => isWorthIt(chart, timeline))
            .map((chart) => (
              <ChartCard
                key={chart.id}
                chart={chart}
                timeline={timeline}
                stretch={stretchOf(view, known)}
                alerts={lines}
                cursor={cursor}
                isTable={view.isTable}
                isWanted={view.chart === chart.id}
                onZoom={zoom}
              />
            ))}
        </div>
      ) : connection.value === 'lost' ? (
        <NotKnown />
      ) : (
        <Empty title="No figures yet">
          The service looks at itself every few seconds; the first ones are on their way.
        </Empty>
      )}
    </div>
  );
}

/** One that has nothing but zeros to show, and is to have nothing else, is left out. */
function isWorthIt({ series }: Chart, timeline: Timeline): boolean {
  return series.some(({ isOptional, figure }) => !isOptional || figure(timeline).some(Boolean));
}

function Choices({ view, onZoomOut }: { readonly view: MetricsView; readonly onZoomOut: () => void }) {
  const show = (change: Partial<MetricsView>) =>
    go(metricsAddress({ ...view, chart: undefined, ...change }), { replace: true });
  return (
    <div class="toolbar">
      {view.zoom && (
        <button type="button" class="button" onClick={onZoomOut}>
          Back to now{' '}
          <span class="muted num">
            {timeOf(view.zoom.from)}–{timeOf(view.zoom.to)}
          </span>
        </button>
      )}
      <div class="metrics-ranges" role="group" aria-label="Range">
        {ranges.map((rangeMinutes) => (
          <button
            key={rangeMinutes}
            type="button"
            class="button"
            aria-pressed={!view.zoom && view.rangeMinutes === rangeMinutes}
            onClick={() => show({ rangeMinutes, zoom: undefined })}
          >
            {rangeMinutes} min
          </button>
        ))}
      </div>
      <button
        type="button"
        class="button"
        aria-pressed={view.isTable}
        onClick={() => show({ isTable: !view.isTable })}
      >
        As a table
      </button>
    </div>
  );
}
