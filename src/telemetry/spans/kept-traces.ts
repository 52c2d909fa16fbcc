import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { attribute, contentAttributes } from '../names.ts';

export interface KeptTrace {
  readonly spans: ReadableSpan[];
  /** The first to end; undefined when it is kept no more. */
  first: ReadableSpan | undefined;
  root: ReadableSpan | undefined;
  /** Number of its last span, among those of all traces. */
  newest: number;
  dropped: number;
  textChars: number;
}

export interface KeptTracesLimits {
  readonly tracesMax: number;
  readonly spansPerTraceMax: number;
}

/** So many traces, those of the newest spans, each with so many spans. */
export class KeptTraces {
  readonly #tracesMax: number;
  readonly #spansPerTraceMax: number;
  /** In the order of their last span. */
  readonly #traces = new Map<string, KeptTrace>();
  #newest = '';
  #textChars = 0;

  constructor(limits: KeptTracesLimits) {
    this.#tracesMax = limits.tracesMax;
    this.#spansPerTraceMax = limits.spansPerTraceMax;
  }

  get size(): number {
    return this.#traces.size;
  }

  /** Of what may be long in all of them. */
  get textChars(): number {
    return this.#textChars;
  }

  get oldest(): string | undefined {
    for (const traceId of this.#traces.keys()) return traceId;
    return undefined;
  }

  get(traceId: string): KeptTrace | undefined {
    return this.#traces.get(traceId);
  }

  entries(): IterableIterator<[string, KeptTrace]> {
    return this.#traces.entries();
  }

  /** `number` counts the spans of all traces. */
  add(traceId: string, span: ReadableSpan, number: number): void {
    const trace = this.#traces.get(traceId) ?? this.put(traceId, begin(span));
    trace.spans.push(span);
    trace.newest = number;
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
  }

  /** In place of the oldest where there are too many. */
  put(traceId: string, trace: KeptTrace): KeptTrace {
    if (this.#traces.size >= this.#tracesMax) this.dropOldest();
    this.#traces.set(traceId, trace);
    this.#newest = traceId;
    this.#textChars += trace.textChars;
    return trace;
  }

  /** It is kept elsewhere from now on. */
  take(traceId: string): KeptTrace | undefined {
    const trace = this.#traces.get(traceId);
    if (!trace) return undefined;
    this.#textChars -= trace.textChars;
    this.#traces.delete(traceId);
    return trace;
  }

  dropOldest(): void {
    const { oldest } = this;
    const trace = oldest === undefined ? undefined : this.take(oldest);
    if (trace) empty(trace);
  }

  clear(): void {
    this.#traces.clear();
    this.#textChars = 0;
    this.#newest = '';
  }

  /** The spans of an exchange mostly end together: then it is there already. */
  #moveToEnd(traceId: string, trace: KeptTrace): void {
    if (this.#newest === traceId) return;
    this.#newest = traceId;
    this.#traces.delete(traceId);
    this.#traces.set(traceId, trace);
  }

  #count(trace: KeptTrace, chars: number): void {
    trace.textChars += chars;
    this.#textChars += chars;
  }
}

function begin(first: ReadableSpan): KeptTrace {
  return { spans: [], first, root: undefined, newest: 0, dropped: 0, textChars: 0 };
}

/**
 * A map that entries come to and go from leaves tables behind, which wait among the old objects for a garbage collection
 * of all: until then whatever they lead to is copied there as well, and with it each span that was ever kept here.
 */
function empty(trace: KeptTrace): void {
  trace.spans.length = 0;
  trace.first = undefined;
  trace.root = undefined;
}

/** Ours, that is: its parent, where it has one, ran elsewhere. */
function isRoot(span: ReadableSpan): boolean {
  return span.parentSpanContext === undefined || span.parentSpanContext.isRemote === true;
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
