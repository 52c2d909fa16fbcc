import { createNoopMeter, type Meter, type Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { Logger } from 'pino';
import type { Exchange } from '../exchange/exchange.ts';
import type { Owner } from '../exchange/owner.ts';
import type { ExchangeView } from '../exchange/view.ts';
import type { HookRun } from '../hooks/hook-run.ts';
import type { Limits } from '../limits.ts';
import type { HandledMessage } from '../messages/protocol-extension.ts';
import { ContentCapture, type ContentCaptureOptions } from './content-capture.ts';
import type { ContentPlaces } from './content-places.ts';
import { ExchangeRecorder } from './exchange-recorder.ts';
import { HookRecorder } from './hook-recorder.ts';
import { ExchangeLog } from './logs/exchange-log.ts';
import type { LogLines } from './logs/log-lines.ts';
import { emitRecord } from './logs/otel-record.ts';
import type { Instruments } from './metrics/instruments.ts';
import type { LabelBounds } from './metrics/labels.ts';
import { type Expected, Measurements, type PluginKind } from './metrics/measurements.ts';
import { PluginMetrics, pluginScope } from './metrics/plugin-metrics.ts';
import { RecordedMetrics } from './metrics/recorded-metrics.ts';
import { scope } from './names.ts';
import { PrometheusPage } from './page/prometheus-page.ts';
import { RecentExchanges } from './recent/recent-exchanges.ts';
import { spanLimits, valueCharsMax } from './sdk/attribute-limits.ts';
import type { Environment } from './sdk/exporters.ts';
import { Sdk } from './sdk/sdk.ts';
import { readVariables } from './sdk/variables.ts';
import type { ExportHealth } from './sdk/watched-exporter.ts';
import { SpanDrafts } from './spans/span-draft.ts';
import type { ClientTrace } from './spans/trace-place.ts';
import { TraceStore } from './spans/trace-store.ts';

export interface TelemetryOptions {
  readonly env: Environment;
  readonly clientTrace: ClientTrace;
  readonly spanThresholdMs: number;
  readonly limits: Limits;
  readonly log: Logger;
  /** Where `log` writes, and the records of exchanges go. */
  readonly lines: LogLines;
  /** `log.exchanges`. */
  readonly areExchangesLogged: boolean;
}

/** The state of telemetry, for `/readyz`. */
export interface TelemetryState {
  readonly enabled: boolean;
  readonly traces: readonly ExportHealth[];
  readonly logs: readonly ExportHealth[];
  /** Of metrics that are pushed. */
  readonly metrics: readonly ExportHealth[];
}

interface Parts {
  readonly sdk: Sdk;
  readonly contentPlaces: ContentPlaces;
  readonly recorder: ExchangeRecorder;
  readonly hookRecorder: HookRecorder;
  readonly measurements: Measurements;
  readonly page: PrometheusPage;
  readonly traces: TraceStore;
  readonly recent: RecentExchanges;
  readonly pluginMetrics: PluginMetrics;
  readonly isListenerSet: boolean;
  readonly log: Logger;
}

/** What the service tells of itself and its exchanges: the one place for those who have something to tell. */
export class Telemetry {
  readonly recorder: ExchangeRecorder;
  readonly instruments: Instruments;
  /** Where prompts and replies are told. */
  readonly contentPlaces: ContentPlaces;
  /** Who tells all this. */
  readonly resource: Resource;
  readonly page: PrometheusPage;
  readonly traces: TraceStore;
  /** The exchanges that ended last, also where telemetry is disabled. */
  readonly recent: RecentExchanges;
  readonly #sdk: Sdk;
  readonly #measurements: Measurements;
  readonly #hookRecorder: HookRecorder;
  readonly #pluginMetrics: PluginMetrics;
  readonly #isListenerSet: boolean;
  readonly #log: Logger;

  private constructor(parts: Parts) {
    this.recorder = parts.recorder;
    this.instruments = parts.sdk.instruments;
    this.contentPlaces = parts.contentPlaces;
    this.resource = parts.sdk.resource;
    this.page = parts.page;
    this.traces = parts.traces;
    this.recent = parts.recent;
    this.#sdk = parts.sdk;
    this.#measurements = parts.measurements;
    this.#hookRecorder = parts.hookRecorder;
    this.#pluginMetrics = parts.pluginMetrics;
    this.#isListenerSet = parts.isListenerSet;
    this.#log = parts.log;
  }

  /** Rejects where an `OTEL_*` variable names something unknown. */
  static async start(options: TelemetryOptions): Promise<Telemetry> {
    const { env, limits, log, lines } = options;
    const variables = readVariables(env);
    for (const warning of variables.warnings) log.warn(warning);
    const { content: places } = variables;
    const pluginMetrics = new PluginMetrics(limits.seriesMax);
    const recorded = new RecordedMetrics(scope, limits.seriesMax);
    const page = new PrometheusPage({
      metricProducers: [recorded.producer(), pluginMetrics.producer()],
      exemplars: recorded.exemplars,
      observeTimeoutMs: limits.observeTimeoutMs,
      cardinalitySelector: () => limits.seriesMax,
      onLeftOut: (name) => log.warn(`'${name}' is not on /metrics: another metric there has its name`),
    });
    const traces = new TraceStore(limits);
    const ours = { metricReader: page, recorded, pluginMetrics, spanProcessor: traces };
    const sdk = await Sdk.start({ env, variables, limits, log, ...ours });
    const measurements = new Measurements(sdk.instruments, limits, recorded.exemplars);
    const tracer = sdk.tracerProvider.getTracer(scope.name, scope.version);
    const { logEmitter: emitter } = sdk;
    lines.watch({
      dropped: (count) => sdk.losses.add(['logs', 'stdout'], count),
      // There are few, so each is read back from its JSON.
      said: emitter && ((line) => emitRecord(emitter, JSON.parse(line))),
    });
    const { clientTrace, spanThresholdMs, areExchangesLogged: areLinesOn } = options;
    const exchangeLog = new ExchangeLog({ log, lines, areLinesOn, emitter, ...limits });
    const content = contentCapture({ places, env, limits, emitter }, log);
    const recent = new RecentExchanges(limits);
    const attributeValueLengthLimit = valueCharsMax(env, 'SPAN') ?? Number.POSITIVE_INFINITY;
    const parts = {
      tracer,
      measurements,
      clientTrace,
      spanThresholdMs,
      log: exchangeLog,
      content,
      recent,
      markedStreams: traces.markedStreams,
      drafts: new SpanDrafts({ attributeValueLengthLimit, ...spanLimits(env, limits, places) }),
    };
    return new Telemetry({
      sdk,
      contentPlaces: places,
      recorder: new ExchangeRecorder(parts),
      hookRecorder: new HookRecorder(parts),
      measurements,
      page,
      traces,
      recent,
      pluginMetrics,
      isListenerSet: Object.entries(env).some(
        ([name, value]) =>
          value && /^OTEL_(EXPORTER_OTLP_(?:\w+_)?ENDPOINT|(?:METRICS|LOGS)_EXPORTER)$/.test(name),
      ),
      log,
    });
  }

  /** A callback of a plugin has run. May throw: whoever tells of it must not depend on it. */
  hookRan(run: HookRun): void {
    this.#hookRecorder.ran(run);
  }

  /** Other code of a plugin has run; `error` says how it failed. */
  pluginRan(owner: Owner, kind: PluginKind, point: string, durationMs: number, error?: string): void {
    this.#measurements.pluginRan(owner, kind, point, durationMs, error);
  }

  /** A message type has handled a message of this session, or refused it. */
  messageHandled(handled: HandledMessage, session?: ExchangeView): void {
    this.#measurements.messageHandled(handled, session);
  }

  /** Bounds of labels whose values can come from outside. */
  get labels(): LabelBounds {
    return this.#measurements.labels;
  }

  /** What is counted by these is told from now on, as 0. */
  expect(expected: Expected): void {
    this.#measurements.expect(expected);
  }

  /** Where to find the exchanges that run: what sessions of hours have done so far is told meanwhile. */
  watch(running: () => readonly Exchange[]): void {
    this.#measurements.sessions.watch(running);
  }

  /** For instruments of a plugin's own. */
  pluginMeter(plugin: string): Meter {
    return this.#sdk.isEnabled ? this.#pluginMetrics.meter(plugin) : createNoopMeter();
  }

  /** The plugin is gone, and what it measured with it. */
  forgetPlugin(plugin: string): void {
    this.#pluginMetrics.forget(plugin);
  }

  /** For spans of a plugin's own. The SDK keeps a tracer for each name for ever: so it has no version. */
  pluginTracer(plugin: string): Tracer {
    return this.#sdk.tracerProvider.getTracer(pluginScope(plugin));
  }

  state(): TelemetryState {
    const { isEnabled, traces, logs, metrics } = this.#sdk;
    return { enabled: isEnabled, traces, logs, metrics };
  }

  /**
   * Sends what is left and stops, within the deadline, or soon where nobody is known to listen. Never rejects.
   */
  async stop(flushTimeoutMs: number): Promise<void> {
    const deadlineMs = this.#hasListener ? flushTimeoutMs : Math.min(flushTimeoutMs, 300);
    const stopped = this.#sdk.stop();
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => resolve('late'), deadlineMs);
    const result = await Promise.race([stopped, late]);
    clearTimeout(timer);
    // On a laptop without a collector this is no news.
    if (result === 'late' && this.#hasListener) {
      this.#log.warn(`telemetry was not flushed within ${deadlineMs} ms; what was left is lost`);
    }
  }

  /** A collector that took something, or one that somebody configured: it may be back in a moment. */
  get #hasListener(): boolean {
    const { traces, logs, metrics } = this.#sdk;
    return this.#isListenerSet || [...traces, ...logs, ...metrics].some(({ state }) => state === 'ok');
  }
}

/** Who turns it on is told. */
function contentCapture(options: ContentCaptureOptions, log: Logger): ContentCapture | undefined {
  const { places, emitter } = options;
  if (!places.isOnSpans && !places.isInEvents) return undefined;
  const told = [
    ...(places.isOnSpans ? ['on spans'] : []),
    ...(emitter && places.isInEvents ? ['in log records'] : []),
  ];
  if (told.length > 0) log.info(`prompts and replies are told: ${told.join(' and ')}`);
  return new ContentCapture(options);
}
