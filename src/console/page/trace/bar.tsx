import './bar.css';
import type { TraceSpan } from '../../../admin/api/traces.ts';
import { annotationsOf, type PlacedAnnotation, placeAnnotations } from './annotations.ts';
import { marksAcross, marksPath, type Piece, pieceOf } from './bar-shape.ts';
import { endOf, type TimeRange } from './layout.ts';
import { firstOutputMs, phasesOf, stallsOf } from './phases.ts';
import { problemOf, roleOf } from './span-facts.ts';

interface BarProps {
  readonly span: TraceSpan;
  readonly view: TimeRange;
  readonly now: number;
  /** Of the lane, px. */
  readonly widthPx: number;
}

/** How long a span took, and on what: decoration for eyes, the row says the same in words. */
export function Bar({ span, view, now, widthPx }: BarProps) {
  const endMs = endOf(span, now);
  const whole = pieceOf(view, span.startMs, endMs);
  const firstMs = firstOutputMs(span);
  const first = firstMs === undefined ? undefined : pieceOf(view, firstMs, firstMs);
  const placed = placeAnnotations(annotationsOf(span, endMs), view, widthPx);
  return (
    <div class="tw-lane" aria-hidden="true">
      {whole && (
        <div class={barClass(span)} style={style(whole)}>
          {problemOf(span) !== undefined && whole.left + whole.width < 100 && <i class="tw-end" />}
        </div>
      )}
      {phasesOf(span, endMs).map(({ name, fromMs, toMs }) => (
        <Part key={name} class={`tw-phase tw-${name}`} piece={pieceOf(view, fromMs, toMs)} />
      ))}
      {stallsOf(span, endMs).map(({ fromMs, toMs }) => (
        <Part key={fromMs} class="tw-stall" piece={pieceOf(view, fromMs, toMs)} />
      ))}
      {span.chunks && <Marks times={span.chunks.times} view={view} />}
      {first && <i class="tw-first" style={{ left: `${first.left}%` }} />}
      {placed.map((annotation) => (
        <Label key={annotation.text} {...annotation} />
      ))}
    </div>
  );
}

function Part({ class: name, piece }: { readonly class: string; readonly piece: Piece | undefined }) {
  return piece ? <div class={name} style={style(piece)} /> : null;
}

function Marks({ times, view }: { readonly times: readonly number[]; readonly view: TimeRange }) {
  return (
    <svg class="tw-marks" viewBox={`0 0 ${marksAcross} 1`} preserveAspectRatio="none" aria-hidden="true">
      <path d={marksPath(times, view)} />
    </svg>
  );
}

function Label({ text, kind, left }: PlacedAnnotation) {
  return (
    <span class={`tw-label tw-label-${kind}`} style={{ left: `${left}px` }}>
      {text}
    </span>
  );
}

function barClass(span: TraceSpan): string {
  const running = span.endMs === undefined ? ' tw-running' : '';
  return `tw-bar tw-${roleOf(span)}${running}${problemOf(span) === undefined ? '' : ' tw-problem'}`;
}

function style({ left, width }: Piece) {
  return { left: `${left}%`, width: `${width}%` };
}
