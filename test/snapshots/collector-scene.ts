import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import pino from 'pino';
import { defaultLimits } from '../../src/limits.ts';
import { MetricsCollector, type MetricsCollectorOptions } from '../../src/snapshots/metrics-collector.ts';
import type { ProcessLook } from '../../src/snapshots/process-figures.ts';
import { createInstruments } from '../../src/telemetry/metrics/instruments.ts';
import { RecordedMetrics } from '../../src/telemetry/metrics/recorded-metrics.ts';
import { scope } from '../../src/telemetry/names.ts';

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export const idle: ProcessLook = {
  cpuSeconds: 0,
  loop: { busyMs: 0, idleMs: 0 },
  delayP99Seconds: 0,
  rssBytes: 100e6,
  heapBytes: 50e6,
  cpuLimit: undefined,
};

/** A collector with real instruments, in a time and a process of the test's making. */
export class CollectorScene {
  /** Since the beginning, ms. */
  nowMs = 0;
  process: ProcessLook = idle;
  inFlight = 0;
  asked = 0;
  readonly logged: { readonly level: number; readonly msg: string }[] = [];
  readonly recorded = new RecordedMetrics(scope, defaultLimits.seriesMax);
  readonly reader = new Reader({ metricProducers: [this.recorded.producer()] });
  readonly provider = new MeterProvider({ readers: [this.reader] });
  readonly instruments = createInstruments(this.provider.getMeter(scope.name, scope.version), this.recorded);
  readonly collector: MetricsCollector;

  constructor(options: Partial<MetricsCollectorOptions> = {}) {
    this.collector = new MetricsCollector({
      limits: defaultLimits,
      windowMaxMs: 3_600_000,
      metrics: this.reader,
      process: { start: () => undefined, stop: () => undefined, look: async () => this.process },
      inFlight: () => this.inFlight,
      plugins: { look: () => ({ byState: {}, rejected: {}, breakersOpen: {} }) },
      upstreams: {
        ask: async () => {
          this.asked += 1;
        },
        look: () => ({}),
      },
      log: pino({ level: 'info' }, { write: (line: string) => this.logged.push(JSON.parse(line)) }),
      clock: { now: () => beginning + this.nowMs, steady: () => 1_000 + this.nowMs },
      ...options,
    });
  }

  /** The next look, so much later. */
  after(ms: number) {
    this.nowMs += ms;
    return this.collector.look();
  }
}

export const beginning = Date.UTC(2026, 10, 23);
