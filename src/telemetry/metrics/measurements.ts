import { type Attributes, trace } from '@opentelemetry/api';
import type { Attempt, ConnectTry } from '../../exchange/attempt.ts';
import type { Exchange, MiddlewareRun } from '../../exchange/exchange.ts';
import { faultOf } from '../../exchange/fault.ts';
import { type Outcome, outcomes } from '../../exchange/outcome.ts';
import type { Owner } from '../../exchange/owner.ts';
import type { ExchangeView } from '../../exchange/view.ts';
import type { Limits } from '../../limits.ts';
import type { HandledMessage } from '../../messages/protocol-extension.ts';
import { attribute } from '../names.ts';
import { firstChunkSeconds } from '../spans/span-attributes.ts';
import { activeLabels, ExchangeLabels } from './exchange-labels.ts';
import type { ExemplarDemand, TraceIds } from './exemplars.ts';
import type { Instruments } from './instruments.ts';
import { LabelBounds } from './labels.ts';
import { SessionMeasurements } from './session-measurements.ts';

/** What of a plugin ran. */
export type PluginKind = 'middleware' | 'hook' | 'message' | 'lifecycle';

/** What there is to count by, where all of it is known from the start. */
export interface Expected {
  /** By name. An outcome may also be of none. */
  readonly upstreams: readonly string[];
  /** Codes of requests that are refused before they become exchanges. */
  readonly rejections: readonly string[];
  /** Kinds of those who are told of alerts. */
  readonly receivers: readonly string[];
  /** What becomes of such a message. */
  readonly results: readonly string[];
}

/** Turns an exchange that has ended into measurements. */
export class Measurements {
  readonly sessions: SessionMeasurements;
  /** Those of all our labels whose values can come from outside. */
  readonly labels: LabelBounds;
  readonly #exchangeLabels: ExchangeLabels;
  readonly #instruments: Instruments;
  readonly #exemplars: ExemplarDemand;
  readonly #chunkGapsMax: number;
  /** Requests that wait for one connection see the same tries, each of which counts once. */
  readonly #triesCounted = new WeakSet<ConnectTry>();

  constructor(
    instruments: Instruments,
    limits: Pick<Limits, 'labelValuesMax' | 'labelCharsMax' | 'chunkGapsMax'>,
    exemplars: ExemplarDemand,
  ) {
    this.sessions = new SessionMeasurements(instruments);
    this.labels = new LabelBounds(limits.labelValuesMax, limits.labelCharsMax);
    this.#exchangeLabels = new ExchangeLabels(this.labels);
    this.#instruments = instruments;
    this.#exemplars = exemplars;
    this.#chunkGapsMax = limits.chunkGapsMax;
  }

  /**
   * Tells what will be counted as 0 from now on. Prometheus's `increase()` sees what a series grows by, and so misses
   * the first step of one that is born with it.
   */
  expect({ upstreams, rejections, receivers, results }: Expected): void {
    for (const upstream of [undefined, ...upstreams]) {
      for (const outcome of Object.keys(outcomes) as Outcome[]) this.#countOutcome(0, outcome, upstream);
    }
    for (const upstream of upstreams) this.#countOutcome(0, 'upstream_error', upstream, 'client');
    const { rejections: rejected, alertNotifications } = this.#instruments;
    for (const code of rejections) rejected.add(0, { [attribute.errorType]: code });
    for (const receiver of receivers) {
      for (const result of results)
        alertNotifications.add(0, { [attribute.receiver]: receiver, [attribute.result]: result });
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
    const labels: Attributes = {
      // Plugins can bring others with each version.
      [attribute.middleware]: owner ? this.labels.bound(attribute.middleware, middleware) : middleware,
      [attribute.phase]: phase,
    };
    if (error) labels[attribute.errorType] = error.code;
    this.#instruments.middlewareDuration.series(labels).record(durationMs / 1000, trace);
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
    const labels: Attributes = {
      [attribute.plugin]: this.labels.bound(attribute.plugin, owner.name),
      [attribute.pluginVersion]: this.labels.bound(attribute.pluginVersion, owner.version),
      [attribute.pluginKind]: kind,
      [attribute.pluginPoint]: point,
    };
    if (error !== undefined) labels[attribute.errorType] = error;
    this.#instruments.pluginDuration.series(labels).record(durationMs / 1000, trace);
  }

  /** For exemplars of what ran for an exchange; undefined where nobody asks for them. */
  traceOf(exchange: ExchangeView | undefined): TraceIds | undefined {
    const ids = exchange && this.#exemplars.isThere ? trace.getSpanContext(exchange.context) : undefined;
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
    const series = this.#instruments.httpDuration.series(this.#exchangeLabels.server(exchange, tags));
    series.record(durationSeconds(clock.startedAt, endedAt), trace);
  }

  #outcome(exchange: Exchange): void {
    const { route, outcome = 'failed', overheadMs, trace } = exchange;
    this.#countOutcome(1, outcome, route.upstream, faultOf(exchange));
    const series = this.#instruments.overhead.series({ [attribute.httpRoute]: route.template });
    series.record(overheadMs / 1000, trace);
  }

