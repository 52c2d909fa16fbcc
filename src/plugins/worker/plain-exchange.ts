import { type SpanContext, trace } from '@opentelemetry/api';
import type { Clock } from '../../exchange/clock.ts';
import type { ExchangePlace, RequestHead } from '../../exchange/exchange.ts';
import type { QueryFacts, ReplyFacts, Usage } from '../../exchange/facts.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import type { ExchangeView } from '../../exchange/view.ts';

/** What never changes of an exchange; crosses once. */
export interface PlainExchangeHead {
  readonly id: string;
  readonly kind: ExchangePlace['kind'];
  readonly sessionId: string | undefined;
  readonly traceId: string | undefined;
  /** Of the exchange's span, where tracing is on. */
  readonly span: SpanContext | undefined;
  /** All threads of a process count from the same moment. */
  readonly clock: Clock;
  readonly request: RequestHead;
  readonly upstream: string | undefined;
  /** By its name: a dialect is functions, and both sides have them. */
  readonly dialect: string | undefined;
}

/** What is known at the moment of a call. */
export interface PlainExchangeState {
  readonly query: QueryFacts | undefined;
  readonly reply: ReplyFacts | undefined;
  readonly usage: Usage;
  readonly attempts: number;
  readonly status: number | undefined;
  readonly outcome: Outcome | undefined;
  readonly elapsedMs: number;
}

export interface PlainExchange {
  /** Ours: clients choose ids, and choose the same ones. */
  readonly seat: number;
  /** With the first call. */
  readonly head: PlainExchangeHead | undefined;
  readonly state: PlainExchangeState;
}

/** What a plugin added to an exchange's telemetry. */
export interface PlainTags {
  readonly attributes: readonly (readonly [name: string, value: string | number | boolean])[];
  readonly labels: readonly (readonly [name: string, value: string])[];
}

export function plainExchangeHead(view: ExchangeView): PlainExchangeHead {
  const { id, kind, sessionId, traceId, context, clock, request, upstream, dialect } = view;
  return {
    id,
    kind,
    sessionId,
    traceId,
    span: trace.getSpanContext(context),
    clock,
    request,
    upstream,
    dialect: dialect?.name,
  };
}

export function plainExchangeState(view: ExchangeView): PlainExchangeState {
  const { query, reply, usage, attempts, status, outcome, elapsedMs } = view;
  return { query, reply, usage, attempts, status, outcome, elapsedMs };
}

export function applyTags(view: ExchangeView, { attributes, labels }: PlainTags): void {
  for (const [name, value] of attributes) view.setAttribute(name, value);
  for (const [name, value] of labels) view.setLabel(name, value);
}
