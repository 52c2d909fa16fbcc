import { useState } from 'preact/hooks';
import type { TraceSpan } from '../../../admin/api/traces.ts';
import { endOf, type TimeRange } from './layout.ts';
import { around, followed } from './time-axis.ts';

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

/** The part of the time that one looks at. `range`: all of it. */
export function useZoom(range: TimeRange, now: number): Zoom {
  const [chosen, setChosen] = useState<TimeRange>();
  return {
    view: chosen ?? range,
    isZoomed: chosen !== undefined,
    zoom: setChosen,
    zoomTo: (span) => setChosen(around(range, span.startMs, endOf(span, now))),
    follow(span) {
      if (chosen) setChosen(followed(chosen, span.startMs, endOf(span, now)));
    },
    reset: () => setChosen(undefined),
  };
}
