import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';
import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange, MiddlewareRun } from '../../exchange/exchange.ts';
import { attemptErrorType, isClientError, isServerError } from '../error-type.ts';
import { attribute, tagPrefix } from '../names.ts';
import {
  connectionEnd,
  connectionStart,
  sessionEnd,
  sessionStart,
  turnEnd,
  turnErrorType,
  turnStart,
} from './session-attributes.ts';
import {
  clientEnd,
  clientStart,
  methodName,
  pluginAttributes,
  serverEnd,
  serverStart,
} from './span-attributes.ts';
import { addAttemptEvents, addException } from './span-events.ts';

/*
 * What the spans of an exchange say: when they begin, and when they end. Of one that runs, the latter is what they
 * would say if it ended now.
 */

export function spanName(exchange: Exchange): string {
  const { kind } = exchange.place;
  if (kind === 'turn') return operationName(exchange);
  // Its hours must not stand beside the milliseconds of a request with the same path.
  if (kind === 'session') return `websocket ${exchange.route.template}`;
  return `${methodName(exchange.request)} ${exchange.route.template}`;
}

export function attemptSpanName(exchange: Exchange, { upstream }: Attempt): string {
  return exchange.place.kind === 'session' ? `connect ${upstream.name}` : operationName(exchange);
}

export function runSpanName({ middleware, phase }: MiddlewareRun): string {
  return `middleware ${middleware} ${phase}`;
}

/** Of what goes to a model: `chat gpt-4o`. */
function operationName({ route, request, query }: Exchange): string {
  const operation = route.dialect?.operation ?? methodName(request);
  return query?.model === undefined ? operation : `${operation} ${query.model}`;
}

export function startAttributes(exchange: Exchange): Attributes {
  const { place } = exchange;
  if (place.kind === 'session') return sessionStart(exchange, place.facts);
  if (place.kind === 'turn') return turnStart(exchange, place.session, place.number);
  return serverStart(exchange);
}

export function attemptStartAttributes(exchange: Exchange, attempt: Attempt): Attributes {
  return exchange.place.kind === 'session'
    ? connectionStart(exchange, attempt)
    : clientStart(exchange, attempt);
}

export function runAttributes({ middleware, phase, owner }: MiddlewareRun): Attributes {
  return {
    [attribute.middleware]: middleware,
    [attribute.phase]: phase,
    ...(owner && pluginAttributes(owner)),
  };
}

export function describeExchange(span: Span, exchange: Exchange): void {
  if (exchange.place.kind === 'turn') describeTurn(span, exchange);
  else describeServer(span, exchange);
  // What middleware added.
  for (const [name, value] of exchange.attributes) span.setAttribute(tagPrefix + name, value);
  if (exchange.error && exchange.outcome !== 'client_aborted')
    addException(span, exchange.clock, exchange.error, exchange.endedAt);
}

export function describeAttempt(span: Span, exchange: Exchange, attempt: Attempt): void {
  span.setAttributes(exchange.place.kind === 'session' ? connectionEnd(attempt) : clientEnd(attempt));
  addAttemptEvents(span, exchange.clock, attempt);
  if (!isClientError(attempt)) return;
  if (attempt.error) addException(span, exchange.clock, attempt.error, attempt.endedAt);
  span.setStatus({ code: SpanStatusCode.ERROR, message: attemptErrorType(attempt) });
}

export function describeRun(span: Span, exchange: Exchange, run: MiddlewareRun): void {
  if (!run.error) return;
  addException(span, exchange.clock, run.error, run.startedAt + run.durationMs);
  span.setAttribute(attribute.errorType, run.error.code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: run.error.code });
}

function describeServer(span: Span, exchange: Exchange): void {
  const { place } = exchange;
  span.setAttributes(place.kind === 'session' ? sessionEnd(exchange, place.facts) : serverEnd(exchange));
  if (isServerError(exchange)) span.setStatus({ code: SpanStatusCode.ERROR });
}

function describeTurn(span: Span, turn: Exchange): void {
  // The model may have become known since: by a middleware, or by the upstream, which begins turns by itself.
  span.updateName(operationName(turn));
  span.setAttributes(turnEnd(turn));
  if (turn.attempt) addAttemptEvents(span, turn.clock, turn.attempt);
  const errorType = turnErrorType(turn);
  if (errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: errorType });
}
