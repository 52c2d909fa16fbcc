import { type Attributes, trace } from '@opentelemetry/api';
import type { Attempt, ConnectTry } from '../exchange/attempt.ts';
import type { Exchange, MiddlewareRun } from '../exchange/exchange.ts';
import { outcomes } from '../exchange/outcome.ts';
import type { Owner } from '../exchange/owner.ts';
import type { ExchangeView } from '../exchange/view.ts';
import type { Limits } from '../limits.ts';
import type { HandledMessage } from '../messages/protocol-extension.ts';
import { attemptErrorType, isClientError } from './error-type.ts';
import { activeLabels, ExchangeLabels } from './exchange-labels.ts';
import type { ExemplarStore, TraceIds } from './exemplars.ts';
import type { Instruments } from './instruments.ts';
import { LabelBounds } from './labels.ts';
import { attribute, metric } from './names.ts';
import { SessionMeasurements } from './session-measurements.ts';
import { firstChunkSeconds } from './span-attributes.ts';

/** What of a plugin ran. */
export type PluginKind = 'middleware' | 'hook' | 'message' | 'lifecycle';

/** Keys of the table of metrics. */
type HistogramKey = {
  [K in keyof typeof metric]: (typeof metric)[K]['kind'] extends 'histogram' ? K : never;
}[keyof typeof metric];

/** Turns an exchange that has ended into measurements. */
export class Measurements {
  readonly sessions: SessionMeasurements;
  /** Those of all our labels whose values can come from outside. */
  readonly labels: LabelBounds;
  readonly #exchangeLabels: ExchangeLabels;
  readonly #instruments: Instruments;
  readonly #exemplars: ExemplarStore;
  readonly #chunkGapsMax: number;
  /** Requests that wait for one connection see the same tries, each of which counts once. */
  readonly #triesCounted = new WeakSet<ConnectTry>();

