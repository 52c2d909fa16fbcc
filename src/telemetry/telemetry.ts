import {
  context,
  createNoopMeter,
  metrics,
  ProxyTracerProvider,
  propagation,
  type Tracer,
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
import type { Limits } from '../limits.ts';
import { ExchangeRecorder } from './exchange-recorder.ts';
import { type ExportHealth, metricReaders, spanExporters, WatchedExporter } from './exporters.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import { Measurements } from './measurements.ts';
import { attribute, scope } from './names.ts';
import { PrometheusPage } from './prometheus-page.ts';
import { TraceStore } from './trace-store.ts';

export interface TelemetryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clientTrace: 'parent' | 'link' | 'ignore';
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
  readonly #sdk: NodeSDK;
  readonly #meterProvider: MeterProvider;
  readonly #exporters: readonly WatchedExporter[];
  readonly #isEnabled: boolean;
  readonly #isEndpointSet: boolean;
  readonly #log: Logger;

  private constructor(parts: {
    recorder: ExchangeRecorder;
    instruments: Instruments;
    page: PrometheusPage;
    traces: TraceStore;
    sdk: NodeSDK;
    meterProvider: MeterProvider;
    exporters: readonly WatchedExporter[];
    isEnabled: boolean;
    isEndpointSet: boolean;
    log: Logger;
  }) {
    this.recorder = parts.recorder;
    this.instruments = parts.instruments;
    this.page = parts.page;
    this.traces = parts.traces;
    this.#sdk = parts.sdk;
    this.#meterProvider = parts.meterProvider;
    this.#exporters = parts.exporters;
    this.#isEnabled = parts.isEnabled;
    this.#isEndpointSet = parts.isEndpointSet;
    this.#log = parts.log;
  }

  /** Rejects where an `OTEL_*` variable names something unknown. */
  static async start({ env, limits, log, ...options }: TelemetryOptions): Promise<Telemetry> {
    const isEnabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() !== 'true';
    const resource = createResource(env);
    const page = new PrometheusPage();
    const readers = isEnabled ? [page, ...(await metricReaders(env))] : [page];
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
    const recorder = new ExchangeRecorder({
      ...options,
      tracer: currentTracer(),
      measurements: new Measurements(instruments, limits),
    });
    return new Telemetry({
      recorder,
      instruments,
      page,
      traces,
      sdk,
      meterProvider,
      exporters,
      isEnabled,
      isEndpointSet: Object.entries(env).some(
        ([name, value]) => value && /^OTEL_(EXPORTER_OTLP_(?:\w+_)?ENDPOINT|METRICS_EXPORTER)$/.test(name),
      ),
      log,
    });
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

/** The SDK's own tracer rather than the global proxy, which the next `start` would point elsewhere. */
function currentTracer(): Tracer {
  const provider = trace.getTracerProvider();
  const own = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
  return own.getTracer(scope.name, scope.version);
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
