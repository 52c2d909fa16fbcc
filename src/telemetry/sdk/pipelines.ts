import type { MeterProvider } from '@opentelemetry/api';
import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  type AggregationTemporalitySelector,
  type MetricProducer,
  type MetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { ContentPlaces } from '../content-places.ts';
import type { ExporterChoice } from './exporter-choice.ts';
import {
  type Environment,
  logExporters,
  metricExporters,
  type NamedExporter,
  spanExporters,
  temporalityOf,
} from './exporters.ts';
import { type Loss, type Losses, watchQueue } from './losses.ts';
import { positive } from './numbers.ts';
import { type Exporter, type ExportHealth, WatchedExporter } from './watched-exporter.ts';

/** The way of one signal to an exporter: a processor, whose queue is bounded, and the exporter behind it. */
export interface Pipeline<Processor, Item> {
  readonly processor: Processor;
  readonly exporter: WatchedExporter<Item[]>;
}

/** The way of metrics: collected and sent from time to time. */
export interface MetricPipeline {
  readonly reader: MetricReader;
  readonly exporter: WatchedExporter<ResourceMetrics>;
}

interface WatchOptions {
  readonly env: Environment;
  readonly losses: Pick<Losses, 'add'>;
  readonly log: Logger;
}

interface PipelineOptions extends WatchOptions {
  readonly meterProvider: MeterProvider;
  readonly content: ContentPlaces;
}

interface MetricPipelineOptions extends WatchOptions {
  /** For one reader, of its temporality. */
  readonly producers: (temporality: AggregationTemporalitySelector) => MetricProducer[];
  readonly seriesMax: number;
}

export async function spanPipelines(
  choices: readonly ExporterChoice[],
  options: PipelineOptions,
): Promise<Pipeline<SpanProcessor, ReadableSpan>[]> {
  return (await spanExporters(choices)).map((named) => {
    const exporter = watched<ReadableSpan[]>('spans', named, itemsOf, options);
    const processor =
      named.exporter instanceof ConsoleSpanExporter
        ? new SimpleSpanProcessor({ exporter })
        : new BatchSpanProcessor({ exporter, ...queueOptions('spans', exporter, options) });
    return { processor, exporter };
  });
}

export async function logPipelines(
  choices: readonly ExporterChoice[],
  options: PipelineOptions,
): Promise<Pipeline<LogRecordProcessor, ReadableLogRecord>[]> {
  return (await logExporters(choices)).map((named) => {
    const exporter = watched<ReadableLogRecord[]>('logs', named, itemsOf, options);
    const processor =
      named.exporter instanceof ConsoleLogRecordExporter
        ? new SimpleLogRecordProcessor({ exporter })
        : new BatchLogRecordProcessor({ exporter, ...queueOptions('logs', exporter, options) });
    return { processor, exporter };
  });
}

/**
 * Metrics have no queue: an interval whose points nobody took is told again with the next one, and of deltas it is lost.
 */