  constructor(
    instruments: Instruments,
    limits: Pick<Limits, 'labelValuesMax' | 'labelCharsMax' | 'chunkGapsMax'>,
    exemplars: ExemplarStore,
  ) {
    this.sessions = new SessionMeasurements(instruments, (...one) => this.#record('sessionDuration', ...one));
    this.labels = new LabelBounds(limits.labelValuesMax, limits.labelCharsMax);
    this.#exchangeLabels = new ExchangeLabels(this.labels);
    this.#instruments = instruments;
    this.#exemplars = exemplars;
    this.#chunkGapsMax = limits.chunkGapsMax;
  }

  /**
   * Upstreams that exchanges will go to, by name: each outcome is told from now on, as 0. Prometheus's `increase()`
   * sees what a series grows by, and so misses the first step of one that is born with it.
   */
  expect(upstreams: readonly string[]): void {
    for (const upstream of upstreams) {
      for (const outcome of Object.keys(outcomes)) {
        this.#instruments.outcomes.add(0, { [attribute.outcome]: outcome, [attribute.upstream]: upstream });
      }
    }
  }

  begin(exchange: Exchange): void {
    const { place } = exchange;
    if (place.kind === 'session') this.sessions.begin(exchange, place.facts);
    if (place.kind === 'request') this.#instruments.httpActive.add(1, activeLabels(exchange));
  }

  end(exchange: Exchange): void {
    const { place } = exchange;
    const tags = this.#exchangeLabels.tags(exchange);
    if (place.kind === 'session') {
      this.sessions.end(exchange, place.facts, tags);
      this.#dropped('turns', place.facts.turnsDropped);
    } else {
      if (place.kind === 'request') this.#request(exchange, tags);
      this.#outcome(exchange);
      for (const attempt of exchange.attempts) this.#attempt(exchange, attempt, tags);
    }
    for (const attempt of exchange.attempts) this.#connects(attempt);
    for (const run of exchange.middlewareRuns) this.middlewareRan(run, exchange.trace);
    this.#dropped('middleware_runs', exchange.middlewareRunsDropped);
  }

  middlewareRan(
    { middleware, owner, phase, durationMs, error }: MiddlewareRun,
    trace: TraceIds | undefined,
  ): void {
    const labels = {
      // Plugins can bring others with each version.
      [attribute.middleware]: owner ? this.labels.bound(attribute.middleware, middleware) : middleware,
      [attribute.phase]: phase,
      ...(error && { [attribute.errorType]: error.code }),
    };
    this.#record('middlewareDuration', durationMs / 1000, labels, trace);
    if (owner) this.pluginRan(owner, 'middleware', phase, durationMs, error?.code, trace);
  }

  /**
   * Time of a plugin's code. `point` is a phase of middleware, a hook point, a message type, `initialize` or
   * `cleanup`; `error` says how it failed; `trace` is that of the exchange that it ran for, where there is one. Versions
   * come and go while the service runs, so they are bounded like names.
   */
  pluginRan(
    owner: Owner,
    kind: PluginKind,
    point: string,
    durationMs: number,
    error?: string,
    trace?: TraceIds,
  ): void {
    const labels = {
      [attribute.plugin]: this.labels.bound(attribute.plugin, owner.name),
      [attribute.pluginVersion]: this.labels.bound(attribute.pluginVersion, owner.version),
      [attribute.pluginKind]: kind,
      [attribute.pluginPoint]: point,
      ...(error !== undefined && { [attribute.errorType]: error }),
    };
    this.#record('pluginDuration', durationMs / 1000, labels, trace);
  }

  /** For exemplars of what ran for an exchange; undefined where nobody asks for them. */
  traceOf(exchange: ExchangeView | undefined): TraceIds | undefined {
    const ids = exchange && this.#exemplars.isWanted ? trace.getSpanContext(exchange.context) : undefined;
    return ids && { traceId: ids.traceId, spanId: ids.spanId, flags: ids.traceFlags };
  }

  /**
   * A message of a registered type, on this session. Types come and go with plugins, so they are bounded like their
   * names.
   */
  messageHandled({ type, owner, result, durationMs, error }: HandledMessage, session?: ExchangeView): void {
    const name = this.labels.bound(attribute.messageType, type);
    this.#instruments.messagesHandled.add(1, {
      [attribute.messageType]: name,
      [attribute.result]: result,
      ...(error && { [attribute.errorType]: error.code }),
    });
    if (owner) this.pluginRan(owner, 'message', name, durationMs, error?.code, this.traceOf(session));
  }

  #request(exchange: Exchange, tags: Attributes): void {
    this.#instruments.httpActive.add(-1, activeLabels(exchange));
    const { clock, endedAt, trace } = exchange;
    const labels = { ...this.#exchangeLabels.server(exchange), ...tags };
    this.#record('httpDuration', durationSeconds(clock.startedAt, endedAt), labels, trace);
  }

  #outcome({ route, outcome = 'failed', overheadMs, trace }: Exchange): void {
    this.#instruments.outcomes.add(1, {
      [attribute.outcome]: outcome,
      ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
    });
    this.#record('overhead', overheadMs / 1000, { [attribute.httpRoute]: route.template }, trace);
  }

  #connects({ connectTries, upstream }: Attempt): void {
    for (const one of connectTries) {
      if (this.#triesCounted.has(one)) continue;
      this.#triesCounted.add(one);
      this.#instruments.upstreamConnects.add(1, {
        [attribute.upstream]: upstream.name,
        [attribute.result]: one.error ? 'failed' : 'connected',
        ...(one.error && { [attribute.errorType]: one.error.code }),
      });
    }
  }

  #attempt(exchange: Exchange, attempt: Attempt, tags: Attributes): void {
    const { dialect } = exchange.route;
    if (!dialect) return;
    const { unobservedReplies } = this.#instruments;
    const { trace } = exchange;
    const labels = { ...this.#exchangeLabels.attempt(exchange, attempt, dialect.operation), ...tags };
    const ended = {
      ...labels,
      [attribute.outcome]: attempt.outcome ?? 'failed',
      ...(isClientError(attempt) && {
        [attribute.errorType]: this.labels.bound(attribute.errorType, attemptErrorType(attempt)),
      }),
    };
    this.#record('operationDuration', durationSeconds(attempt.startedAt, attempt.endedAt), ended, trace);
    this.#tokens(attempt, labels, trace);
    const firstChunk = firstChunkSeconds(attempt);
    if (firstChunk !== undefined) this.#record('timeToFirstChunk', firstChunk, labels, trace);
    this.#chunkGaps(attempt, labels, trace);
    if (attempt.unobserved !== undefined) {
      unobservedReplies.add(1, {
        [attribute.reason]: attempt.unobserved,
        [attribute.upstream]: attempt.upstream.name,
      });
    }
  }

  #tokens(attempt: Attempt, labels: Attributes, trace: TraceIds | undefined): void {
    const { input, output } = attempt.reply.usage;
    const of = (type: string) => ({ ...labels, [attribute.genAiTokenType]: type });
    if (input !== undefined) this.#record('tokenUsage', input, of('input'), trace);
    if (output !== undefined) this.#record('tokenUsage', output, of('output'), trace);
    this.#tokenDetails(attempt, labels);
  }

  /** Most replies have none of these. */
  #tokenDetails({ reply: { usage } }: Attempt, labels: Attributes): void {
    for (const [type, count = 0] of [
      ['cache_read', usage.cacheRead],
      ['cache_creation', usage.cacheCreation],
      ['reasoning', usage.reasoning],
    ] as const) {
      if (count > 0)
        this.#instruments.tokenDetails.add(count, { ...labels, [attribute.genAiTokenType]: type });
    }
  }

  /** Of the thousands of a long reply, the longest one leads to its trace. */
  #chunkGaps(attempt: Attempt, labels: Attributes, trace: TraceIds | undefined): void {
    const { timePerOutputChunk } = this.#instruments;
    let longestMs = -1;
    for (const gapMs of attempt.chunkGapsMs) {
      timePerOutputChunk.record(gapMs / 1000, labels);
      longestMs = Math.max(longestMs, gapMs);
    }
    if (longestMs >= 0) this.#exemplar('timePerOutputChunk', longestMs / 1000, labels, trace);
    this.#dropped('chunk_times', attempt.outputChunks - 1 - this.#chunkGapsMax);
  }

  #record(key: HistogramKey, value: number, labels: Attributes, trace: TraceIds | undefined): void {
    this.#instruments[key].record(value, labels);
    this.#exemplar(key, value, labels, trace);
  }

  #exemplar(key: HistogramKey, value: number, labels: Attributes, trace: TraceIds | undefined): void {
    if (!this.#exemplars.record(metric[key], value, labels, trace)) this.#dropped('exemplars', 1);
  }

  #dropped(signal: string, count: number): void {
    if (count > 0) {
      this.#instruments.droppedTelemetry.add(count, {
        [attribute.signal]: signal,
        [attribute.reason]: 'bound',
      });
    }
  }
}

function durationSeconds(from: number, to: number | undefined): number {
  return Math.max(0, (to ?? from) - from) / 1000;
}
