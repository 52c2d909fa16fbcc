import {
  context,
  createNoopMeter,
  type Logger as LogEmitter,
  logs,
  metrics,
  ProxyTracerProvider,
  propagation,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { Limits } from '../../limits.ts';
import { createInstruments, type Instruments } from '../metrics/instruments.ts';
import type { PluginMetrics } from '../metrics/plugin-metrics.ts';
import { RecordedMetrics } from '../metrics/recorded-metrics.ts';
import { scope } from '../names.ts';
import { logRecordLimits, spanLimits } from './attribute-limits.ts';
import type { Environment } from './exporters.ts';
import { Losses } from './losses.ts';
import { logPipelines, metricPipelines, spanPipelines } from './pipelines.ts';
import { createResource } from './resource.ts';
import type { StandardVariables } from './variables.ts';
import type { ExportHealth, WatchedExporter } from './watched-exporter.ts';

export interface SdkOptions {
  readonly env: Environment;
  /** What `env` asks for. */
  readonly variables: StandardVariables;
  readonly limits: Limits;
  readonly log: Logger;
  /** Those of ours, which work whatever the variables say, beside what the variables name. */
  readonly metricReader: MetricReader;
  readonly recorded: RecordedMetrics;
  readonly pluginMetrics: PluginMetrics;
  readonly spanProcessor: SpanProcessor;
}

interface Parts {
  readonly isEnabled: boolean;
  readonly resource: Resource;
  readonly instruments: Instruments;
  readonly losses: Losses;
  readonly tracerProvider: TracerProvider;
  readonly logEmitter: LogEmitter | undefined;
  readonly providers: readonly { shutdown(): Promise<void> }[];
  readonly traces: readonly WatchedExporter<never>[];
  readonly logs: readonly WatchedExporter<never>[];
  readonly metrics: readonly WatchedExporter<never>[];
}

/** The SDK of OpenTelemetry: its providers and the pipelines behind them, as the standard `OTEL_*` variables say. */
export class Sdk {
  readonly isEnabled: boolean;
  readonly resource: Resource;
  readonly instruments: Instruments;
  readonly losses: Losses;
  readonly tracerProvider: TracerProvider;
  /** Undefined where nobody takes log records. */
  readonly logEmitter: LogEmitter | undefined;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.isEnabled = parts.isEnabled;
    this.resource = parts.resource;
    this.instruments = parts.instruments;
    this.losses = parts.losses;
    this.tracerProvider = parts.tracerProvider;
    this.logEmitter = parts.logEmitter;
    this.#parts = parts;
  }

  static async start({ env, variables, limits, log, ...ours }: SdkOptions): Promise<Sdk> {
    const { isEnabled, content } = variables;
    const resource = createResource();
    const metricWays = await metricPipelines(variables.metrics, {
      env,
      log,
      // They are counted by what the readers are there for, so that comes later.
      losses: { add: (loss, count) => losses.add(loss, count) },
      producers: (temporality) => [ours.recorded, ours.pluginMetrics].map((one) => one.producer(temporality)),
      seriesMax: limits.seriesMax,
    });
    const meterProvider = new MeterProvider({
      resource,
      readers: [ours.metricReader, ...metricWays.map(({ reader }) => reader)],
    });
    const meter = isEnabled ? meterProvider.getMeter(scope.name, scope.version) : createNoopMeter();
    // Where telemetry is disabled, nobody reads what is recorded either.
    const recorded = isEnabled ? ours.recorded : new RecordedMetrics(scope, 1);
    const instruments = createInstruments(meter, recorded);
    const losses = new Losses(instruments.droppedTelemetry);
    const options = { env, meterProvider, losses, log, content };
    const spanWays = await spanPipelines(variables.traces, options);
    const logWays = await logPipelines(variables.logs, options);
    const loggerProvider = new LoggerProvider({
      resource,
      processors: logWays.map(({ processor }) => processor),
      logRecordLimits: logRecordLimits(env, limits, content),
    });

    // The SDK registers itself globally and refuses to do so twice; a second service in one process (tests,
    // embedding) takes the place of the first, which keeps what it holds.
    for (const api of [trace, metrics, logs, context, propagation]) api.disable();
    const sdk = new NodeSDK({
      resource,
      autoDetectResources: false,
      spanProcessors: [ours.spanProcessor, ...spanWays.map(({ processor }) => processor)],
      metricReaders: [],
      logRecordProcessors: [],
      spanLimits: spanLimits(env, limits, content),
    });
    sdk.start();
    if (isEnabled) {
      metrics.setGlobalMeterProvider(meterProvider);
      logs.disable();
      logs.setGlobalLoggerProvider(loggerProvider);
    }
    return new Sdk({
      isEnabled,
      resource,
      instruments,
      losses,
      tracerProvider: currentTracerProvider(),
      logEmitter: logWays.length > 0 ? loggerProvider.getLogger(scope.name, scope.version) : undefined,
      providers: [sdk, loggerProvider, meterProvider],
      traces: spanWays.map(({ exporter }) => exporter),
      logs: logWays.map(({ exporter }) => exporter),
      metrics: metricWays.map(({ exporter }) => exporter),
    });
  }

  get traces(): ExportHealth[] {
    return this.#parts.traces.map(({ health }) => health);
  }

  get logs(): ExportHealth[] {
    return this.#parts.logs.map(({ health }) => health);
  }

  get metrics(): ExportHealth[] {
    return this.#parts.metrics.map(({ health }) => health);
  }

  /** Sends what is left and stops. Never rejects. */
  async stop(): Promise<void> {
    const { providers, traces, logs, metrics: pushed } = this.#parts;
    await Promise.allSettled(providers.map((provider) => provider.shutdown()));
    await Promise.all([...traces, ...logs, ...pushed].map((exporter) => exporter.settled()));
  }
}

/** The SDK's own rather than the global proxy, which the next `start` would point elsewhere. */
function currentTracerProvider(): TracerProvider {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
}
