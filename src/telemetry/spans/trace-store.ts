import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Limits } from '../../limits.ts';
import { attribute, contentAttributes } from '../names.ts';
import { type ChunkMarks, MarkedStreams } from './chunk-marks.ts';

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
  'tracesMax' | 'spansPerTraceMax' | 'tracesTextCharsMax' | 'markedStreamsMax' | 'chunkMarksMax'
>;

interface StoredTrace {
  readonly spans: ReadableSpan[];
  /** The first to end; undefined when it is kept no more. */
  first: ReadableSpan | undefined;
  root: ReadableSpan | undefined;
  dropped: number;
  textChars: number;
}

/**
 * Keeps the newest traces in memory, for the admin plane. Bounded in traces, in spans of each, and in what clients
 * may make long in these.
 */
export class TraceStore implements SpanProcessor {
  readonly markedStreams: MarkedStreams;
  readonly #tracesMax: number;
  readonly #spansPerTraceMax: number;
  readonly #textCharsMax: number;
  /** In the order of their last span. */
  readonly #traces = new Map<string, StoredTrace>();
  #newest = '';
  #textChars = 0;

  constructor(limits: TraceStoreLimits) {
    this.markedStreams = new MarkedStreams(limits);
    this.#tracesMax = limits.tracesMax;
    this.#spansPerTraceMax = limits.spansPerTraceMax;
    this.#textCharsMax = limits.tracesTextCharsMax;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if ((traceFlags & TraceFlags.SAMPLED) === 0) return;
    const trace = this.#traces.get(traceId) ?? this.#begin(span);
    trace.spans.push(span);
    this.#count(trace, textChars(span));
    if (trace.spans.length > this.#spansPerTraceMax) {
      // The oldest: the root ends last, and of a long session the newest turns are asked for.
      const oldest = trace.spans.shift();
      if (oldest) this.#count(trace, -textChars(oldest));
      trace.dropped += 1;
    }
    // A client's trace may have several.
    if (isRoot(span)) trace.root = span;
    this.#moveToEnd(traceId, trace);
    while (this.#textChars > this.#textCharsMax && this.#traces.size > 1) this.#dropOldest();
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {
    this.#traces.clear();
    this.markedStreams.clear();
    this.#textChars = 0;
    this.#newest = '';
  }

  /** Newest first: a trace is as new as its last span. */
  list(countMax: number): TraceSummary[] {
    const newest = [...this.#traces].reverse();
    return newest.slice(0, countMax).flatMap(([traceId, trace]) => summaryOf(traceId, trace) ?? []);
  }

  /** The spans of one trace, in the order in which they began; undefined for a trace that is not kept. */
  get(traceId: string): { spans: StoredSpan[]; droppedSpans: number } | undefined {
    const trace = this.#traces.get(traceId);
    if (!trace) return undefined;
    const chunks = this.markedStreams.ofTrace(traceId);
    const spans = trace.spans
      .map(stored)
      .map((span) => withChunks(span, chunks.get(span.spanId)))
      .sort((a, b) => a.startMs - b.startMs);
    return { spans, droppedSpans: trace.dropped };
  }

  /** The spans of an exchange mostly end together: then it is there already. */
  #moveToEnd(traceId: string, trace: StoredTrace): void {
    if (this.#newest === traceId) return;
    this.#newest = traceId;
    this.#traces.delete(traceId);
    this.#traces.set(traceId, trace);
  }

  #dropOldest(): void {
    for (const [traceId, trace] of this.#traces) {
      this.#textChars -= trace.textChars;
      this.#traces.delete(traceId);
      empty(trace);
      return;
    }
  }

  #count(trace: StoredTrace, chars: number): void {
    trace.textChars += chars;
    this.#textChars += chars;
  }

  #begin(first: ReadableSpan): StoredTrace {
    if (this.#traces.size >= this.#tracesMax) this.#dropOldest();
    return { spans: [], first, root: undefined, dropped: 0, textChars: 0 };
  }
}

/**
 * A map that entries come to and go from leaves tables behind, which wait among the old objects for a garbage collection
 * of all: until then whatever they lead to is copied there as well, and with it each span that was ever kept here.
 */
function empty(trace: StoredTrace): void {
  trace.spans.length = 0;
  trace.first = undefined;
  trace.root = undefined;
}

function summaryOf(traceId: string, { root, first, spans }: StoredTrace): TraceSummary | undefined {
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

/** Ours, that is: its parent, where it has one, ran elsewhere. */
function isRoot(span: ReadableSpan): boolean {
  return span.parentSpanContext === undefined || span.parentSpanContext.isRemote === true;
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

/** All others are names, and cut off as such. */
const longAttributes = [...contentAttributes, attribute.urlPath, attribute.genAiRequestStopSequences];

function textChars({ attributes }: ReadableSpan): number {
  let chars = 0;
  for (const key of longAttributes) {
    const value = attributes[key];
    if (typeof value === 'string') chars += value.length;
    else if (Array.isArray(value)) for (const one of value) chars += String(one).length;
  }
  return chars;
}
