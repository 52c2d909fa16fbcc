import type { ChunkMarks, TraceSpan, TraceView } from '../../../src/admin/api/traces.ts';

type SpanFacts = Partial<TraceSpan> & { readonly spanId: string };

/** Spans as a test needs them; it runs from 0 to 100 ms unless it says otherwise. */
export function span({ spanId, ...facts }: SpanFacts): TraceSpan {
  return {
    spanId,
    traceId: 'trace',
    name: spanId,
    kind: 'INTERNAL',
    startMs: 0,
    endMs: 100,
    status: { code: 'UNSET' },
    attributes: {},
    events: [],
    links: [],
    ...facts,
  };
}

export function request(spanId: string, facts: Partial<TraceSpan> = {}): TraceSpan {
  const { attributes, ...rest } = facts;
  return span({
    spanId,
    name: 'POST /v1/chat/completions',
    kind: 'SERVER',
    attributes: {
      'http.request.method': 'POST',
      'url.path': '/v1/chat/completions',
      'sightline.exchange.id': `exchange-${spanId}`,
      'sightline.dialect': 'openai.chat',
      'sightline.outcome': 'completed',
      ...attributes,
    },
    ...rest,
  });
}

export function attempt(spanId: string, parentSpanId: string, facts: Partial<TraceSpan> = {}): TraceSpan {
  const { attributes, ...rest } = facts;
  return span({
    spanId,
    parentSpanId,
    name: 'chat gpt-4o',
    kind: 'CLIENT',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.request.stream': true,
      'sightline.attempt': 1,
      'sightline.upstream': 'default',
      'sightline.outcome': 'completed',
      ...attributes,
    },
    ...rest,
  });
}

/** One that still runs. */
export function running({ endMs: _, ...rest }: TraceSpan): TraceSpan {
  return rest;
}

export function event(name: string, timeMs: number): TraceSpan['events'][number] {
  return { name, timeMs };
}

/** Chunks with these gaps between them, ms. */
export function chunks(firstMs: number, gaps: readonly number[], count = gaps.length + 1): ChunkMarks {
  const times = [firstMs];
  for (const gap of gaps) times.push((times.at(-1) ?? 0) + gap);
  return { count, times };
}

export function trace(spans: readonly TraceSpan[], facts: Partial<TraceView> = {}): TraceView {
  return { traceId: 'trace', isRunning: false, spans, droppedSpans: 0, exchanges: [], ...facts };
}
