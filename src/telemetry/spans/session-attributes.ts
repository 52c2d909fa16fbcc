import type { Attributes } from '@opentelemetry/api';
import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { SessionFacts } from '../../exchange/session-facts.ts';
import { attemptErrorType, isClientError, isServerError, serverErrorType } from '../error-type.ts';
import { attribute } from '../names.ts';
import { safeReason, safeSubprotocol } from '../redact.ts';
import {
  addressAttributes,
  inSession,
  known,
  methodOf,
  queryAttributes,
  replyAttributes,
  type Sparse,
  serverStart,
} from './span-attributes.ts';

/** Of a session's SERVER span, as far as they are known at its start. */
export function sessionStart(session: Exchange, { protocol }: SessionFacts): Attributes {
  return { ...serverStart(session), [attribute.sessionProtocol]: protocol };
}

export function sessionEnd(session: Exchange, facts: SessionFacts): Sparse {
  return {
    [attribute.httpResponseStatusCode]: session.status,
    ...(session.status === 101 && trafficAttributes(facts)),
    [attribute.overhead]: session.overheadMs / 1000,
    [attribute.outcome]: session.outcome,
    [attribute.errorType]: isServerError(session) ? serverErrorType(session) : undefined,
  };
}

/** What happened on a session that came about. */
function trafficAttributes(facts: SessionFacts): Sparse {
  const { subprotocol, received, usage, close } = facts;
  return {
    [attribute.sessionSubprotocol]: subprotocol === undefined ? undefined : safeSubprotocol(subprotocol),
    [attribute.sessionTurns]: facts.turns,
    [attribute.sessionTurnsDropped]: facts.turnsDropped || undefined,
    [attribute.sessionRefusedMessages]: facts.refused || undefined,
    [attribute.sessionSwallowedMessages]: facts.swallowed || undefined,
    [attribute.sessionClientMessages]: received.client.messages,
    [attribute.sessionClientFrames]: received.client.frames,
    [attribute.sessionClientBytes]: received.client.bytes,
    [attribute.sessionUpstreamMessages]: received.upstream.messages,
    [attribute.sessionUpstreamFrames]: received.upstream.frames,
    [attribute.sessionUpstreamBytes]: received.upstream.bytes,
    [attribute.sessionInputTokens]: usage.input,
    [attribute.sessionOutputTokens]: usage.output,
    [attribute.sessionCacheReadInputTokens]: usage.cacheRead,
    [attribute.sessionCacheCreationInputTokens]: usage.cacheCreation,
    [attribute.sessionReasoningOutputTokens]: usage.reasoning,
    [attribute.sessionCloseCode]: close?.code,
    [attribute.sessionCloseReason]: close?.reason ? safeReason(close.reason) : undefined,
    [attribute.sessionClosedBy]: close?.by,
  };
}

/** Of the CLIENT span of a session's connection to its upstream: nothing of GenAI, its turns have that. */
export function connectionStart(session: Exchange, { upstream, number }: Attempt): Attributes {
  return known({
    ...inSession(session),
    ...addressAttributes(upstream),
    [attribute.httpRequestMethod]: methodOf(session.request),
    [attribute.upstream]: upstream.name,
    [attribute.dialect]: session.route.dialect?.name,
    [attribute.attempt]: number,
  });
}

export function connectionEnd(attempt: Attempt): Sparse {
  return {
    [attribute.httpResponseStatusCode]: attempt.status,
    [attribute.upstreamRequestId]: attempt.upstreamRequestId,
    [attribute.outcome]: attempt.outcome,
    [attribute.errorType]: isClientError(attempt) ? attemptErrorType(attempt) : undefined,
  };
}

/** Of a turn's span, as far as they are known at its start. */
export function turnStart(turn: Exchange, session: Exchange, number: number): Attributes {
  const { route, id } = turn;
  return known({
    [attribute.genAiOperationName]: route.dialect?.operation,
    ...inSession(session),
    [attribute.sessionTurn]: number,
    [attribute.exchangeId]: id,
    [attribute.upstream]: route.upstream,
    [attribute.dialect]: route.dialect?.name,
  });
}

/** A turn is the exchange and its attempt in one span. */
export function turnEnd(turn: Exchange): Sparse {
  const { query, attempt, overheadMs } = turn;
  const { upstream } = attempt ?? {};
  return {
    [attribute.genAiProviderName]: upstream?.provider,
    ...(query && queryAttributes(query)),
    ...(upstream && { ...addressAttributes(upstream), [attribute.upstream]: upstream.name }),
    ...(attempt && replyAttributes(attempt)),
    [attribute.overhead]: overheadMs / 1000,
    [attribute.outcome]: turn.outcome,
    [attribute.errorType]: turnErrorType(turn),
  };
}

/** What went wrong with a turn; undefined where nothing did, or nobody but the client was the cause. */
export function turnErrorType(turn: Exchange): string | undefined {
  const { outcome, attempt } = turn;
  if (!outcome || outcome === 'completed' || outcome === 'client_aborted' || outcome === 'blocked')
    return undefined;
  return attempt && isClientError(attempt) ? attemptErrorType(attempt) : serverErrorType(turn);
}
