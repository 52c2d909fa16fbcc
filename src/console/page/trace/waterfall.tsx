import './waterfall.css';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { TraceView } from '../../../admin/api/traces.ts';
import { hasAnnotations } from './annotations.ts';
import { Axis, GridLines } from './axis.tsx';
import { type Row, rangeOf, topsOf, windowOf } from './layout.ts';
import { Legend } from './legend.tsx';
import { useRows } from './use-rows.ts';
import { useSize } from './use-size.ts';
import { useZoom } from './use-zoom.ts';
import { actionOf } from './waterfall-keys.ts';
import { WaterfallRow } from './waterfall-row.tsx';
import { WaterfallTools } from './waterfall-tools.tsx';

export interface WaterfallProps {
  readonly trace: TraceView;
  /** ms since the epoch by the clock of the service; spans that run grow with it. */
  readonly now: number;
  /** Id of a span. */
  readonly selected: string | undefined;
  readonly onSelect: (spanId: string) => void;
  /** Enter: whoever chose wants to read more. */
  readonly onOpen?: ((spanId: string) => void) | undefined;
  readonly label?: string | undefined;
}

/** Below, the bar has a line of its own under the name, px. */
const narrowPx = 620;
const headPx = 26;
const durationPx = 76;
/** Beyond what is seen, so that scrolling shows no holes, px. */
const marginPx = 300;

/** The spans of a trace over the time: who ran below whom, when, for how long, and what it was waited for. */
export function TraceWaterfall(props: WaterfallProps) {
  // What one had closed, or looked at closer, was of the other trace.
  return <Waterfall key={props.trace.traceId} {...props} />;
}

function Waterfall({ trace, now, selected, onSelect, onOpen, label = 'Spans of the trace' }: WaterfallProps) {
  const { spans } = trace;
  const grid = useRef<HTMLDivElement>(null);
  const idStart = useId();
  const { width, height } = useSize(grid);
  const [scrollTop, setScrollTop] = useState(0);
  const { rows, problems, isFolded, toggle, expandAll } = useRows(spans, selected);
  const range = rangeOf(spans, now);
  const { view, isZoomed, zoom, zoomTo, follow, reset } = useZoom(range, now);
  const { isNarrow, nameWidth, laneWidth } = columnsOf(width);
  const tops = useMemo(() => topsOf(rows, (row) => heightOf(row, isNarrow)), [rows, isNarrow]);
  const chosen = rows.findIndex(({ node }) => node.span.spanId === selected);
  const [first, end] = windowOf(tops, scrollTop - marginPx, scrollTop + height + marginPx);
  useSeen(grid, selected, tops[chosen], tops[chosen + 1]);

  const choose = (row: Row | undefined) => {
    if (!row) return;
    follow(row.node.span);
    onSelect(row.node.span.spanId);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const action = actionOf(event.key, rows, chosen, Math.max(1, Math.floor(height / 30) - 1));
    if (!action || (action.name === 'reset' && !isZoomed)) return;
    event.preventDefault();
    if (action.name === 'reset') reset();
    else if (action.name === 'choose') choose(action.row);
    else if (action.name === 'toggle') toggle(action.row);
    else if (action.name === 'zoom') zoomTo(action.row.node.span);
    else onOpen?.(action.row.node.span.spanId);
  };
  const time = { view, originMs: range.fromMs };

  return (
    <div class={isNarrow ? 'tw tw-narrow' : 'tw'} style={{ '--tw-name': `${nameWidth}px` }}>
      <WaterfallTools
        trace={trace}
        problems={problems.length}
        isZoomed={isZoomed}
        isFolded={isFolded}
        onNextProblem={() => choose(problems.find((row) => rows.indexOf(row) > chosen) ?? problems[0])}
        onReset={reset}
        onExpandAll={expandAll}
      />
      <div
        ref={grid}
        class="tw-grid"
        role="treegrid"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={rows.length + 1}
        aria-colcount={3}
        aria-activedescendant={chosen >= first && chosen < end ? `${idStart}-${selected}` : undefined}
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
        onKeyDown={onKeyDown}
      >
        <div role="row" class="tw-head" aria-rowindex={1}>
          <div role="columnheader" class="tw-cell-name">
            Span
          </div>
          <div role="columnheader" class="tw-cell-bar" aria-label="Time since the trace began">
            <Axis {...time} widthPx={laneWidth} onZoom={zoom} onReset={reset} />
          </div>
          <div role="columnheader" class="tw-cell-duration">
            Duration
          </div>
        </div>
        <div role="rowgroup" class="tw-body" style={{ height: `${tops.at(-1) ?? 0}px` }}>
          <GridLines {...time} widthPx={laneWidth} />
          {rows.slice(first, end).map((row, i) => (
            <WaterfallRow
              key={row.node.span.spanId}
              row={row}
              id={`${idStart}-${row.node.span.spanId}`}
              index={first + i + 2}
              top={tops[first + i] ?? 0}
              height={heightOf(row, isNarrow)}
              {...time}
              now={now}
              laneWidth={laneWidth}
              isSelected={first + i === chosen}
              onSelect={choose}
              onOpen={() => zoomTo(row.node.span)}
              onToggle={toggle}
            />
          ))}
        </div>
      </div>
      <Legend spans={spans} now={now} />
    </div>
  );
}

/** Brings a row that is newly chosen into sight; a trace that grows moves nothing. */
function useSeen(
  grid: { readonly current: HTMLElement | null },
  selected: string | undefined,
  top = 0,
  bottom = 0,
): void {
  // Only a new choice moves what is seen.
  useEffect(() => {
    const element = grid.current;
    if (!element) return;
    const room = element.clientHeight - headPx;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom > element.scrollTop + room) element.scrollTop = bottom - room;
  }, [selected]);
}

/** As in the style sheet, px. */
function columnsOf(width: number) {
  const isNarrow = width > 0 && width < narrowPx;
  const nameWidth = Math.round(Math.min(480, Math.max(200, width * 0.4)));
  const laneWidth = Math.max(0, isNarrow ? width - 24 : width - nameWidth - durationPx - 16);
  return { isNarrow, nameWidth, laneWidth };
}

function heightOf({ node }: Row, isNarrow: boolean): number {
  return (hasAnnotations(node.span) ? 40 : 28) + (isNarrow ? 20 : 0);
}
