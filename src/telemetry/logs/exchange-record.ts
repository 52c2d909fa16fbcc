import { epochMs } from '../../exchange/clock.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { SessionFacts } from '../../exchange/session-facts.ts';
import { exchangeErrorType } from '../error-type.ts';
import { attribute, lineKey, logEvent, tagPrefix } from '../names.ts';
import { safeMessage } from '../redact.ts';
import { sessionEnd } from '../spans/session-attributes.ts';
import { firstChunkSeconds, methodOf, type Sparse } from '../spans/span-attributes.ts';

export type Level = 'info' | 'warn' | 'error';

/**
 * The log record of an exchange: what happened, and where to ask for more, under the names that its spans have for it,
 * and in their units. It holds on to nothing of the exchange. Texts are cut off at `charsMax`.
 *
 * Its time is still in ms since the epoch, and its message is not there yet: see `exchangeLine`.
 */
export function exchangeRecord(exchange: Exchange, level: Level, charsMax: number): Sparse {
  const { place, attributes, labels } = exchange;
  const record =
    place.kind === 'session' ? ofSession(exchange, place.facts, level) : ofQuery(exchange, level, charsMax);
  // Where both have a name, spans have the attribute.
  for (const tags of [labels, attributes])
    for (const [name, value] of tags) record[tagPrefix + name] = tagValue(value, charsMax);
  return record;
}

/** Of a request, and of a turn. One literal: this is done for each of them. */
function ofQuery(exchange: Exchange, level: Level, charsMax: number): Sparse {
  const { place, request, route, query, attempt, session, trace } = exchange;
  const isTurn = place.kind === 'turn';
  const reply = attempt?.reply;
  return {
    [lineKey.level]: level,
    [lineKey.time]: endedAt(exchange),
    [lineKey.message]: undefined,
    [lineKey.event]: logEvent.exchange,
    [lineKey.traceId]: trace?.traceId,
    [lineKey.spanId]: trace?.spanId,
    [lineKey.traceFlags]: trace && flags(trace),
    [attribute.exchangeId]: exchange.id,
    [attribute.outcome]: exchange.outcome,
    [attribute.duration]: durationSeconds(exchange),
    [attribute.overhead]: rounded(exchange.overheadMs / 1_000),
    [attribute.upstream]: attempt?.upstream.name ?? route.upstream,
    [attribute.httpRequestMethod]: isTurn ? undefined : methodOf(request),
    [attribute.httpRoute]: route.template,
    [attribute.httpResponseStatusCode]: isTurn ? undefined : exchange.status,
    [attribute.attempt]: isTurn ? undefined : attempt?.number,
    [attribute.sessionId]: session?.id,
    [attribute.sessionTurn]: isTurn ? place.number : undefined,
    [attribute.genAiOperationName]: route.dialect?.operation,
    [attribute.genAiRequestModel]: query && clip(query.model, charsMax),
    [attribute.genAiRequestStream]: query?.stream || undefined,
    [attribute.genAiResponseModel]: reply && clip(reply.model, charsMax),
    [attribute.genAiResponseFinishReasons]:
      reply && reply.finishReasons.length > 0
        ? reply.finishReasons.map((reason) => clip(reason, charsMax))
        : undefined,
    [attribute.genAiResponseTimeToFirstChunk]: rounded(attempt && firstChunkSeconds(attempt)),
    [attribute.genAiUsageInputTokens]: reply?.usage.input,
    [attribute.genAiUsageOutputTokens]: reply?.usage.output,
    [attribute.genAiUsageCacheReadInputTokens]: reply?.usage.cacheRead,
    [attribute.genAiUsageCacheCreationInputTokens]: reply?.usage.cacheCreation,
    [attribute.genAiUsageReasoningOutputTokens]: reply?.usage.reasoning,
    [attribute.errorType]: clip(exchangeErrorType(exchange), charsMax),
    [attribute.exceptionMessage]: clip(errorMessage(exchange), charsMax),
  };
}

function ofSession(session: Exchange, facts: SessionFacts, level: Level): Sparse {
  const { attempt, route, trace } = session;
  return {
    [lineKey.level]: level,
    [lineKey.time]: endedAt(session),
    [lineKey.message]: undefined,
    [lineKey.event]: logEvent.exchange,
    [lineKey.traceId]: trace?.traceId,
    [lineKey.spanId]: trace?.spanId,
    [lineKey.traceFlags]: trace && flags(trace),
    ...sessionEnd(session, facts),
    [attribute.exchangeId]: session.id,
    [attribute.duration]: durationSeconds(session),
    [attribute.overhead]: rounded(session.overheadMs / 1_000),
    [attribute.upstream]: attempt?.upstream.name ?? route.upstream,
    [attribute.httpRequestMethod]: methodOf(session.request),
    [attribute.httpRoute]: route.template,
    [attribute.attempt]: attempt?.number,
    [attribute.sessionId]: session.id,
    [attribute.sessionProtocol]: facts.protocol,
    [attribute.errorType]: exchangeErrorType(session),
    [attribute.exceptionMessage]: errorMessage(session),
  };
}

function endedAt({ clock, endedAt = clock.startedAt }: Exchange): number {
  return epochMs(clock, endedAt);
}

function flags({ flags }: NonNullable<Exchange['trace']>): string {
  return flags === 0 ? '00' : '01';
}

/** Nothing checks the types of a plugin that is not TypeScript. */
function tagValue(value: unknown, charsMax: number): string | number | boolean | undefined {
  if (typeof value === 'string') return clip(value, charsMax);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** From its beginning to its end. */
function durationSeconds({ clock, endedAt = clock.startedAt }: Exchange): number {
  return rounded(Math.max(0, endedAt - clock.startedAt) / 1_000);
}

function errorMessage({ outcome, error }: Exchange): string | undefined {
  if (!error || outcome === 'completed' || error.code === 'client_aborted') return undefined;
  return safeMessage(error.message);
}

/** To the microsecond: what is beyond it only makes lines longer. */
function rounded(seconds: number): number;
function rounded(seconds: number | undefined): number | undefined;
function rounded(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1e6) / 1e6;
}

function clip(text: string, charsMax: number): string;
function clip(text: string | undefined, charsMax: number): string | undefined;
function clip(text: string | undefined, charsMax: number): string | undefined {
  return text !== undefined && text.length > charsMax ? text.slice(0, charsMax) : text;
}
