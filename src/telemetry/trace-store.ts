import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

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
    readonly attributes: unknown;
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** A line of `/api/traces`. */
export interface TraceSummary {
  readonly traceId: string;
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly spans: number;
  readonly attributes: ReadableSpan['attributes'];
}

interface StoredTrace {
  readonly spans: ReadableSpan[];
  root: ReadableSpan | undefined;
  dropped: number;
}

/** Keeps the newest finished traces in memory, for the admin plane. Bounded in traces and in spans of each. */
export class TraceStore implements SpanProcessor {
  readonly #tracesMax: number;
  readonly #spansPerTraceMax: number;
  /** Those under way in the order of their first span, then at the end of the map as they finish. */
  readonly #traces = new Map<string, StoredTrace>();

  constructor(limits: { readonly tracesMax: number; readonly spansPerTraceMax: number }) {
    this.#tracesMax = limits.tracesMax;
    this.#spansPerTraceMax = limits.spansPerTraceMax;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if ((traceFlags & TraceFlags.SAMPLED) === 0) return;
    const trace = this.#traces.get(traceId) ?? this.#begin(traceId);
    if (trace.spans.length < this.#spansPerTraceMax) trace.spans.push(span);
    else trace.dropped += 1;
    if (!isRoot(span)) return;
    // The root ends last: with it the trace is finished, and is the newest. A client's trace may have several.
    trace.root = span;
    this.#traces.delete(traceId);
    this.#traces.set(traceId, trace);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {
    this.#traces.clear();
  }

  /** The finished traces, newest first. */
  list(countMax: number): TraceSummary[] {
    const summaries: TraceSummary[] = [];
    for (const [traceId, { root, spans }] of [...this.#traces].reverse()) {
      if (summaries.length >= countMax) break;
      if (!root) continue;
      const startMs = hrTimeToMilliseconds(root.startTime);
      const durationMs = hrTimeToMilliseconds(root.duration);
      summaries.push({
        traceId,
        name: root.name,
        startMs,
        durationMs,
        spans: spans.length,
        attributes: root.attributes,
      });
    }
    return summaries;
  }

  /** The spans of one trace, in the order in which they began; undefined for a trace that is not kept. */
  get(traceId: string): { spans: StoredSpan[]; droppedSpans: number } | undefined {
    const trace = this.#traces.get(traceId);
    if (!trace) return undefined;
    const spans = trace.spans.map(stored).sort((a, b) => a.startMs - b.startMs);
    return { spans, droppedSpans: trace.dropped };
  }

  #begin(traceId: string): StoredTrace {
    if (this.#traces.size >= this.#tracesMax) {
      const oldest = this.#traces.keys().next().value;
      if (oldest !== undefined) this.#traces.delete(oldest);
    }
    const trace: StoredTrace = { spans: [], root: undefined, dropped: 0 };
    this.#traces.set(traceId, trace);
    return trace;
  }
}

/** Ours, that is: its parent, where it has one, ran elsewhere. */
function isRoot(span: ReadableSpan): boolean {
  return span.parentSpanContext === undefined || span.parentSpanContext.isRemote === true;
}

function stored(span: ReadableSpan): StoredSpan {
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
