import {
  type Attributes,
  type Context,
  isValidTraceId,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ContentLimits } from '../dialects/content/attempt-content.ts';
import type { Attempt } from '../exchange/attempt.ts';
import { epochMs } from '../exchange/clock.ts';
import type { Exchange, MiddlewareRun } from '../exchange/exchange.ts';
import type { Recorder } from '../flow/recorder.ts';
import type { RawHeaders } from '../wire/headers.ts';
import type { ContentCapture } from './content-capture.ts';
import { attemptErrorType, isClientError, isServerError } from './error-type.ts';
import type { ExchangeLog } from './logs/exchange-log.ts';
import type { Measurements } from './metrics/measurements.ts';
import { attribute } from './names.ts';
import {
  connectionEnd,
  connectionStart,
  sessionEnd,
  sessionStart,
  turnEnd,
  turnErrorType,
  turnStart,
} from './spans/session-attributes.ts';
import {
  clientEnd,
  clientStart,
  methodName,
  pluginAttributes,
  serverEnd,
  serverStart,
} from './spans/span-attributes.ts';
import { addAttemptEvents, addException } from './spans/span-events.ts';
import { type ClientTrace, tracePlace } from './spans/trace-place.ts';

export interface RecorderOptions {
  readonly tracer: Tracer;
  readonly measurements: Measurements;
  readonly log: ExchangeLog;
  /** Undefined where prompts and replies stay untold. */
  readonly content: ContentCapture | undefined;
  readonly clientTrace: ClientTrace;
  /** Middleware that took less gets no span, ms. */
  readonly spanThresholdMs: number;
}

const none: RawHeaders = Object.freeze([]);

/**
 * Turns exchanges into telemetry. Spans are opened where their ids are needed (the upstream sees the
 * attempt's span as its parent); everything else happens in `end`, once, from the facts.
 *
 * A request, and a session, is a SERVER span with a CLIENT span for each attempt below it. A turn is one CLIENT
 * span: it travels on the connection of its session, so there is nothing between it and its attempt.
 */
