import { ConsoleLogRecordExporter, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  ConsoleMetricExporter,
  type InstrumentType,
  type MetricProducer,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace';
import { ConfigError } from '../../config/problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** An exporter by the name that a variable gave it. */
export interface NamedExporter<Exporter> {
  readonly name: string;
  readonly exporter: Exporter;
}

/** `OTEL_EXPORTER_OTLP_PROTOCOL`: each is loaded only where it is used. */
const traceExporters: Readonly<Record<string, () => Promise<SpanExporter>>> = {
  'http/json': async () => new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter(),
};

const metricExporters: Readonly<Record<string, () => Promise<PushMetricExporter>>> = {
  'http/json': async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter(),
};

const logRecordExporters: Readonly<Record<string, () => Promise<LogRecordExporter>>> = {
  'http/json': async () => new (await import('@opentelemetry/exporter-logs-otlp-http')).OTLPLogExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-logs-otlp-proto')).OTLPLogExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-logs-otlp-grpc')).OTLPLogExporter(),
};

/**
 * The exporters that `OTEL_TRACES_EXPORTER` names: `otlp` (the default), `console`, `none`, or several. Rejects with a
 * `ConfigError` that names what is not known.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function spanExporters(env: Environment): Promise<NamedExporter<SpanExporter>[]> {
  const made = [];
  for (const name of names('OTEL_TRACES_EXPORTER', env, 'otlp')) {
    if (name === 'console') made.push({ name, exporter: new ConsoleSpanExporter() });
    else made.push({ name, exporter: await byProtocol('TRACES', env, traceExporters) });
  }
  return made;
}

/** The exporters that `OTEL_LOGS_EXPORTER` names. None by default: standard output has them all. */
export async function logExporters(env: Environment): Promise<NamedExporter<LogRecordExporter>[]> {
  const made = [];
  for (const name of names('OTEL_LOGS_EXPORTER', env, 'none')) {
    if (name === 'console') made.push({ name, exporter: new ConsoleLogRecordExporter() });
    else made.push({ name, exporter: await byProtocol('LOGS', env, logRecordExporters) });
  }
  return made;
}

/** The push exporters that `OTEL_METRICS_EXPORTER` names. None by default: `/metrics` is always there. */
export async function metricReaders(
  env: Environment,
  producers: (temporality: AggregationTemporalitySelector) => MetricProducer[],
  seriesMax: number,
): Promise<PeriodicExportingMetricReader[]> {
  const readers = [];
  const period = Number(env.OTEL_METRIC_EXPORT_INTERVAL) || 60_000;
  const timeout = Math.min(Number(env.OTEL_METRIC_EXPORT_TIMEOUT) || 30_000, period);
  for (const name of names('OTEL_METRICS_EXPORTER', env, 'none')) {
    const exporter =
      name === 'console' ? new ConsoleMetricExporter() : await byProtocol('METRICS', env, metricExporters);
    readers.push(
      new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: period,
        exportTimeoutMillis: timeout,
        metricProducers: producers((instrument) => temporalityOf(exporter, instrument)),
        cardinalityLimits: { default: seriesMax },
      }),
    );
  }
  return readers;
}

/** As the reader asks it. */
function temporalityOf(exporter: PushMetricExporter, instrument: InstrumentType): AggregationTemporality {
  return exporter.selectAggregationTemporality?.(instrument) ?? AggregationTemporality.CUMULATIVE;
}

function names(variable: string, env: Environment, fallback: string): string[] {
  const list = (env[variable]?.trim() || fallback).split(',').map((name) => name.trim());
  for (const name of list) {
    if (!['otlp', 'console', 'none'].includes(name)) {
      throw unknown(variable, name, ['otlp', 'console', 'none']);
    }
  }
  return list.includes('none') ? [] : [...new Set(list)];
}

async function byProtocol<T>(
  signal: 'TRACES' | 'METRICS' | 'LOGS',
  env: Environment,
  table: Readonly<Record<string, () => Promise<T>>>,
): Promise<T> {
  const variable = env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`]
    ? `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`
    : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const protocol = env[variable]?.trim() || 'http/json';
  const make = Object.hasOwn(table, protocol) ? table[protocol] : undefined;
  if (!make) throw unknown(variable, protocol, Object.keys(table));
  return make();
}

function unknown(variable: string, value: string, expected: readonly string[]): ConfigError {
  const text = `'${value}' is not known; expected one of ${expected.join(', ')}`;
  return new ConfigError([{ source: variable, offset: -1, text }]);
}
