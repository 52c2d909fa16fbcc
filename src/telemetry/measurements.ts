import type { Attributes } from '@opentelemetry/api';
import type { Attempt, ConnectTry } from '../exchange/attempt.ts';
import type { Exchange, MiddlewareRun } from '../exchange/exchange.ts';
import type { Owner } from '../exchange/owner.ts';
import type { HandledMessage } from '../messages/protocol-extension.ts';
import { attemptErrorType, isClientError, isServerError, serverErrorType } from './error-type.ts';
import type { Instruments } from './instruments.ts';
import { LabelBounds } from './labels.ts';
import { attribute, tagPrefix } from './names.ts';
import { SessionMeasurements } from './session-measurements.ts';
import { firstChunkSeconds, methodOf } from './span-attributes.ts';

/** What of a plugin ran. */
export type PluginKind = 'middleware' | 'hook' | 'message' | 'lifecycle';

/** Turns an exchange that has ended into measurements. Every label that a client could invent is bounded. */
export class Measurements {
  readonly sessions: SessionMeasurements;
  readonly #instruments: Instruments;
  readonly #labels: LabelBounds;
  readonly #chunkGapsMax: number;
  /** Requests that wait for one connection see the same tries, each of which counts once. */
  readonly #triesCounted = new WeakSet<ConnectTry>();

  constructor(
    instruments: Instruments,
    limits: { readonly labelValuesMax: number; readonly chunkGapsMax: number },
  ) {
    this.sessions = new SessionMeasurements(instruments);
    this.#instruments = instruments;
    this.#labels = new LabelBounds(limits.labelValuesMax);
    this.#chunkGapsMax = limits.chunkGapsMax;
  }

  begin(exchange: Exchange): void {
    const { place } = exchange;
    if (place.kind === 'session') this.sessions.begin(exchange, place.facts);
    if (place.kind === 'request') this.#instruments.httpActive.add(1, activeLabels(exchange));
  }

  end(exchange: Exchange): void {
    const { place } = exchange;
    const tags = this.#tags(exchange);
    if (place.kind === 'session') {
      this.sessions.end(exchange, place.facts, tags);
      this.#dropped('turns', place.facts.turnsDropped);
    } else {
      if (place.kind === 'request') this.#request(exchange, tags);
      this.#outcome(exchange);
      for (const attempt of exchange.attempts) this.#attempt(exchange, attempt, tags);
    }
    for (const attempt of exchange.attempts) this.#connects(attempt);
    for (const run of exchange.middlewareRuns) this.middlewareRan(run);
    this.#dropped('middleware_runs', exchange.middlewareRunsDropped);
  }