export class ExchangeRecorder implements Recorder {
  readonly #options: RecorderOptions;
  readonly #spans = new WeakMap<Exchange | Attempt, Span>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  begin(exchange: Exchange): void {
    const { tracer, measurements, clientTrace } = this.#options;
    const { place } = exchange;
    const session = place.kind === 'session' ? undefined : place.session;
    const { parent, links } = tracePlace(
      exchange,
      clientTrace,
      session && this.#spans.get(session)?.spanContext(),
    );
    const span = tracer.startSpan(
      spanName(exchange),
      {
        kind: place.kind === 'turn' ? SpanKind.CLIENT : SpanKind.SERVER,
        startTime: exchange.clock.startedEpochMs,
        attributes: startAttributes(exchange),
        links,
      },
      parent,
    );
    this.#spans.set(exchange, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    if (isValidTraceId(traceId)) exchange.trace = { traceId, spanId, flags: traceFlags & 1 };
    measurements.begin(exchange);
  }

  beginAttempt(exchange: Exchange, attempt: Attempt): RawHeaders {
    const { kind } = exchange.place;
    if (kind === 'turn') return none;
    const span = this.#options.tracer.startSpan(
      kind === 'session' ? `connect ${attempt.upstream.name}` : operationName(exchange),
      {
        kind: SpanKind.CLIENT,
        startTime: epochMs(exchange.clock, attempt.startedAt),
        attributes: kind === 'session' ? connectionStart(exchange, attempt) : clientStart(exchange, attempt),
      },
      this.#below(exchange),
    );
    this.#spans.set(attempt, span);
    const headers: string[] = [];
    propagation.inject(trace.setSpan(ROOT_CONTEXT, span), headers, {
      set: (carrier, name, value) => {
        carrier.push(name, value);
      },
    });
    return headers;
  }

  contentLimits(exchange: Exchange): ContentLimits | undefined {
    const { content } = this.#options;
    const { place, attempt } = exchange;
    const owner = place.kind === 'turn' ? exchange : attempt;
    const span = content && owner && this.#spans.get(owner);
    return span && content.limitsOf(span);
  }

  middlewareRan(exchange: Exchange): void {
    for (const run of exchange.takeRuns()) {
      this.#spanOfRun(exchange, run);
      this.#options.measurements.middlewareRan(run, exchange.trace);
    }
  }

  end(exchange: Exchange): void {
    for (const attempt of exchange.attempts) this.#endAttempt(exchange, attempt);
    for (const run of exchange.middlewareRuns) this.#spanOfRun(exchange, run);
    const span = this.#spans.get(exchange);
    if (span?.isRecording()) {
      if (exchange.place.kind === 'turn') describeTurn(span, exchange);
      else describeServer(span, exchange);
      if (exchange.error && exchange.outcome !== 'client_aborted')
        addException(span, exchange.clock, exchange.error, exchange.endedAt);
    }
    if (span && exchange.place.kind === 'turn') this.#tellContent(span, exchange, exchange.attempt);
    span?.end(epochMs(exchange.clock, exchange.endedAt ?? 0));
    this.#options.measurements.end(exchange);
    this.#options.log.ended(exchange);
  }

  #endAttempt(exchange: Exchange, attempt: Attempt): void {
    const span = this.#spans.get(attempt);
    if (span?.isRecording()) {
      const isSession = exchange.place.kind === 'session';
      span.setAttributes(isSession ? connectionEnd(attempt) : clientEnd(attempt));
      addAttemptEvents(span, exchange.clock, attempt);
      if (isClientError(attempt)) {
        if (attempt.error) addException(span, exchange.clock, attempt.error, attempt.endedAt);
        span.setStatus({ code: SpanStatusCode.ERROR, message: attemptErrorType(attempt) });
      }
    }
    if (span) this.#tellContent(span, exchange, attempt);
    span?.end(epochMs(exchange.clock, attempt.endedAt ?? exchange.endedAt ?? 0));
  }

  #tellContent(span: Span, exchange: Exchange, attempt: Attempt | undefined): void {
    if (attempt?.content) this.#options.content?.tell(span, exchange, attempt, attempt.content);
  }

  /** What each middleware cost, where it is worth seeing. The calls for single chunks are a sum, not a span. */
  #spanOfRun(exchange: Exchange, run: MiddlewareRun): void {
    if (
      run.error === undefined &&
      (run.phase === 'on_chunk' || run.durationMs < this.#options.spanThresholdMs)
    )
      return;
    const startTime = epochMs(exchange.clock, run.startedAt);
    const span = this.#options.tracer.startSpan(
      `middleware ${run.middleware} ${run.phase}`,
      {
        kind: SpanKind.INTERNAL,
        startTime,
        attributes: {
          [attribute.middleware]: run.middleware,
          [attribute.phase]: run.phase,
          ...(run.owner && pluginAttributes(run.owner)),
        },
      },
      this.#below(exchange),
    );
    const endedAt = run.startedAt + run.durationMs;
    if (run.error) {
      addException(span, exchange.clock, run.error, endedAt);
      span.setAttribute(attribute.errorType, run.error.code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: run.error.code });
    }
    span.end(epochMs(exchange.clock, endedAt));
  }

  #below(exchange: Exchange): Context {
    const span = this.#spans.get(exchange);
    return span ? trace.setSpan(ROOT_CONTEXT, span) : ROOT_CONTEXT;
  }
}

function spanName(exchange: Exchange): string {
  const { kind } = exchange.place;
  if (kind === 'turn') return operationName(exchange);
  // Its hours must not stand beside the milliseconds of a request with the same path.
  if (kind === 'session') return `websocket ${exchange.route.template}`;
  return `${methodName(exchange.request)} ${exchange.route.template}`;
}

/** Of what goes to a model: `chat gpt-4o`. */
function operationName({ route, request, query }: Exchange): string {
  const operation = route.dialect?.operation ?? methodName(request);
  return query?.model === undefined ? operation : `${operation} ${query.model}`;
}

function startAttributes(exchange: Exchange): Attributes {
  const { place } = exchange;
  if (place.kind === 'session') return sessionStart(exchange, place.facts);
  if (place.kind === 'turn') return turnStart(exchange, place.session, place.number);
  return serverStart(exchange);
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
