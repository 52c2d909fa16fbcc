import type { ExchangeLine } from '../../../admin/api/exchanges.ts';
import type { TraceSpan, TraceView } from '../../../admin/api/traces.ts';
import type { Outcome } from '../../../exchange/outcome.ts';
import { attribute, spanEvent } from '../../../telemetry/names.ts';
import { firstOutputMs } from './phases.ts';
import { numberOf, outcomeOf, roleOf, type SpanRole, textOf } from './span-facts.ts';

/** What a trace tells of one exchange: of its spans, and of its line where a span does not tell yet. */
export interface ExchangeFacts {
  readonly id: string;
  readonly kind: ExchangeLine['kind'];
  /** Of the exchange itself; undefined where it is not kept. */
  readonly span: TraceSpan | undefined;
  /** Also where the span is not kept. Clients may use an id twice, and this only once. */
  readonly spanId: string | undefined;
  /** It is recorded. */
  readonly isSampled: boolean;
  readonly attempts: readonly TraceSpan[];
  readonly isRunning: boolean;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly model: string | undefined;
  readonly upstream: string | undefined;
  readonly dialect: string | undefined;
  readonly turn: number | undefined;
  readonly outcome: Outcome | undefined;
  readonly status: number | undefined;
  readonly error: { readonly code: string; readonly message: string | undefined } | undefined;
  readonly startMs: number;
  readonly durationMs: number;
  readonly isStream: boolean;
  readonly firstTokenMs: number | undefined;
  readonly tokensPerSecond: number | undefined;
  /** Our own share. */
  readonly overheadMs: number | undefined;
  readonly usage: Usage;
}

export interface Usage {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheCreation: number | undefined;
  readonly reasoning: number | undefined;
}

const kinds: Readonly<Partial<Record<SpanRole, ExchangeLine['kind']>>> = {
  request: 'request',
  session: 'session',
  turn: 'turn',
};

/** In the order in which they began. `now`: as of `endOf`. */
export function exchangesOf({ spans, exchanges = [] }: TraceView, now: number): ExchangeFacts[] {
  const lines = new Map(exchanges.map((line) => [line.spanId ?? line.id, line]));
  const attempts = Map.groupBy(
    spans.filter((span) => roleOf(span) === 'attempt' || roleOf(span) === 'connection'),
    ({ parentSpanId }) => parentSpanId,
  );
  const known = spans
    .filter((span) => kinds[roleOf(span)] !== undefined)
    .map((span) => {
      const line = lines.get(span.spanId);
      if (line) lines.delete(line.spanId ?? line.id);
      return factsOf(span, attempts.get(span.spanId) ?? [], line, now);
    });
  // Those whose spans are not kept any more, or not yet there.
  const rest = [...lines.values()].map((line) => factsOf(undefined, [], line, now));
  return [...known, ...rest].sort((a, b) => a.startMs - b.startMs);
}

/** The exchange that a span belongs to: its own, or that of the nearest above it. */
export function exchangeOfSpan(
  spanId: string | undefined,
  spans: readonly TraceSpan[],
  exchanges: readonly ExchangeFacts[],
): ExchangeFacts | undefined {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const seen = new Set<string>();
  let at = spanId;
  while (at !== undefined && !seen.has(at)) {
    const current = at;
    seen.add(current);
    const found = exchanges.find((exchange) => exchange.spanId === current);
    if (found) return found;
    at = byId.get(current)?.parentSpanId;
  }
  return undefined;
}

