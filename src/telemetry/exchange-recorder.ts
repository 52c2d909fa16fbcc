import {
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
import { type SightlineError, stackFrames } from '../errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import { epochMs } from '../exchange/clock.ts';
import type { Exchange, MiddlewareRun } from '../exchange/exchange.ts';
import type { Recorder } from '../flow/recorder.ts';
import { headerValue, type RawHeaders } from '../wire/headers.ts';
import type { Measurements } from './measurements.ts';
import { attribute, spanEvent } from './names.ts';
import {
  attemptErrorType,
  clientEnd,
  clientStart,
  isClientError,
  isServerError,
  methodName,
  pluginAttributes,
  serverEnd,
  serverStart,
} from './span-attributes.ts';

export interface RecorderOptions {
  readonly tracer: Tracer;
  readonly measurements: Measurements;
  /** What a client's trace context is to us: our parent, a link, or nothing. */
  readonly clientTrace: 'parent' | 'link' | 'ignore';
  /** Middleware that took less gets no span, ms. */
  readonly spanThresholdMs: number;
}

/**
 * Turns exchanges into telemetry. Spans are opened where their ids are needed (the upstream sees the
 * attempt's span as its parent); everything else happens in `end`, once, from the facts.
 */
export class ExchangeRecorder implements Recorder {
  readonly #options: RecorderOptions;
  readonly #spans = new WeakMap<Exchange | Attempt, Span>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  begin(exchange: Exchange): void {
    const { tracer, measurements, clientTrace } = this.#options;
    const sent = clientTrace === 'ignore' ? ROOT_CONTEXT : clientContext(exchange);
    const sentSpan = trace.getSpanContext(sent);
    const span = tracer.startSpan(
      `${methodName(exchange.request)} ${exchange.route.template}`,
      {
        kind: SpanKind.SERVER,
        startTime: exchange.clock.startedEpochMs,
        attributes: serverStart(exchange),
        links: clientTrace === 'link' && sentSpan ? [{ context: sentSpan }] : [],
      },
      clientTrace === 'parent' ? sent : ROOT_CONTEXT,
    );
    this.#spans.set(exchange, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    if (isValidTraceId(traceId)) exchange.trace = { traceId, spanId, flags: traceFlags & 1 };
    measurements.begin(exchange);
  }

  beginAttempt(exchange: Exchange, attempt: Attempt): RawHeaders {
    const operation = exchange.route.dialect?.operation ?? methodName(exchange.request);
    const span = this.#options.tracer.startSpan(
      exchange.query?.model === undefined ? operation : `${operation} ${exchange.query.model}`,
      {
        kind: SpanKind.CLIENT,
        startTime: epochMs(exchange.clock, attempt.startedAt),
        attributes: clientStart(exchange, attempt),
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

  end(exchange: Exchange): void {
    for (const attempt of exchange.attempts) this.#endAttempt(exchange, attempt);
    for (const run of exchange.middlewareRuns) this.#spanOfRun(exchange, run);
    const span = this.#spans.get(exchange);
    if (span?.isRecording()) {
      span.setAttributes(serverEnd(exchange));
      if (exchange.error && exchange.outcome !== 'client_aborted')
        recordError(span, exchange, exchange.error, exchange.endedAt);
      if (isServerError(exchange)) span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span?.end(epochMs(exchange.clock, exchange.endedAt ?? 0));
    this.#options.measurements.end(exchange);
  }

  #endAttempt(exchange: Exchange, attempt: Attempt): void {
    const span = this.#spans.get(attempt);
    if (span?.isRecording()) {
      span.setAttributes(clientEnd(attempt));
      if (attempt.firstOutputAt !== undefined) {
        span.addEvent(spanEvent.firstChunk, epochMs(exchange.clock, attempt.firstOutputAt));
      }
      if (attempt.error && isClientError(attempt))
        recordError(span, exchange, attempt.error, attempt.endedAt);
      if (isClientError(attempt)) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: attemptErrorType(attempt) });
      }
    }
    span?.end(epochMs(exchange.clock, attempt.endedAt ?? exchange.endedAt ?? 0));
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
      recordError(span, exchange, run.error, endedAt);
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

function clientContext(exchange: Exchange): Context {
  return propagation.extract(ROOT_CONTEXT, exchange.request.headers, {
    get: (headers, name) => headerValues(headers, name.toLowerCase()),
    keys: (headers) => headers.filter((_, i) => i % 2 === 0),
  });
}

/** `tracestate` and `baggage` may come in several fields, which are one list (RFC 9110 §5.3). */
function headerValues(headers: RawHeaders, name: string): string | string[] | undefined {
  const first = headerValue(headers, name);
  if (first === undefined) return undefined;
  const all = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name);
  return all.length === 1 ? first : all;
}

/** As the convention for exceptions says, with our code as the type; a stack only of faults of our own. */
function recordError(span: Span, { clock }: Exchange, error: SightlineError, at: number | undefined): void {
  const stack =
    error.outcome === 'failed' && error.cause instanceof Error
      ? stackFrames(error.cause, error.frames)
      : undefined;
  span.addEvent(
    spanEvent.exception,
    {
      [attribute.exceptionType]: error.code,
      [attribute.exceptionMessage]: error.message,
      ...(stack !== undefined && { [attribute.exceptionStacktrace]: stack }),
    },
    at === undefined ? undefined : epochMs(clock, at),
  );
}