export async function metricPipelines(
  choices: readonly ExporterChoice[],
  { producers, seriesMax, ...options }: MetricPipelineOptions,
): Promise<MetricPipeline[]> {
  const exporters = await metricExporters(choices);
  if (exporters.length === 0) return [];
  const exportIntervalMillis = positive(options.env, 'OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000;
  const timeoutMs = positive(options.env, 'OTEL_METRIC_EXPORT_TIMEOUT') ?? 30_000;
  return exporters.map((named) => {
    const temporality = temporalityOf(named.exporter);
    const exporter = watched('metrics', named, pointsOf, options);
    const reader = new PeriodicExportingMetricReader({
      exporter: pushing(exporter, named.exporter),
      exportIntervalMillis,
      exportTimeoutMillis: Math.min(timeoutMs, exportIntervalMillis),
      metricProducers: producers(temporality),
      cardinalityLimits: { default: seriesMax },
    });
    return { reader, exporter };
  });
}

/** The one, with what the reader asks of the other. */
function pushing(
  watchedOne: WatchedExporter<ResourceMetrics>,
  exporter: PushMetricExporter,
): PushMetricExporter {
  return {
    export: (metrics, done) => watchedOne.export(metrics, done),
    forceFlush: () => watchedOne.forceFlush(),
    shutdown: () => watchedOne.shutdown(),
    selectAggregationTemporality: temporalityOf(exporter),
    ...(exporter.selectAggregation && { selectAggregation: exporter.selectAggregation.bind(exporter) }),
  };
}

type Signal = 'spans' | 'logs' | 'metrics';

function watched<Batch>(
  signal: Signal,
  { name, exporter }: NamedExporter<Exporter<Batch>>,
  sizeOf: (batch: Batch) => number,
  { env, losses, log }: WatchOptions,
): WatchedExporter<Batch> {
  const watchedOne: WatchedExporter<Batch> = new WatchedExporter(name, exporter, {
    sizeOf,
    lost: (count) => losses.add(isUnasked(signal, watchedOne, env) ? noCollector : [signal, 'export'], count),
    turn: (health) => tellTurn(log, signal, health),
  });
  return watchedOne;
}

function itemsOf(batch: readonly unknown[]): number {
  return batch.length;
}

function pointsOf({ scopeMetrics }: ResourceMetrics): number {
  return scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .reduce((points, { dataPoints }) => points + dataPoints.length, 0);
}

/** Traces go to where collectors usually are, also where there is none and nobody has asked for one. */
function isUnasked(signal: Signal, { health }: WatchedExporter<never>, env: Environment): boolean {
  return signal === 'spans' && health.exported === 0 && !namesCollector(env);
}

const noCollector: Loss = ['spans', 'no_collector'];

function namesCollector(env: Environment): boolean {
  const variables = [
    'OTEL_TRACES_EXPORTER',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  ];
  return variables.some((name) => env[name]?.trim());
}

function queueOptions(
  signal: 'spans' | 'logs',
  exporter: WatchedExporter<never>,
  { env, meterProvider, losses, content }: PipelineOptions,
) {
  return {
    selfObsMeterProvider: watchQueue(meterProvider, (count) => {
      exporter.noteDropped(count);
      losses.add(isUnasked(signal, exporter, env) ? noCollector : [signal, 'queue_full'], count);
    }),
    ...(signal === 'spans'
      ? batchOptions(env, 'OTEL_BSP', content.isOnSpans)
      : batchOptions(env, 'OTEL_BLRP', content.isInEvents)),
  };
}

/**
 * A batch is serialized in one go. With 32 KB of content in each span, the 512 of the SDK's own would stop everything
 * for 300 ms, and the 2048 in its queue take 64 MB.
 */
const contentBatch = 32;
/** At its end a processor sends all that it has at once, and an exporter takes no more than so many requests. */
const batchesAtEnd = 30;

function batchOptions(env: Environment, prefix: 'OTEL_BSP' | 'OTEL_BLRP', hasContent: boolean) {
  const queue =
    positive(env, `${prefix}_MAX_QUEUE_SIZE`) ?? (hasContent ? contentBatch * batchesAtEnd : undefined);
  const batch = hasContent && queue ? Math.max(contentBatch, Math.ceil(queue / batchesAtEnd)) : undefined;
  const options = {
    maxQueueSize: queue,
    scheduledDelayMillis: positive(env, `${prefix}_SCHEDULE_DELAY`),
    exportTimeoutMillis: positive(env, `${prefix}_EXPORT_TIMEOUT`),
    maxExportBatchSize: positive(env, `${prefix}_MAX_EXPORT_BATCH_SIZE`) ?? batch,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const kept: Readonly<Record<Signal, string>> = {
  spans: 'those of this process are at /api/traces',
  logs: 'they are on standard output',
  metrics: 'they are at /metrics',
};

function tellTurn(log: Logger, signal: Signal, { exporter, state, lastError }: ExportHealth): void {
  const what = signal === 'spans' ? 'traces' : signal;
  if (state === 'ok') log.info(`${what} are exported (${exporter})`);
  else log.warn(`${what} cannot be exported (${exporter}): ${lastError}; ${kept[signal]}`);
}
