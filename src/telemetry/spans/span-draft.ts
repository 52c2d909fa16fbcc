import { ROOT_CONTEXT, type Span, TraceFlags, type Tracer } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  type ReadableSpan,
  type SpanLimits,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type StoredSpan, stored } from './trace-store.ts';

/** A span as it is so far: `endMs` is undefined while what it tells of goes on. */
export interface SpanSoFar extends Omit<StoredSpan, 'endMs'> {
  readonly endMs: number | undefined;
}

/**
 * What open spans would tell if they ended now. Whatever is said of one is said of a draft of it, which the bounds of
 * attributes hold for as well and nobody else ever gets to see.
 */
export class SpanDrafts {
  readonly #tracer: Tracer;

  constructor(spanLimits: SpanLimits) {
    this.#tracer = new TracerProvider({ sampler: new AlwaysOnSampler(), spanLimits }).getTracer('drafts');
  }

  /** Undefined where there is none, or nobody would get it. */
  of(
    span: Span | undefined,
    describe: (draft: Span) => void,
    soFar: Pick<SpanSoFar, 'endMs' | 'chunks'>,
  ): SpanSoFar | undefined {
    if (!span || !isReadable(span) || (span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0)
      return undefined;
    const { name, kind, startTime, attributes, links, parentSpanContext } = span;
    const { traceId, spanId } = span.spanContext();
    const draft = this.#tracer.startSpan(name, { kind, startTime, attributes, links }, ROOT_CONTEXT);
    if (!isReadable(draft)) return undefined;
    describe(draft);
    return { ...stored(draft), traceId, spanId, parentSpanId: parentSpanContext?.spanId, ...soFar };
  }
}

/** Those of the SDK are, unless they record nothing. */
function isReadable(span: Span): span is Span & ReadableSpan {
  return 'startTime' in span && 'attributes' in span;
}
