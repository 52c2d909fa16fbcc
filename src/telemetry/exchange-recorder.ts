import {
  type Context,
  isValidTraceId,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type TextMapSetter,
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
import type { ExchangeLog } from './logs/exchange-log.ts';
import type { Measurements } from './metrics/measurements.ts';
import type { RecentExchanges } from './recent/recent-exchanges.ts';
import type { MarkedStreams } from './spans/chunk-marks.ts';
import {
  attemptSpanName,
  attemptStartAttributes,
  describeAttempt,
  describeExchange,
  describeRun,
  runAttributes,
  runSpanName,
  spanName,
  startAttributes,
} from './spans/exchange-spans.ts';
import type { SpanDrafts, SpanSoFar } from './spans/span-draft.ts';
import { type ClientTrace, tracePlace } from './spans/trace-place.ts';

export interface RecorderOptions {
  readonly tracer: Tracer;
  readonly measurements: Measurements;
  readonly log: ExchangeLog;
  readonly recent: RecentExchanges;
  readonly markedStreams: MarkedStreams;
  readonly drafts: SpanDrafts;
  /** Undefined where prompts and replies stay untold. */
  readonly content: ContentCapture | undefined;
  readonly clientTrace: ClientTrace;
  /** Middleware that took less gets no span, ms. */
  readonly spanThresholdMs: number;
}

const none: RawHeaders = Object.freeze([]);

const asRawHeaders: TextMapSetter<string[]> = {
  set: (headers, name, value) => {
    headers.push(name, value);
  },
};

/**
 * Turns exchanges into telemetry. Spans are opened where their ids are needed (the upstream sees the
 * attempt's span as its parent); everything else happens in `end`, once, from the facts.
 *
 * A request, and a session, is a SERVER span with a CLIENT span for each attempt below it. A turn is one CLIENT
 * span: it travels on the connection of its session, so there is nothing between it and its attempt.
 */
export class ExchangeRecorder implements Recorder {
  readonly #options: RecorderOptions;
  /** Of runs that somebody looked at while they went on. */
  readonly #runsSeen = new WeakMap<MiddlewareRun, Span>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  begin(exchange: Exchange): void {
    const { tracer, measurements, clientTrace } = this.#options;
    const { place } = exchange;
    const session = place.kind === 'session' ? undefined : place.session;
    const { parent, links } = tracePlace(exchange, clientTrace, session?.span?.spanContext());
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
    exchange.span = span;
    const { traceId, spanId, traceFlags } = span.spanContext();
    if (isValidTraceId(traceId)) exchange.trace = { traceId, spanId, flags: traceFlags & 1 };
    measurements.begin(exchange);
  }

  beginAttempt(exchange: Exchange, attempt: Attempt): RawHeaders {
    if (exchange.place.kind === 'turn') return none;
    const span = this.#options.tracer.startSpan(
      attemptSpanName(exchange, attempt),
      {
        kind: SpanKind.CLIENT,
        startTime: epochMs(exchange.clock, attempt.startedAt),
        attributes: attemptStartAttributes(exchange, attempt),
      },
      this.#below(exchange),
    );
    attempt.span = span;
    const headers: string[] = [];
    propagation.inject(trace.setSpan(ROOT_CONTEXT, span), headers, asRawHeaders);
    return headers;
  }

  contentLimits(exchange: Exchange): ContentLimits | undefined {
    const { content } = this.#options;
    const { place, attempt } = exchange;
    const owner = place.kind === 'turn' ? exchange : attempt;
    return owner?.span && content?.limitsOf(owner.span);
  }

  middlewareRan(exchange: Exchange): void {
    for (const run of exchange.takeRuns()) {
      this.#spanOfRun(exchange, run);
      this.#options.measurements.middlewareRan(run, exchange.trace);
    }
  }

  end(exchange: Exchange): void {
    this.#options.recent.add(exchange);
    for (const attempt of exchange.attempts) this.#endAttempt(exchange, attempt);
    for (const run of exchange.middlewareRuns) this.#spanOfRun(exchange, run);
    const { span } = exchange;
    if (span?.isRecording()) describeExchange(span, exchange);
    if (span && exchange.place.kind === 'turn') this.#tellReply(span, exchange, exchange.attempt);
    span?.end(epochMs(exchange.clock, exchange.endedAt ?? 0));
    this.#options.measurements.end(exchange);
    this.#options.log.ended(exchange);
  }

  /**
   * The spans of an exchange that runs, with the ids that they will have when it has ended, and with what they would
   * say if it ended now.
   */
  spansSoFar(exchange: Exchange, now = performance.now()): SpanSoFar[] {
    return [
      this.#exchangeSoFar(exchange),
      ...exchange.attempts.map((attempt) => this.#attemptSoFar(exchange, attempt)),
      ...exchange.middlewareRuns.map((run) => this.#runSoFar(exchange, run, now)),
    ].filter((span) => span !== undefined);
  }

  #exchangeSoFar(exchange: Exchange): SpanSoFar | undefined {
    const { drafts, markedStreams } = this.#options;
    const { clock, place, attempt } = exchange;
    return drafts.of(exchange.span, (draft) => describeExchange(draft, exchange), {
      endMs: undefined,
      chunks: place.kind === 'turn' && attempt ? markedStreams.soFar(clock, attempt) : undefined,
    });
  }

  #attemptSoFar(exchange: Exchange, attempt: Attempt): SpanSoFar | undefined {
    const { drafts, markedStreams } = this.#options;
    const { clock } = exchange;
    const { endedAt } = attempt;
    return drafts.of(attempt.span, (draft) => describeAttempt(draft, exchange, attempt), {
      endMs: endedAt === undefined ? undefined : epochMs(clock, endedAt),
      chunks: markedStreams.soFar(clock, attempt),
    });
  }

  #runSoFar(exchange: Exchange, run: MiddlewareRun, now: number): SpanSoFar | undefined {
    const durationMs = run.isUnderWay ? now - run.startedAt : run.durationMs;
    if (!this.#isWorthSeeing(run, durationMs)) return undefined;
    // Opened early, it is kept for the end: only so it has the same id then.
    const span = this.#runsSeen.get(run) ?? this.#beginRun(exchange, run);
    this.#runsSeen.set(run, span);
    return this.#options.drafts.of(span, (draft) => describeRun(draft, exchange, run), {
      endMs: run.isUnderWay ? undefined : epochMs(exchange.clock, run.startedAt + durationMs),
      chunks: undefined,
    });
  }

  #endAttempt(exchange: Exchange, attempt: Attempt): void {
    const { span } = attempt;
    if (!span) return;
    if (span.isRecording()) describeAttempt(span, exchange, attempt);
    this.#tellReply(span, exchange, attempt);
    span.end(epochMs(exchange.clock, attempt.endedAt ?? exchange.endedAt ?? 0));
  }

  /** What is told of a reply beside the facts: its content, and when its chunks came. */
  #tellReply(span: Span, exchange: Exchange, attempt: Attempt | undefined): void {
    if (!attempt) return;
    const { content, markedStreams } = this.#options;
    if (attempt.content) content?.tell(span, exchange, attempt, attempt.content);
    if (span.isRecording()) markedStreams.add(span.spanContext(), exchange.clock, attempt);
  }

  /** What each middleware cost, where it is worth seeing. */
  #spanOfRun(exchange: Exchange, run: MiddlewareRun): void {
    if (!this.#isWorthSeeing(run, run.durationMs)) return;
    const span = this.#runsSeen.get(run) ?? this.#beginRun(exchange, run);
    describeRun(span, exchange, run);
    span.end(epochMs(exchange.clock, run.startedAt + run.durationMs));
  }

  /** The calls for single chunks are a sum, not a span. */
  #isWorthSeeing({ error, phase }: MiddlewareRun, durationMs: number): boolean {
    return error !== undefined || (phase !== 'on_chunk' && durationMs >= this.#options.spanThresholdMs);
  }

  #beginRun(exchange: Exchange, run: MiddlewareRun): Span {
    const options = {
      kind: SpanKind.INTERNAL,
      startTime: epochMs(exchange.clock, run.startedAt),
      attributes: runAttributes(run),
    };
    return this.#options.tracer.startSpan(runSpanName(run), options, this.#below(exchange));
  }

  #below({ span }: Exchange): Context {
    return span ? trace.setSpan(ROOT_CONTEXT, span) : ROOT_CONTEXT;
  }
}
