import { ConsoleLogRecordExporter, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  ConsoleMetricExporter,
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

const metricExporterTable: Readonly<Record<string, () => Promise<PushMetricExporter>>> = {
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
export async function metricExporters(env: Environment): Promise<NamedExporter<PushMetricExporter>[]> {
  const made = [];
  for (const name of names('OTEL_METRICS_EXPORTER', env, 'none')) {
    if (name === 'console') made.push({ name, exporter: new ConsoleMetricExporter() });
    else {
      checkTemporality(env);
      made.push({ name, exporter: await byProtocol('METRICS', env, metricExporterTable) });
    }
  }
  return made;
}

/** As the reader asks it. */
export function temporalityOf(exporter: PushMetricExporter): AggregationTemporalitySelector {
  return (instrument) =>
    exporter.selectAggregationTemporality?.(instrument) ?? AggregationTemporality.CUMULATIVE;
}

/** The exporter would go on without a word, with sums where differences are waited for. */
function checkTemporality(env: Environment): void {
  const variable = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';
  const known = ['cumulative', 'delta', 'lowmemory'];
  const value = env[variable]?.trim();
  if (value && !known.includes(value.toLowerCase())) throw unknown(variable, value, known);
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
  // Over gRPC it may be a mere `host:port`.
  if (protocol !== 'grpc') checkEndpoint(signal, env);
  return make();
}

/** The exporter would go on without a word, to where collectors usually are. An address may have a password in it. */
function checkEndpoint(signal: string, env: Environment): void {
  const variables = [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  const variable = variables.find((name) => env[name]?.trim());
  if (variable === undefined) return;
  const { protocol = '' } = URL.parse(env[variable]?.trim() ?? '') ?? {};
  if (!/^https?:$/.test(protocol)) throw problem(variable, 'it has to be an address: http://… or https://…');
}

function unknown(variable: string, value: string, expected: readonly string[]): ConfigError {
  return problem(variable, `'${value}' is not known; expected one of ${expected.join(', ')}`);
}

function problem(variable: string, text: string): ConfigError {
  return new ConfigError([{ source: variable, offset: -1, text }]);
}
