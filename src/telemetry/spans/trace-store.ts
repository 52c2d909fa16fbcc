import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Limits } from '../../limits.ts';
import { attribute } from '../names.ts';
import { type ChunkMarks, MarkedStreams } from './chunk-marks.ts';
import { type KeptTrace, KeptTraces } from './kept-traces.ts';

/** A span as `/api/traces/:id` shows it. Times are ms since the epoch. */
export interface StoredSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly status: { readonly code: string; readonly message?: string | undefined };
  readonly attributes: ReadableSpan['attributes'];
  readonly events: readonly {
    readonly name: string;
    readonly timeMs: number;
    readonly attributes: ReadableSpan['attributes'] | undefined;
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** Of a stream, where they are kept. */
  readonly chunks?: ChunkMarks | undefined;
}

/** A line of `/api/traces`. Of a trace that runs it tells what has ended, by the span that ended first. */
export interface TraceSummary {
  readonly traceId: string;
  readonly name: string;
  /** Its root has not ended: a session goes on for hours, and has turns to show meanwhile. */
  readonly isRunning: boolean;
  readonly startMs: number;
  /** Of one that runs: to the end of its newest span. */
  readonly durationMs: number;
  readonly spans: number;
  readonly attributes: ReadableSpan['attributes'];
}

export type TraceStoreLimits = Pick<
  Limits,
  | 'tracesMax'
  | 'troubledTracesMax'
  | 'spansPerTraceMax'
  | 'tracesTextCharsMax'
  | 'markedStreamsMax'
  | 'chunkMarksMax'
>;

/**
 * Keeps the newest traces in memory, for the admin plane: those in which something went wrong apart from the others,
 * which are many more and would push them out. Bounded in traces, in spans of each, and in what clients may make long
 * in these.
 */
export class TraceStore implements SpanProcessor {
  readonly markedStreams: MarkedStreams;
  readonly #good: KeptTraces;
  readonly #troubled: KeptTraces;
  readonly #textCharsMax: number;
  #spans = 0;

  constructor(limits: TraceStoreLimits) {
    const { spansPerTraceMax } = limits;
    this.markedStreams = new MarkedStreams(limits);
    this.#good = new KeptTraces({ tracesMax: limits.tracesMax, spansPerTraceMax });
    this.#troubled = new KeptTraces({ tracesMax: limits.troubledTracesMax, spansPerTraceMax });
    this.#textCharsMax = limits.tracesTextCharsMax;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if ((traceFlags & TraceFlags.SAMPLED) === 0) return;
    this.#spans += 1;
    this.#keeperFor(traceId, span).add(traceId, span, this.#spans);
    while (this.#isTooLong()) this.#dropOldest(traceId);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {
    this.#good.clear();
    this.#troubled.clear();
    this.markedStreams.clear();
  }

  /** Newest first: a trace is as new as its last span. */
  list(countMax: number): TraceSummary[] {
    return [...this.#good.entries(), ...this.#troubled.entries()]
      .sort(([, a], [, b]) => b.newest - a.newest)
      .slice(0, countMax)
      .flatMap(([traceId, trace]) => summaryOf(traceId, trace) ?? []);
  }

  /** The spans of one trace, in the order in which they began; undefined for a trace that is not kept. */
  get(traceId: string): { spans: StoredSpan[]; droppedSpans: number } | undefined {
    const trace = this.#troubled.get(traceId) ?? this.#good.get(traceId);
    if (!trace) return undefined;
    const chunks = this.markedStreams.ofTrace(traceId);
    const spans = trace.spans
      .map(stored)
      .map((span) => withChunks(span, chunks.get(span.spanId)))
      .sort((a, b) => a.startMs - b.startMs);
    return { spans, droppedSpans: trace.dropped };
  }

  /** A trace in which something went wrong remains one, whatever comes after. */
  #keeperFor(traceId: string, span: ReadableSpan): KeptTraces {
    if (this.#troubled.get(traceId)) return this.#troubled;
    if (!isTroubled(span)) return this.#good;
    const soFar = this.#good.take(traceId);
    if (soFar) this.#troubled.put(traceId, soFar);
    return this.#troubled;
  }

  #isTooLong(): boolean {
    return (
      this.#good.textChars + this.#troubled.textChars > this.#textCharsMax &&
      this.#good.size + this.#troubled.size > 1
    );
  }

  /** Of the kind that is longer: neither leaves the other without room. The newest of all stays. */
  #dropOldest(newest: string): void {
    const isGoodLonger = this.#good.textChars >= this.#troubled.textChars;
    const [longer, other] = isGoodLonger ? [this.#good, this.#troubled] : [this.#troubled, this.#good];
    (longer.oldest === newest ? other : longer).dropOldest();
  }
}

/** A client that left is no trouble; what was refused here is, although its status tells of no error. */
function isTroubled({ status, attributes }: ReadableSpan): boolean {
  if (status.code === SpanStatusCode.ERROR) return true;
  const outcome = attributes[attribute.outcome];
  return outcome !== undefined && outcome !== 'completed' && outcome !== 'client_aborted';
}

function summaryOf(traceId: string, { root, first, spans }: KeptTrace): TraceSummary | undefined {
  const told = root ?? first;
  if (!told) return undefined;
  const startMs = hrTimeToMilliseconds(told.startTime);
  const last = spans.at(-1) ?? told;
  return {
    traceId,
    name: told.name,
    isRunning: root === undefined,
    startMs,
    durationMs: root ? hrTimeToMilliseconds(root.duration) : hrTimeToMilliseconds(last.endTime) - startMs,
    spans: spans.length,
    attributes: told.attributes,
  };
}

export function stored(span: ReadableSpan): StoredSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    kind: SpanKind[span.kind],
    startMs: hrTimeToMilliseconds(span.startTime),
    endMs: hrTimeToMilliseconds(span.endTime),
    status: { code: SpanStatusCode[span.status.code], message: span.status.message },
    attributes: span.attributes,
    events: span.events.map(({ name, time, attributes }) => ({
      name,
      timeMs: hrTimeToMilliseconds(time),
      attributes,
    })),
    links: span.links.map(({ context }) => ({ traceId: context.traceId, spanId: context.spanId })),
  };
}

function withChunks<Span extends object>(span: Span, chunks: ChunkMarks | undefined) {
  return chunks ? { ...span, chunks } : span;
}
