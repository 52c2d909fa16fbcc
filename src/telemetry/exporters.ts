import { ExportResultCode } from '@opentelemetry/core';
import {
  ConsoleMetricExporter,
  type MetricProducer,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { ConfigError } from '../config/problems.ts';

type Environment = Readonly<Record<string, string | undefined>>;

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

/**
 * The exporters that `OTEL_TRACES_EXPORTER` names: `otlp` (the default), `console`, `none`, or several. Rejects with a
 * `ConfigError` that names what is not known.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function spanExporters(env: Environment): Promise<{ name: string; exporter: SpanExporter }[]> {
  const made = [];
  for (const name of names('OTEL_TRACES_EXPORTER', env, 'otlp')) {
    if (name === 'console') made.push({ name, exporter: new ConsoleSpanExporter() });
    else made.push({ name, exporter: await byProtocol('TRACES', env, traceExporters) });
  }
  return made;
}

/** The push exporters that `OTEL_METRICS_EXPORTER` names. None by default: `/metrics` is always there. */
export async function metricReaders(
  env: Environment,
  metricProducers: MetricProducer[] = [],
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
        metricProducers,
      }),
    );
  }
  return readers;
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
  signal: 'TRACES' | 'METRICS',
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

/** What became of the spans that an exporter was given. */
export interface ExportHealth {
  readonly exporter: string;
  readonly state: 'unknown' | 'ok' | 'failing';
  readonly exportedSpans: number;
  readonly lostSpans: number;
  readonly lastError: string | undefined;
}

/** An exporter whose success is counted, and told when it turns. */
export class WatchedExporter implements SpanExporter {
  readonly #name: string;
  readonly #exporter: SpanExporter;
  readonly #onLost: (spans: number) => void;
  readonly #onTurn: (health: ExportHealth) => void;
  #state: ExportHealth['state'] = 'unknown';
  #exportedSpans = 0;
  #lostSpans = 0;
  #lastError: string | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(
    name: string,
    exporter: SpanExporter,
    on: { lost: (spans: number) => void; turn: (health: ExportHealth) => void },
  ) {
    this.#name = name;
    this.#exporter = exporter;
    this.#onLost = on.lost;
    this.#onTurn = on.turn;
  }

  get health(): ExportHealth {
    return {
      exporter: this.#name,
      state: this.#state,
      exportedSpans: this.#exportedSpans,
      lostSpans: this.#lostSpans,
      lastError: this.#lastError,
    };
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.add(promise);
    this.#exporter.export(spans, (result) => {
      this.#underWay.delete(promise);
      resolve();
      if (result.code === ExportResultCode.SUCCESS) {
        this.#exportedSpans += spans.length;
        this.#turn('ok', undefined);
      } else {
        this.#lostSpans += spans.length;
        this.#onLost(spans.length);
        this.#turn('failing', result.error?.message ?? 'export failed');
      }
      done(result);
    });
  }

  /**
   * Resolves when no export is under way. At its shutdown the processor waits for the others no longer when
   * one batch has failed.
   */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #turn(state: 'ok' | 'failing', error: string | undefined): void {
    const hasTurned = this.#state !== state;
    this.#state = state;
    this.#lastError = error;
    if (hasTurned) this.#onTurn(this.health);
  }
}
