import type { MeterProvider } from '@opentelemetry/api';
import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { ContentPlaces } from '../content-places.ts';
import { type Environment, logExporters, type NamedExporter, spanExporters } from './exporters.ts';
import { type Loss, type Losses, watchQueue } from './losses.ts';
import { type Exporter, type ExportHealth, WatchedExporter } from './watched-exporter.ts';

/** The way of one signal to an exporter: a processor, whose queue is bounded, and the exporter behind it. */
export interface Pipeline<Processor, Item> {
  readonly processor: Processor;
  readonly exporter: WatchedExporter<Item>;
}

interface PipelineOptions {
  readonly env: Environment;
  readonly meterProvider: MeterProvider;
  readonly losses: Losses;
  readonly log: Logger;
  readonly content: ContentPlaces;
}

/** Rejects where a variable names something unknown. */
export async function spanPipelines(
  options: PipelineOptions,
): Promise<Pipeline<SpanProcessor, ReadableSpan>[]> {
  return (await spanExporters(options.env)).map((named) => {
    const exporter = watched('spans', named, options);
    const processor =
      named.exporter instanceof ConsoleSpanExporter
        ? new SimpleSpanProcessor({ exporter })
        : new BatchSpanProcessor({ exporter, ...queueOptions('spans', exporter, options) });
    return { processor, exporter };
  });
}

/** Rejects where a variable names something unknown. */
export async function logPipelines(
  options: PipelineOptions,
): Promise<Pipeline<LogRecordProcessor, ReadableLogRecord>[]> {
  return (await logExporters(options.env)).map((named) => {
    const exporter = watched('logs', named, options);
    const processor =
      named.exporter instanceof ConsoleLogRecordExporter
        ? new SimpleLogRecordProcessor({ exporter })
        : new BatchLogRecordProcessor({ exporter, ...queueOptions('logs', exporter, options) });
    return { processor, exporter };
  });
}

type Signal = 'spans' | 'logs';

function watched<Item>(
  signal: Signal,
  { name, exporter }: NamedExporter<Exporter<Item>>,
  { env, losses, log }: PipelineOptions,
): WatchedExporter<Item> {
  const watchedOne: WatchedExporter<Item> = new WatchedExporter(name, exporter, {
    lost: (count) => losses.add(lossOf(signal, 'export', watchedOne, env), count),
    turn: (health) => tellTurn(log, signal, health),
  });
  return watchedOne;
}

/** Traces go to where collectors usually are, also where there is none and nobody has asked for one. */
function lossOf(
  signal: Signal,
  reason: 'export' | 'queue_full',
  { health }: WatchedExporter<never>,
  env: Environment,
): Loss {
  if (signal === 'logs' || health.exported > 0 || namesCollector(env)) return [signal, reason];
  return ['spans', 'no_collector'];
}

function namesCollector(env: Environment): boolean {
  const variables = [
    'OTEL_TRACES_EXPORTER',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  ];
  return variables.some((name) => env[name]?.trim());
}

function queueOptions(
  signal: Signal,
  exporter: WatchedExporter<never>,
  { env, meterProvider, losses, content }: PipelineOptions,
) {
  return {
    selfObsMeterProvider: watchQueue(meterProvider, (count) => {
      exporter.noteDropped(count);
      losses.add(lossOf(signal, 'queue_full', exporter, env), count);
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

function batchOptions(env: Environment, prefix: string, hasContent: boolean) {
  const number = (variable: string) => {
    const value = Number(env[`${prefix}_${variable}`]);
    return Number.isFinite(value) && value > 0 ? value : undefined;
  };
  const queue = number('MAX_QUEUE_SIZE') ?? (hasContent ? contentBatch * batchesAtEnd : undefined);
  const batch = hasContent && queue ? Math.max(contentBatch, Math.ceil(queue / batchesAtEnd)) : undefined;
  const options = {
    maxQueueSize: queue,
    scheduledDelayMillis: number('SCHEDULE_DELAY'),
    exportTimeoutMillis: number('EXPORT_TIMEOUT'),
    maxExportBatchSize: number('MAX_EXPORT_BATCH_SIZE') ?? batch,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const kept: Readonly<Record<Signal, string>> = {
  spans: 'those of this process are at /api/traces',
  logs: 'they are on standard output',
};

function tellTurn(log: Logger, signal: Signal, { exporter, state, lastError }: ExportHealth): void {
  const what = signal === 'spans' ? 'traces' : signal;
  if (state === 'ok') log.info(`${what} are exported (${exporter})`);
  else log.warn(`${what} cannot be exported (${exporter}): ${lastError}; ${kept[signal]}`);
}
