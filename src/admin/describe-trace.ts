import type { Attributes } from '@opentelemetry/api';
import type { Exchange } from '../exchange/exchange.ts';
import type { InFlight } from '../flow/in-flight.ts';
import type { Limits } from '../limits.ts';
import type { ExchangeRecorder } from '../telemetry/exchange-recorder.ts';
import type { RecentExchanges } from '../telemetry/recent/recent-exchanges.ts';
import type { SpanSoFar } from '../telemetry/spans/span-draft.ts';
import type { TraceStore } from '../telemetry/spans/trace-store.ts';
import type { ExchangeLine } from './api/exchanges.ts';
import type { AttributeMap, AttributeValue, SpanEvent, TraceSpan, TraceView } from './api/traces.ts';
import { asJson } from './as-json.ts';
import { describeExchange } from './describe-exchange.ts';

export interface TraceSources {
  readonly telemetry: {
    readonly traces: Pick<TraceStore, 'get'>;
    readonly recent: RecentExchanges;
    readonly recorder: Pick<ExchangeRecorder, 'spansSoFar'>;
  };
  readonly inFlight: Pick<InFlight, 'exchanges'>;
  readonly limits: Pick<Limits, 'spansPerTraceMax' | 'exchangesPerAnswerMax'>;
}

/**
 * What has ended of a trace, and what runs, so far: the spans of an exchange all end with it, so none is in both.
 * Undefined where nothing is known of it.
 */
export function describeTrace(sources: TraceSources, traceId: string): TraceView | undefined {
  const { telemetry, inFlight } = sources;
  const running = inFlight
    .exchanges()
    .filter(({ trace }) => trace?.traceId === traceId)
    .sort((a, b) => a.clock.startedAt - b.clock.startedAt);
  const ended = telemetry.traces.get(traceId) ?? { spans: [], droppedSpans: 0 };
  const { spans, dropped } = spansSoFar(sources, running);
  const exchanges = exchangesOf(sources, traceId, running);
  if (ended.spans.length + spans.length + exchanges.length === 0) return undefined;
  return {
    traceId,
    isRunning: running.length > 0,
    spans: [...ended.spans, ...spans].sort((a, b) => a.startMs - b.startMs).map(describeSpan),
    droppedSpans: ended.droppedSpans + dropped,
    exchanges,
  };
}

/** A client can begin as many exchanges in one trace as it likes: those that began last are shown. */
function spansSoFar({ telemetry, limits }: TraceSources, running: readonly Exchange[]) {
  const max = limits.spansPerTraceMax;
  const spans = running.slice(-max).flatMap((exchange) => telemetry.recorder.spansSoFar(exchange));
  const dropped = Math.max(0, running.length - max) + Math.max(0, spans.length - max);
  return { spans: spans.slice(-max), dropped };
}

function exchangesOf(
  { telemetry, limits }: TraceSources,
  traceId: string,
  running: readonly Exchange[],
): ExchangeLine[] {
  const { recent } = telemetry;
  const countMax = limits.exchangesPerAnswerMax;
  const ended = recent.find({
    before: undefined,
    after: undefined,
    countMax,
    matches: (row) => row.traceId === traceId,
  });
  return [...ended.rows, ...running.slice(-countMax).map((exchange) => recent.running(exchange))]
    .sort((a, b) => a.startedAtMs - b.startedAtMs)
    .map(describeExchange);
}

function describeSpan({ status, attributes, events, ...span }: SpanSoFar): TraceSpan {
  return asJson({
    ...span,
    status: asJson(status),
    attributes: describeAttributes(attributes),
    events: events.map(describeEvent),
  });
}

function describeEvent({ name, timeMs, attributes }: SpanSoFar['events'][number]): SpanEvent {
  return { name, timeMs, ...(attributes && { attributes: describeAttributes(attributes) }) };
}

/** Spans of plugins may have structured values: as JSON they can be read. */
function describeAttributes(attributes: Attributes): AttributeMap {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, isPlain(value) ? value : JSON.stringify(value)]),
  );
}

function isPlain(value: unknown): value is AttributeValue {
  return Array.isArray(value) ? value.every(isScalar) : isScalar(value);
}

function isScalar(value: unknown): value is string | number | boolean | null | undefined {
  return value === null || typeof value !== 'object';
}
