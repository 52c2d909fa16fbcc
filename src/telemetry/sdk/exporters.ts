import { ConsoleLogRecordExporter, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  ConsoleMetricExporter,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { ExporterChoice, OtlpProtocol } from './exporter-choice.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** An exporter by the name that a variable gave it. */
export interface NamedExporter<Exporter> {
  readonly name: string;
  readonly exporter: Exporter;
}

/** Each is loaded only where it is used. */
type ExporterTable<Exporter> = Readonly<Record<OtlpProtocol, () => Promise<Exporter>>>;

const traceExporters: ExporterTable<SpanExporter> = {
  'http/json': async () => new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter(),
};

const metricExporterTable: ExporterTable<PushMetricExporter> = {
  'http/json': async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter(),
};

const logRecordExporters: ExporterTable<LogRecordExporter> = {
  'http/json': async () => new (await import('@opentelemetry/exporter-logs-otlp-http')).OTLPLogExporter(),
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-logs-otlp-proto')).OTLPLogExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-logs-otlp-grpc')).OTLPLogExporter(),
};

export async function spanExporters(
  choices: readonly ExporterChoice[],
): Promise<NamedExporter<SpanExporter>[]> {
  return make(choices, () => new ConsoleSpanExporter(), traceExporters);
}

export async function logExporters(
  choices: readonly ExporterChoice[],
): Promise<NamedExporter<LogRecordExporter>[]> {
  return make(choices, () => new ConsoleLogRecordExporter(), logRecordExporters);
}

export async function metricExporters(
  choices: readonly ExporterChoice[],
): Promise<NamedExporter<PushMetricExporter>[]> {
  return make(choices, () => new ConsoleMetricExporter(), metricExporterTable);
}

function make<Exporter>(
  choices: readonly ExporterChoice[],
  onConsole: () => Exporter,
  byProtocol: ExporterTable<Exporter>,
): Promise<NamedExporter<Exporter>[]> {
  return Promise.all(
    choices.map(async (choice) => ({
      name: choice.name,
      exporter: choice.name === 'console' ? onConsole() : await byProtocol[choice.protocol](),
    })),
  );
}

/** As the reader asks it. */
export function temporalityOf(exporter: PushMetricExporter): AggregationTemporalitySelector {
  return (instrument) =>
    exporter.selectAggregationTemporality?.(instrument) ?? AggregationTemporality.CUMULATIVE;
}
