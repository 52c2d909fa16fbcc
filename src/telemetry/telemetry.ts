import {
  context,
  createNoopMeter,
  type Meter,
  metrics,
  ProxyTracerProvider,
  propagation,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { Exchange } from '../exchange/exchange.ts';
import type { Owner } from '../exchange/owner.ts';
import type { HookRun } from '../hooks/hook-run.ts';
import type { Limits } from '../limits.ts';
import type { HandledMessage } from '../messages/protocol-extension.ts';
import { ExchangeRecorder } from './exchange-recorder.ts';
import { type ExportHealth, metricReaders, spanExporters, WatchedExporter } from './exporters.ts';
import { HookRecorder } from './hook-recorder.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import { Measurements, type PluginKind } from './measurements.ts';
import { attribute, scope } from './names.ts';
import { PluginMetrics, pluginScope } from './plugin-metrics.ts';
import { PrometheusPage } from './prometheus-page.ts';
import type { ClientTrace } from './trace-place.ts';
import { TraceStore } from './trace-store.ts';

export interface TelemetryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clientTrace: ClientTrace;
  readonly spanThresholdMs: number;
  readonly limits: Limits;
  readonly log: Logger;
}

/** The state of telemetry, for `/readyz`. */
export interface TelemetryState {
  readonly enabled: boolean;
  readonly traces: readonly ExportHealth[];
  /** Spans that were lost because the queue of the exporter was full. */
  readonly spansDroppedByQueue: number;
}

/** The SDK, set up by the standard `OTEL_*` variables, and what we add to it. */
export class Telemetry {
  readonly recorder: ExchangeRecorder;
  readonly instruments: Instruments;
  readonly page: PrometheusPage;
  readonly traces: TraceStore;
  readonly #measurements: Measurements;
  readonly #hookRecorder: HookRecorder;
  readonly #tracerProvider: TracerProvider;
  readonly #sdk: NodeSDK;
  readonly #meterProvider: MeterProvider;
  readonly #pluginMetrics: PluginMetrics;
  readonly #exporters: readonly WatchedExporter[];
  readonly #isEnabled: boolean;
  readonly #isEndpointSet: boolean;
  readonly #log: Logger;

  private constructor(parts: {
    recorder: ExchangeRecorder;
    instruments: Instruments;
    page: PrometheusPage;
    traces: TraceStore;
    measurements: Measurements;
    hookRecorder: HookRecorder;
    tracerProvider: TracerProvider;
    sdk: NodeSDK;
    meterProvider: MeterProvider;
    pluginMetrics: PluginMetrics;
    exporters: readonly WatchedExporter[];
    isEnabled: boolean;
    isEndpointSet: boolean;
    log: Logger;
  }) {
    this.recorder = parts.recorder;
    this.instruments = parts.instruments;
    this.page = parts.page;
    this.traces = parts.traces;
    this.#measurements = parts.measurements;
    this.#hookRecorder = parts.hookRecorder;
    this.#tracerProvider = parts.tracerProvider;
    this.#sdk = parts.sdk;
    this.#meterProvider = parts.meterProvider;
    this.#pluginMetrics = parts.pluginMetrics;
    this.#exporters = parts.exporters;
    this.#isEnabled = parts.isEnabled;
    this.#isEndpointSet = parts.isEndpointSet;
    this.#log = parts.log;
  }

