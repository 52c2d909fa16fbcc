import type { ExchangeLine } from './exchanges.ts';

export type AttributeValue =
  | string
  | number
  | boolean
  | readonly (string | number | boolean | null | undefined)[];
export type AttributeMap = Readonly<Record<string, AttributeValue | undefined>>;

/** A span. Times are ms since the epoch. */
export interface TraceSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** `SERVER`, `CLIENT` or `INTERNAL`. */
  readonly kind: string;
  readonly startMs: number;
  /** Absent while it runs. */
  readonly endMs?: number;
  readonly status: { readonly code: string; readonly message?: string };
  readonly attributes: AttributeMap;
  readonly events: readonly SpanEvent[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** Of an attempt, or a turn, that is a stream. */
  readonly chunks?: ChunkMarks;
}

export interface SpanEvent {
  readonly name: string;
  readonly timeMs: number;
  readonly attributes?: AttributeMap;
}

/** When events with output of the model came. */
export interface ChunkMarks {
  /** How many there were. */
  readonly count: number;
  /** ms since the epoch, rising. Of many, some: evenly chosen, the first and the last among them. */
  readonly times: readonly number[];
}

/**
 * `/api/traces/:id`: also of a trace that runs, whose spans say what they would say if it ended now. Spans in the order
 * in which they began; none where the trace is not sampled, or has made room for newer ones, and an exchange of it is
 * still known.
 */
export interface TraceView {
  readonly traceId: string;
  /** An exchange of it has not ended. */
  readonly isRunning: boolean;
  readonly spans: readonly TraceSpan[];
  readonly droppedSpans: number;
  /** Those of its exchanges that are still known, in the order in which they began. */
  readonly exchanges: readonly ExchangeLine[];
}
