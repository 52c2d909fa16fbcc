import type { CollectionResult, MetricCollectOptions } from '@opentelemetry/sdk-metrics';
import { describeError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Logger } from '../log.ts';
import { type Moment, makeSnapshot } from './make-snapshot.ts';
import type { PluginFigures } from './plugin-figures.ts';
import type { ProcessFigures } from './process-figures.ts';
import { type Reading, readTraffic } from './reading.ts';
import { Readings } from './readings.ts';
import type { Snapshot } from './snapshot.ts';
import type { UpstreamFigures } from './upstream-figures.ts';

/** Times in ms. */
export interface CollectorClock {
  /** Since the epoch; it may be set. */
  now(): number;
  /** Never set. */
  steady(): number;
}

export interface MetricsCollectorOptions {
  readonly limits: Pick<Limits, 'snapshotIntervalMs' | 'snapshotsMax'>;
  /** The longest window that `over` is asked for. Default 0: none. */
  readonly windowMaxMs?: number;
  /** The points that `/metrics` shows. */
  readonly metrics: { collect(options?: MetricCollectOptions): Promise<CollectionResult> };
  readonly process: Pick<ProcessFigures, 'start' | 'stop' | 'look'>;
  /** Requests and turns in flight. */
  readonly inFlight: () => number;
  readonly plugins: Pick<PluginFigures, 'look'>;
  readonly upstreams: Pick<UpstreamFigures, 'ask' | 'look'>;
  readonly log: Logger;
  readonly clock?: CollectorClock;
}

const systemClock: CollectorClock = { now: () => Date.now(), steady: () => performance.now() };

/**
 * Looks at the service's own figures at every interval: two looks make a snapshot. Its figures of traffic are
 * differences of the sums that `/metrics` shows, so that the process and Prometheus tell the same.
 */
export class MetricsCollector {
  readonly #options: MetricsCollectorOptions;
  readonly #clock: CollectorClock;
  readonly #readings: Readings;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #snapshots: readonly Snapshot[] = [];
  /** Of the newest reading. */
  #moment: Moment | undefined;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<Snapshot | undefined> | undefined;
  #waiting: Promise<Snapshot | undefined> | undefined;
  #isFailing = false;

  constructor(options: MetricsCollectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#readings = new Readings(options.windowMaxMs ?? 0);
  }

  /**
   * The first look is now; the first snapshot, and the first question to the upstreams, one interval later.
   * Idempotent; keeps no process alive.
   */
  start(): void {
    if (this.#timer) return;
    this.#options.process.start();
    this.#timer = setInterval(() => this.#tick(), this.#options.limits.snapshotIntervalMs).unref();
    void this.look();
  }

  /** What was collected stays. Idempotent, safe before `start`. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.process.stop();
  }

  /**
   * One look, after the one that may be under way. Resolves with the snapshot since the look before; with none
   * after the first look, and where it failed, which is logged. Never rejects.
   */
  look(): Promise<Snapshot | undefined> {
    // Whoever asks while one waits gets that one: it has not seen anything yet.
    this.#waiting ??= this.#underWay?.then(() => {
      this.#waiting = undefined;
      return this.#begin();
    });
    return this.#waiting ?? this.#begin();
  }

  /** Oldest first. */
  get snapshots(): readonly Snapshot[] {
    return this.#snapshots;
  }

  /** Those after this moment, ms since the epoch; oldest first. */
  since(at: number): readonly Snapshot[] {
    return this.#snapshots.filter((snapshot) => snapshot.at > at);
  }

  /**
   * The figures of so long a time, to the newest look; of what there is where that is less. Without a length those
   * since the look before. Undefined before there were two looks.
   */
  over(windowMs: number): Snapshot | undefined {
    const from = this.#readings.begin(windowMs);
    const to = this.#readings.newest;
    return from && to && this.#moment && makeSnapshot(from, to, this.#moment);
  }

  /** Calls back with each new snapshot. Returns the remover. */
  onSnapshot(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A look that takes longer than the interval is not joined by another. */
  #tick(): void {
    void this.#options.upstreams.ask();
    if (!this.#underWay && !this.#waiting) void this.#begin();
  }

  #begin(): Promise<Snapshot | undefined> {
    this.#underWay = this.#safely(() => this.#look()).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #safely(look: () => Promise<Snapshot | undefined>): Promise<Snapshot | undefined> {
    const { log } = this.#options;
    try {
      const snapshot = await look();
      if (this.#isFailing) log.info('the service can be looked at again');
      this.#isFailing = false;
      return snapshot;
    } catch (thrown) {
      if (!this.#isFailing) log.error(describeError(thrown), 'no snapshot: a look at the service failed');
      this.#isFailing = true;
      return undefined;
    }
  }

  async #look(): Promise<Snapshot | undefined> {
    const { limits, metrics, process, inFlight, plugins, upstreams } = this.#options;
    // First the process: its gauges show what this look finds.
    const look = await process.look();
    const before = this.#readings.newest;
    // The first look need not ask: all sums begin with the process, at 0. An instrument of a plugin that gives no
    // answer is not waited for.
    const points = before && (await metrics.collect({ timeoutMillis: limits.snapshotIntervalMs }));
    // The id of its snapshot, too: so it rises, also where the clock is set back.
    const at = Math.max(this.#clock.now(), (before?.at ?? 0) + 1);
    const reading: Reading = {
      at,
      steadyMs: this.#clock.steady(),
      traffic: points && readTraffic(points.resourceMetrics),
      process: look,
    };
    this.#moment = {
      process: look,
      inFlight: inFlight(),
      plugins: plugins.look(),
      upstreams: upstreams.look(at),
    };
    this.#readings.add(reading);
    return before && this.#keep(makeSnapshot(before, reading, this.#moment));
  }

  #keep(snapshot: Snapshot): Snapshot {
    const { limits, log } = this.#options;
    this.#snapshots = [...this.#snapshots, snapshot].slice(-limits.snapshotsMax);
    for (const listener of this.#listeners) {
      try {
        listener(snapshot);
      } catch (thrown) {
        log.error(describeError(thrown), 'a listener of snapshots failed');
      }
    }
    return snapshot;
  }
}
