import type { TraceSpan } from '../../../admin/api/traces.ts';
import { duration } from '../parts/format.ts';
import type { TimeRange } from './layout.ts';
import { firstOutputMs, type Stall, stallsOf } from './phases.ts';
import { outcomeOf, problemOf } from './span-facts.ts';
import { fractionOf } from './time-axis.ts';

/** A short text about a moment of a bar. */
export interface Annotation {
  readonly kind: 'end' | 'problem' | 'first' | 'stall';
  readonly text: string;
  /** Where there is no room for that. */
  readonly short: string;
  /** ms since the epoch. */
  readonly atMs: number;
}

/** One for which there is room, px from the left. */
export interface PlacedAnnotation extends Pick<Annotation, 'kind' | 'text'> {
  readonly left: number;
}

/** Of the small font, on average; rather too much, so that nothing overlaps. */
const charPx = 6.8;
/** Within the text's box. */
const paddingPx = 8;
const gapPx = 6;
/** Farther from its moment, a text is taken for something else's. */
const distancePxMax = 60;

/** Its row has a line for them above the bar. */
export function hasAnnotations(span: TraceSpan): boolean {
  return firstOutputMs(span) !== undefined || endAnnotation(span, 0) !== undefined;
}

/** The more important first. */
export function annotationsOf(span: TraceSpan, endMs: number): Annotation[] {
  const end = endAnnotation(span, endMs);
  const firstMs = firstOutputMs(span);
  const first = firstMs === undefined ? undefined : firstAnnotation(span, firstMs);
  return [...(end ? [end] : []), ...(first ? [first] : []), ...stallsOf(span, endMs).map(stallAnnotation)];
}

export function stallText({ fromMs, toMs, afterChunk, isAbout, isLast }: Stall): string {
  const chunk = `${isAbout ? 'about ' : ''}chunk ${afterChunk}`;
  return `${isLast ? 'silent' : 'stalled'} ${duration(toMs - fromMs)} after ${chunk}`;
}

/** Beside their moments where that is possible, without one upon another; those without room are left out. */
export function placeAnnotations(
  annotations: readonly Annotation[],
  view: TimeRange,
  widthPx: number,
): PlacedAnnotation[] {
  const placed: PlacedAnnotation[] = [];
  const taken: Stretch[] = [];
  for (const { kind, text, short, atMs } of annotations) {
    const at = fractionOf(view, atMs) * widthPx;
    if (at < 0 || at > widthPx) continue;
    for (const said of text === short ? [text] : [text, short]) {
      const width = said.length * charPx + paddingPx;
      const left = placeFor(kind, at, width, taken, widthPx);
      if (left === undefined) continue;
      taken.push({ from: left, to: left + width });
      placed.push({ kind, text: said, left });
      break;
    }
  }
  return placed;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

function placeFor(
  kind: Annotation['kind'],
  at: number,
  width: number,
  taken: readonly Stretch[],
  widthPx: number,
): number | undefined {
  const beside = taken.flatMap(({ from, to }) => [to + gapPx, from - gapPx - width]);
  const wanted = kind === 'stall' ? [at - width / 2, at, at - width] : [at, at - width];
  // What ends a bar ends with it.
  const inOrder = kind === 'end' || kind === 'problem' ? wanted.toReversed() : wanted;
  return [...inOrder, widthPx - width, 0, ...beside].find((left) => {
    const to = left + width;
    const isInside = left >= 0 && to <= widthPx;
    const isNear = at >= left - distancePxMax && at <= to + distancePxMax;
    return isInside && isNear && taken.every((other) => to + gapPx <= other.from || left >= other.to + gapPx);
  });
}

function endAnnotation(span: TraceSpan, atMs: number): Annotation | undefined {
  const problem = problemOf(span);
  if (problem !== undefined) return { kind: 'problem', text: problem, short: problem, atMs };
  if (outcomeOf(span) !== 'client_aborted') return undefined;
  return { kind: 'end', text: 'client hung up', short: 'hung up', atMs };
}

function firstAnnotation({ startMs }: TraceSpan, atMs: number): Annotation {
  const text = `TTFT ${duration(atMs - startMs)}`;
  return { kind: 'first', text, short: text, atMs };
}

function stallAnnotation(stall: Stall): Annotation {
  const { fromMs, toMs, isLast } = stall;
  const short = `${isLast ? 'silent' : 'stalled'} ${duration(toMs - fromMs)}`;
  return { kind: 'stall', text: stallText(stall), short, atMs: (fromMs + toMs) / 2 };
}
