import type { TimeRange } from './layout.ts';
import { fractionOf } from './time-axis.ts';

/** A part of a bar as it is drawn, in percent of the view's width. */
export interface Piece {
  readonly left: number;
  readonly width: number;
}

/** Chunks are drawn on a grid of so many steps: more would be the same pixels. */
export const marksAcross = 2000;

/** What of a stretch of time is in the view; undefined of one outside. */
export function pieceOf(view: TimeRange, fromMs: number, toMs: number): Piece | undefined {
  const from = Math.max(0, fractionOf(view, fromMs));
  const to = Math.min(1, fractionOf(view, toMs));
  if (to < 0 || from > 1 || to < from) return undefined;
  return { left: percent(from), width: percent(to - from) };
}

/** Path of an SVG that is `marksAcross` wide and 1 high: a stroke for each time, and one only where several fall together. */
export function marksPath(times: readonly number[], view: TimeRange): string {
  const strokes: string[] = [];
  let last = -1;
  for (const time of times) {
    const x = Math.round(fractionOf(view, time) * marksAcross);
    if (x < 0 || x > marksAcross || x === last) continue;
    last = x;
    strokes.push(`M${x} 0V1`);
  }
  return strokes.join('');
}

function percent(fraction: number): number {
  return Math.round(fraction * 1e6) / 1e4;
}