  /** Rejects where an `OTEL_*` variable names something unknown. */
  static async start({ env, limits, log, ...options }: TelemetryOptions): Promise<Telemetry> {
    const isEnabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() !== 'true';
    const resource = createResource(env);
    const pluginMetrics = new PluginMetrics();
    const metricProducers = [pluginMetrics];
    const page = new PrometheusPage({ metricProducers });
    const readers = isEnabled ? [page, ...(await metricReaders(env, metricProducers))] : [page];
    const meterProvider = new MeterProvider({ resource, readers });
    const instruments = createInstruments(
      isEnabled ? meterProvider.getMeter(scope.name, scope.version) : createNoopMeter(),
    );
    const exporters: WatchedExporter[] = [];
    const traces = new TraceStore(limits);
    const spanProcessors = [traces, ...(isEnabled ? await exportingProcessors() : [])];

    async function exportingProcessors() {
      return (await spanExporters(env)).map(({ name, exporter }) => {
        const watched = new WatchedExporter(name, exporter, {
          lost: (spans) =>
            instruments.droppedTelemetry.add(spans, {
              [attribute.signal]: 'spans',
              [attribute.reason]: 'export',
            }),
          turn: (health) => tellTurn(log, health),
        });
        exporters.push(watched);
        if (exporter instanceof ConsoleSpanExporter) return new SimpleSpanProcessor({ exporter: watched });
        return new BatchSpanProcessor({
          exporter: watched,
          selfObsMeterProvider: meterProvider,
          ...batchOptions(env),
        });
      });
    }

    // The SDK registers itself globally and refuses to do so twice; a second service in one process (tests,
    // embedding) takes the place of the first, which keeps what it holds.
    for (const api of [trace, metrics, context, propagation]) api.disable();
    const sdk = new NodeSDK({
      resource,
      autoDetectResources: false,
      spanProcessors,
      metricReaders: [],
      logRecordProcessors: [],
      spanLimits: spanLimits(env, limits),
    });
    sdk.start();
    if (isEnabled) metrics.setGlobalMeterProvider(meterProvider);
    const tracerProvider = currentTracerProvider();
    const parts = {
      ...options,
      tracer: tracerProvider.getTracer(scope.name, scope.version),
      measurements: new Measurements(instruments, limits),
    };
    return new Telemetry({
      recorder: new ExchangeRecorder(parts),
      hookRecorder: new HookRecorder(parts),
      measurements: parts.measurements,
      tracerProvider,
      instruments,
      page,
      traces,
      sdk,
      meterProvider,
      pluginMetrics,
      exporters,
      isEnabled,
      isEndpointSet: Object.entries(env).some(
        ([name, value]) => value && /^OTEL_(EXPORTER_OTLP_(?:\w+_)?ENDPOINT|METRICS_EXPORTER)$/.test(name),
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

  /** A message type has handled a message, or refused it. */
  messageHandled(handled: HandledMessage): void {
    this.#measurements.messageHandled(handled);
  }

  /** Where to find the exchanges that run: what sessions of hours have done so far is told meanwhile. */
  watch(running: () => readonly Exchange[]): void {
    this.#measurements.sessions.watch(running);
  }

  /** For instruments of a plugin's own. */
  pluginMeter(plugin: string): Meter {
    return this.#isEnabled ? this.#pluginMetrics.meter(plugin) : createNoopMeter();
  }

  /** The plugin is gone, and what it measured with it. */
  forgetPlugin(plugin: string): void {
    this.#pluginMetrics.forget(plugin);
  }

  /** For spans of a plugin's own. The SDK keeps a tracer for each name for ever: so it has no version. */
  pluginTracer(plugin: string): Tracer {
    return this.#tracerProvider.getTracer(pluginScope(plugin));
  }

  async state(): Promise<TelemetryState> {
    return {
      enabled: this.#isEnabled,
      traces: this.#exporters.map((exporter) => exporter.health),
      spansDroppedByQueue: await this.page.sum(
        'otel.sdk.processor.span.processed',
        (attributes) => attributes['error.type'] === 'queue_full',
      ),
    };
  }

  /**
   * Sends what is left and stops, within the deadline, or soon where nobody is known to listen. Never rejects.
   */
  async stop(flushTimeoutMs: number): Promise<void> {
    const deadlineMs = this.#hasListener ? flushTimeoutMs : Math.min(flushTimeoutMs, 300);
    const stopped = this.#flush();
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => resolve('late'), deadlineMs);
    const result = await Promise.race([stopped, late]);
    clearTimeout(timer);
    // On a laptop without a collector this is no news.
    if (result === 'late' && this.#hasListener) {
      this.#log.warn(`telemetry was not flushed within ${deadlineMs} ms; what was left is lost`);
    }
  }

  async #flush(): Promise<void> {
    await Promise.allSettled([this.#sdk.shutdown(), this.#meterProvider.shutdown()]);
    await Promise.all(this.#exporters.map((exporter) => exporter.settled()));
  }

  /** A collector that took spans, or one that somebody configured: it may be back in a moment. */
  get #hasListener(): boolean {
    return this.#isEndpointSet || this.#exporters.some(({ health }) => health.state === 'ok');
  }
}

/** The SDK's own rather than the global proxy, which the next `start` would point elsewhere. */
function currentTracerProvider(): TracerProvider {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
}

function createResource(env: TelemetryOptions['env']) {
  const detected = detectResources({
    detectors: [serviceInstanceIdDetector, processDetector, hostDetector, envDetector],
  });
  const isNamed =
    env.OTEL_SERVICE_NAME || /(?:^|,)\s*service\.name=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? '');
  const resource = defaultResource().merge(detected);
  return isNamed
    ? resource
    : resource.merge(
        resourceFromAttributes({ 'service.name': 'sightline', 'service.version': scope.version }),
      );
}

/** Ours, where the standard variables, which the SDK reads itself, set none. */
function spanLimits(env: TelemetryOptions['env'], { attributeCharsMax }: Limits) {
  const isSet = env.OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT || env.OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT;
  return isSet ? {} : { attributeValueLengthLimit: attributeCharsMax };
}

function batchOptions(env: TelemetryOptions['env']) {
  const number = (variable: string) => {
    const value = Number(env[variable]);
    return env[variable] && Number.isFinite(value) && value > 0 ? value : undefined;
  };
  const options = {
    maxQueueSize: number('OTEL_BSP_MAX_QUEUE_SIZE'),
    scheduledDelayMillis: number('OTEL_BSP_SCHEDULE_DELAY'),
    exportTimeoutMillis: number('OTEL_BSP_EXPORT_TIMEOUT'),
    maxExportBatchSize: number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function tellTurn(log: Logger, { exporter, state, lastError }: ExportHealth): void {
  if (state === 'ok') log.info(`traces are exported (${exporter})`);
  else
    log.warn(
      `traces cannot be exported (${exporter}): ${lastError}; those of this process are at /api/traces`,
    );
}