  middlewareRan({ middleware, owner, phase, durationMs, error }: MiddlewareRun): void {
    this.#instruments.middlewareDuration.record(durationMs / 1000, {
      // Plugins can bring others with each version.
      [attribute.middleware]: owner ? this.#labels.bound(attribute.middleware, middleware) : middleware,
      [attribute.phase]: phase,
      ...(error && { [attribute.errorType]: error.code }),
    });
    if (owner) this.pluginRan(owner, 'middleware', phase, durationMs, error?.code);
  }

  /**
   * Time of a plugin's code. `point` is a phase of middleware, a hook point, a message type, `initialize` or
   * `cleanup`; `error` says how it failed. Versions come and go while the service runs, so they are bounded like names.
   */
  pluginRan(owner: Owner, kind: PluginKind, point: string, durationMs: number, error?: string): void {
    this.#instruments.pluginDuration.record(durationMs / 1000, {
      [attribute.plugin]: this.#labels.bound(attribute.plugin, owner.name),
      [attribute.pluginVersion]: this.#labels.bound(attribute.pluginVersion, owner.version),
      [attribute.pluginKind]: kind,
      [attribute.pluginPoint]: point,
      ...(error !== undefined && { [attribute.errorType]: error }),
    });
  }

  /** A message of a registered type. Types come and go with plugins, so they are bounded like their names. */
  messageHandled({ type, owner, result, durationMs, error }: HandledMessage): void {
    const name = this.#labels.bound(attribute.messageType, type);
    this.#instruments.messagesHandled.add(1, {
      [attribute.messageType]: name,
      [attribute.result]: result,
      ...(error && { [attribute.errorType]: error.code }),
    });
    if (owner) this.pluginRan(owner, 'message', name, durationMs, error?.code);
  }

  #request(exchange: Exchange, tags: Attributes): void {
    const { httpActive, httpDuration } = this.#instruments;
    httpActive.add(-1, activeLabels(exchange));
    httpDuration.record(durationSeconds(exchange.clock.startedAt, exchange.endedAt), {
      ...this.#serverLabels(exchange),
      ...tags,
    });
  }

  #outcome({ route, outcome = 'failed', overheadMs }: Exchange): void {
    const { outcomes, overhead } = this.#instruments;
    outcomes.add(1, {
      [attribute.outcome]: outcome,
      ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
    });
    overhead.record(overheadMs / 1000, { [attribute.httpRoute]: route.template });
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
    const { operationDuration, timeToFirstChunk, timePerOutputChunk, unobservedReplies } = this.#instruments;
    const labels = { ...this.#modelLabels(exchange, attempt, dialect.operation), ...tags };
    operationDuration.record(durationSeconds(attempt.startedAt, attempt.endedAt), {
      ...labels,
      [attribute.outcome]: attempt.outcome ?? 'failed',
      ...(isClientError(attempt) && {
        [attribute.errorType]: this.#labels.bound(attribute.errorType, attemptErrorType(attempt)),
      }),
    });
    this.#tokens(attempt, labels);
    const firstChunk = firstChunkSeconds(attempt);
    if (firstChunk !== undefined) timeToFirstChunk.record(firstChunk, labels);
    for (const gapMs of attempt.chunkGapsMs) timePerOutputChunk.record(gapMs / 1000, labels);
    this.#dropped('chunk_times', attempt.outputChunks - 1 - this.#chunkGapsMax);
    if (attempt.unobserved !== undefined) {
      unobservedReplies.add(1, {
        [attribute.reason]: attempt.unobserved,
        [attribute.upstream]: attempt.upstream.name,
      });
    }
  }

  #tokens(attempt: Attempt, labels: Attributes): void {
    const { input, output } = attempt.reply.usage;
    const { tokenUsage } = this.#instruments;
    if (input !== undefined) tokenUsage.record(input, { ...labels, [attribute.genAiTokenType]: 'input' });
    if (output !== undefined) tokenUsage.record(output, { ...labels, [attribute.genAiTokenType]: 'output' });
  }

  #dropped(signal: string, count: number): void {
    if (count > 0) {
      this.#instruments.droppedTelemetry.add(count, {
        [attribute.signal]: signal,
        [attribute.reason]: 'bound',
      });
    }
  }

  #serverLabels(exchange: Exchange): Attributes {
    const { route, status, outcome = 'failed' } = exchange;
    return {
      ...activeLabels(exchange),
      [attribute.httpRoute]: route.template,
      [attribute.outcome]: outcome,
      ...(status !== undefined && { [attribute.httpResponseStatusCode]: status }),
      ...(isServerError(exchange) && { [attribute.errorType]: serverErrorType(exchange) }),
    };
  }

  /** A name that the upstream did not confirm is a client's invention, until some reply bears it out. */
  #modelLabels({ query }: Exchange, attempt: Attempt, operation: string): Attributes {
    const { upstream, reply } = attempt;
    const asked = query?.model;
    const isConfirmed = reply.model !== undefined;
    const bound = (label: string, value: string) =>
      isConfirmed ? this.#labels.bound(label, value) : this.#labels.known(label, value);
    return {
      [attribute.genAiOperationName]: operation,
      ...(upstream.provider !== undefined && { [attribute.genAiProviderName]: upstream.provider }),
      ...(asked !== undefined && {
        [attribute.genAiRequestModel]: bound(attribute.genAiRequestModel, asked),
      }),
      ...(reply.model !== undefined && {
        [attribute.genAiResponseModel]: this.#labels.bound(attribute.genAiResponseModel, reply.model),
      }),
      [attribute.serverAddress]: upstream.address,
      [attribute.serverPort]: upstream.port,
      [attribute.upstream]: upstream.name,
    };
  }

  #tags(exchange: Exchange): Attributes {
    const tags: Attributes = {};
    for (const [name, value] of exchange.labels)
      tags[tagPrefix + name] = this.#labels.bound(tagPrefix + name, value);
    return tags;
  }
}

/** Those that are known at the beginning and do not change: what is added must be taken away again. */
function activeLabels({ request, route, session }: Exchange): Attributes {
  return {
    [attribute.httpRequestMethod]: methodOf(request),
    [attribute.urlScheme]: 'http',
    ...(session && { [attribute.networkProtocolName]: 'websocket' }),
    ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
  };
}

function durationSeconds(from: number, to: number | undefined): number {
  return Math.max(0, (to ?? from) - from) / 1000;
}