  #countOutcome(count: number, outcome: Outcome, upstream: string | undefined, fault?: string): void {
    const labels: Attributes = { [attribute.outcome]: outcome };
    if (upstream !== undefined) labels[attribute.upstream] = upstream;
    if (fault !== undefined) labels[attribute.fault] = fault;
    this.#instruments.outcomes.add(count, labels);
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
    const { operationDuration, timeToFirstChunk, unobservedReplies } = this.#instruments;
    const { trace } = exchange;
    const query = this.#exchangeLabels.query(exchange, attempt, dialect.operation, tags);
    const reply = this.#exchangeLabels.reply(query, attempt);
    const operation = operationDuration.series(this.#exchangeLabels.operation(reply, attempt));
    operation.record(durationSeconds(attempt.startedAt, attempt.endedAt), trace);
    this.#tokens(attempt, reply, trace);
    const firstChunk = firstChunkSeconds(attempt);
    if (firstChunk !== undefined) timeToFirstChunk.series(query).record(firstChunk, trace);
    this.#chunkGaps(attempt, query, trace);
    if (attempt.unobserved !== undefined) {
      unobservedReplies.add(1, {
        [attribute.reason]: attempt.unobserved,
        [attribute.upstream]: attempt.upstream.name,
      });
    }
  }

  #tokens({ reply: { usage } }: Attempt, labels: Attributes, trace: TraceIds | undefined): void {
    const { tokenUsage, tokenDetails } = this.#instruments;
    const of = (type: string) => ({ ...labels, [attribute.genAiTokenType]: type });
    if (usage.input !== undefined) tokenUsage.series(of('input')).record(usage.input, trace);
    if (usage.output !== undefined) tokenUsage.series(of('output')).record(usage.output, trace);
    // Most replies have none of these.
    if (usage.cacheRead) tokenDetails.add(usage.cacheRead, of('cache_read'));
    if (usage.cacheCreation) tokenDetails.add(usage.cacheCreation, of('cache_creation'));
    if (usage.reasoning) tokenDetails.add(usage.reasoning, of('reasoning'));
  }

  /** Of the thousands of a long reply, the longest one leads to its trace. */
  #chunkGaps({ chunkGapsMs, outputChunks }: Attempt, labels: Attributes, trace: TraceIds | undefined): void {
    if (chunkGapsMs.length > 0) {
      const series = this.#instruments.timePerOutputChunk.series(labels);
      const longestMs = chunkGapsMs.reduce((longest, gapMs) => Math.max(longest, gapMs));
      for (const gapMs of chunkGapsMs) series.record(gapMs / 1000, gapMs === longestMs ? trace : undefined);
    }
    this.#dropped('chunk_times', outputChunks - 1 - this.#chunkGapsMax);
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
