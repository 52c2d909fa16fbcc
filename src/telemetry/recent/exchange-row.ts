import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange, ExchangePlace } from '../../exchange/exchange.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import type { SessionFacts } from '../../exchange/session-facts.ts';
import { exchangeErrorType } from '../error-type.ts';
import type { SharedTexts } from './shared-texts.ts';

/**
 * What is worth seeing of an exchange in a list of many. It holds on to nothing of the exchange, and no text of it is
 * longer than `SharedTexts` lets through. What is not known is undefined.
 */
export interface ExchangeRow {
  /** Its number in the order in which they ended, from 1; 0 while it runs. */
  readonly seq: number;
  readonly id: string;
  readonly kind: ExchangePlace['kind'];
  readonly sessionId: string | undefined;
  readonly turn: number | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly isSampled: boolean;
  readonly method: string;
  readonly path: string;
  readonly upstream: string | undefined;
  readonly dialect: string | undefined;
  readonly model: string | undefined;
  readonly tenant: string | undefined;
  readonly isStream: boolean;
  /** Since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: Outcome | undefined;
  readonly error: string | undefined;
  readonly status: number | undefined;
  readonly attempts: number;
  readonly firstTokenMs: number | undefined;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly replyBytes: number;
  readonly outputChunks: number;
  readonly tokensPerSecond: number | undefined;
  readonly session: SessionRow | undefined;
}

export type SessionRow = ReturnType<typeof sessionRow>;

/** As it is at `now` (`performance.now()`), or as it has ended. One literal: this is done for each exchange. */
export function exchangeRow(exchange: Exchange, seq: number, texts: SharedTexts, now: number): ExchangeRow {
  const { attempt, request, route, query, clock, place, session, trace } = exchange;
  const until = exchange.endedAt ?? now;
  return {
    seq,
    id: exchange.id,
    kind: place.kind,
    sessionId: session?.id,
    turn: place.kind === 'turn' ? place.number : undefined,
    traceId: trace?.traceId,
    spanId: trace?.spanId,
    isSampled: trace?.flags === 1,
    method: request.method,
    path: texts.share(request.path),
    upstream: attempt?.upstream.name ?? route.upstream,
    dialect: route.dialect?.name,
    model: texts.share(query?.model),
    tenant: texts.share(tenantOf(exchange)),
    isStream: attempt?.streamed ?? query?.stream ?? false,
    startedAtMs: clock.startedEpochMs,
    durationMs: Math.max(0, until - clock.startedAt),
    outcome: exchange.outcome,
    error: exchange.outcome && texts.share(exchangeErrorType(exchange)),
    status: exchange.status,
    attempts: exchange.attempts.length,
    firstTokenMs: attempt && firstTokenMs(attempt),
    inputTokens: attempt?.reply.usage.input,
    outputTokens: attempt?.reply.usage.output,
    replyBytes: attempt?.bytes ?? 0,
    outputChunks: attempt?.outputChunks ?? 0,
    tokensPerSecond: attempt && tokensPerSecond(attempt, until),
    session: place.kind === 'session' ? sessionRow(place.facts) : undefined,
  };
}

/** Nothing checks the types of a plugin that is not TypeScript. */
function tenantOf({ labels, attributes }: Exchange): string | undefined {
  const tenant: unknown = labels.get('tenant') ?? attributes.get('tenant');
  if (typeof tenant === 'string') return tenant;
  return typeof tenant === 'number' || typeof tenant === 'boolean' ? String(tenant) : undefined;
}

function firstTokenMs({ firstOutputAt, startedAt }: Attempt): number | undefined {
  return firstOutputAt === undefined ? undefined : firstOutputAt - startedAt;
}

/**
 * Of the tokens that came after the first event with output, whose own had their time before it. Until an upstream has
 * said all, what it tells of its usage may be of the beginning alone: then each such event counts as one token.
 */
function tokensPerSecond(attempt: Attempt, until: number): number | undefined {
  const { streamed, firstOutputAt, outputChunks, reply } = attempt;
  if (!streamed || firstOutputAt === undefined || outputChunks < 2) return undefined;
  const { output = 0 } = reply.usage;
  const tokens = reply.terminal && output > 0 ? output : Math.max(output, outputChunks);
  const seconds = ((attempt.endedAt ?? until) - firstOutputAt) / 1_000;
  return seconds > 0 ? (tokens * (1 - 1 / outputChunks)) / seconds : undefined;
}

/** What has happened on a session so far. */
function sessionRow({ protocol, turns, outcomes, received }: SessionFacts) {
  const { client, upstream } = received;
  return {
    protocol,
    turns,
    outcomes: { ...outcomes },
    messages: { client: client.messages, upstream: upstream.messages },
    bytes: { client: client.bytes, upstream: upstream.bytes },
  };
}
