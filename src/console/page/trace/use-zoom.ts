import { useState } from 'preact/hooks';
import type { TraceSpan } from '../../../admin/api.ts';
import { endOf, type TimeRange } from './layout.ts';
import { followed } from './time-axis.ts';

export interface Zoom {
  /** What is to be seen. */
  readonly view: TimeRange;
  readonly isZoomed: boolean;
  zoom(view: TimeRange): void;
  zoomTo(span: TraceSpan): void;
  /** Moves what is seen to the span, where one looks closer at something else. */
  follow(span: TraceSpan): void;
  reset(): void;
}

/** Of a span that one looks at closer, on each side. */
const marginRatio = 0.05;
const marginMsMin = 0.05;

/** The part of the time that one looks at. `range`: all of it. */
export function useZoom(range: TimeRange, now: number): Zoom {
  const [chosen, setChosen] = useState<TimeRange>();
  return {
    view: chosen ?? range,
    isZoomed: chosen !== undefined,
    zoom: setChosen,
    zoomTo(span) {
      const endMs = endOf(span, now);
      const margin = Math.max(marginMsMin, (endMs - span.startMs) * marginRatio);
      setChosen({ fromMs: span.startMs - margin, toMs: endMs + margin });
    },
    follow(span) {
      if (chosen) setChosen(followed(chosen, span.startMs, endOf(span, now)));
    },
    reset: () => setChosen(undefined),
  };
}
