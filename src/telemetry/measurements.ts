import type { Attributes } from '@opentelemetry/api';
import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Owner } from '../exchange/owner.ts';
import type { Instruments } from './instruments.ts';
import { LabelBounds } from './labels.ts';
import { attribute, tagPrefix } from './names.ts';
import {
  attemptErrorType,
  errorType,
  firstChunkSeconds,
  isClientError,
  isServerError,
  methodOf,
} from './span-attributes.ts';

/** What of a plugin ran. */
export type PluginKind = 'middleware' | 'hook' | 'lifecycle';

/** Turns an exchange that has ended into measurements. Every label that a client could invent is bounded. */
export class Measurements {
  readonly #instruments: Instruments;
  readonly #labels: LabelBounds;
  readonly #chunkGapsMax: number;

  constructor(
    instruments: Instruments,
    limits: { readonly labelValuesMax: number; readonly chunkGapsMax: number },
  ) {
    this.#instruments = instruments;
    this.#labels = new LabelBounds(limits.labelValuesMax);
    this.#chunkGapsMax = limits.chunkGapsMax;
  }

  begin(exchange: Exchange): void {
    this.#instruments.httpActive.add(1, activeLabels(exchange));
  }

  end(exchange: Exchange): void {
    const { httpActive, httpDuration, outcomes, overhead } = this.#instruments;
    httpActive.add(-1, activeLabels(exchange));
    const tags = this.#tags(exchange);
    httpDuration.record(durationSeconds(exchange.clock.startedAt, exchange.endedAt), {
      ...this.#serverLabels(exchange),
      ...tags,
    });
    const { outcome = 'failed', route } = exchange;
    outcomes.add(1, {
      [attribute.outcome]: outcome,
      ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
    });
    overhead.record(exchange.overheadMs / 1000, { [attribute.httpRoute]: route.template });
    for (const attempt of exchange.attempts) this.#attempt(exchange, attempt, tags);
    this.#middleware(exchange);
  }

  /**
   * Time of a plugin's code. `point` is a phase of middleware, a hook point, `initialize` or `cleanup`;
   * `error` says how it failed. Versions come and go while the service runs, so they are bounded like names.
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

  #middleware(exchange: Exchange): void {
    for (const run of exchange.middlewareRuns) {
      this.#instruments.middlewareDuration.record(run.durationMs / 1000, {
        // Plugins can bring others with each version.
        [attribute.middleware]: run.owner
          ? this.#labels.bound(attribute.middleware, run.middleware)
          : run.middleware,
        [attribute.phase]: run.phase,
        ...(run.error && { [attribute.errorType]: run.error.code }),
      });
      if (run.owner) this.pluginRan(run.owner, 'middleware', run.phase, run.durationMs, run.error?.code);
    }
    this.#dropped('middleware_runs', exchange.middlewareRunsDropped);
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
    const { request, route, status, outcome = 'failed', error } = exchange;
    return {
      [attribute.httpRequestMethod]: methodOf(request),
      [attribute.urlScheme]: 'http',
      [attribute.httpRoute]: route.template,
      [attribute.outcome]: outcome,
      ...(status !== undefined && { [attribute.httpResponseStatusCode]: status }),
      ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
      ...(isServerError(exchange) && { [attribute.errorType]: errorType(error?.code, status) }),
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
function activeLabels({ request, route }: Exchange): Attributes {
  return {
    [attribute.httpRequestMethod]: methodOf(request),
    [attribute.urlScheme]: 'http',
    ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
  };
}

function durationSeconds(from: number, to: number | undefined): number {
  return Math.max(0, (to ?? from) - from) / 1000;
}