function factsOf(
  span: TraceSpan | undefined,
  attempts: readonly TraceSpan[],
  line: ExchangeLine | undefined,
  now: number,
): ExchangeFacts {
  // A turn is the exchange and its attempt in one span.
  const kind = line?.kind ?? (span && kinds[roleOf(span)]) ?? 'request';
  const told = kind === 'turn' ? span : attempts.at(-1);
  const text = (key: string) => (span && textOf(span, key)) ?? (told && textOf(told, key));
  const number = (key: string) => (span && numberOf(span, key)) ?? (told && numberOf(told, key));
  const usage = kind === 'session' ? sessionUsage(span) : usageOf(told, line);
  const firstMs = told && firstOutputMs(told);
  const startMs = span?.startMs ?? Date.parse(line?.startedAt ?? '');
  const isRunning = span ? span.endMs === undefined : line?.outcome === undefined;
  const overhead = span && numberOf(span, attribute.overhead);
  return {
    kind,
    span,
    spanId: span?.spanId ?? line?.spanId,
    isSampled: span !== undefined || line?.isSampled !== false,
    attempts: kind === 'turn' && span ? [span] : attempts,
    isRunning,
    startMs,
    usage,
    id: text(attribute.exchangeId) ?? line?.id ?? '',
    method: text(attribute.httpRequestMethodOriginal) ?? text(attribute.httpRequestMethod) ?? line?.method,
    path: text(attribute.urlPath) ?? line?.path,
    model: text(attribute.genAiRequestModel) ?? text(attribute.genAiResponseModel) ?? line?.model,
    upstream: (told && textOf(told, attribute.upstream)) ?? text(attribute.upstream) ?? line?.upstream,
    dialect: text(attribute.dialect) ?? line?.dialect,
    turn: number(attribute.sessionTurn) ?? line?.turn,
    outcome: (span && outcomeOf(span)) ?? line?.outcome,
    status: (span && numberOf(span, attribute.httpResponseStatusCode)) ?? line?.status,
    error: errorOf(span, line),
    durationMs: span ? Math.max(0, (span.endMs ?? now) - span.startMs) : (line?.durationMs ?? 0),
    isStream: told?.attributes[attribute.genAiRequestStream] === true || line?.isStream === true,
    firstTokenMs: firstMs !== undefined && told ? firstMs - told.startMs : line?.firstTokenMs,
    tokensPerSecond: line?.tokensPerSecond ?? speedOf(told, firstMs, usage.output),
    overheadMs: overhead === undefined ? undefined : overhead * 1000,
  };
}

function usageOf(span: TraceSpan | undefined, line: ExchangeLine | undefined): Usage {
  const number = (key: string) => span && numberOf(span, key);
  return {
    input: number(attribute.genAiUsageInputTokens) ?? line?.inputTokens,
    output: number(attribute.genAiUsageOutputTokens) ?? line?.outputTokens,
    cacheRead: number(attribute.genAiUsageCacheReadInputTokens),
    cacheCreation: number(attribute.genAiUsageCacheCreationInputTokens),
    reasoning: number(attribute.genAiUsageReasoningOutputTokens),
  };
}

function sessionUsage(span: TraceSpan | undefined): Usage {
  const number = (key: string) => span && numberOf(span, key);
  return {
    input: number(attribute.sessionInputTokens),
    output: number(attribute.sessionOutputTokens),
    cacheRead: number(attribute.sessionCacheReadInputTokens),
    cacheCreation: number(attribute.sessionCacheCreationInputTokens),
    reasoning: number(attribute.sessionReasoningOutputTokens),
  };
}

function speedOf(
  span: TraceSpan | undefined,
  firstMs: number | undefined,
  tokens: number | undefined,
): number | undefined {
  if (span?.endMs === undefined || firstMs === undefined || !tokens) return undefined;
  const ms = (span.chunks?.times.at(-1) ?? span.endMs) - firstMs;
  return ms > 0 ? (tokens / ms) * 1000 : undefined;
}

function errorOf(span: TraceSpan | undefined, line: ExchangeLine | undefined): ExchangeFacts['error'] {
  const exception = span?.events.findLast(({ name }) => name === spanEvent.exception)?.attributes;
  const code =
    exception?.[attribute.exceptionType] ?? line?.error ?? (span && textOf(span, attribute.errorType));
  if (typeof code !== 'string') return undefined;
  const message = exception?.[attribute.exceptionMessage];
  return { code, message: typeof message === 'string' ? message : undefined };
}
