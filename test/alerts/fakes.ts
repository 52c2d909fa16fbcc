import type { Measure, Threshold } from '../../src/alerts/threshold.ts';
import type { CollectorClock } from '../../src/snapshots/metrics-collector.ts';
import type { Snapshot } from '../../src/snapshots/snapshot.ts';

const measure: Measure = {
  expression: () => 'vector(0)',
  metrics: [],
  lowest: 0,
  highest: Number.POSITIVE_INFINITY,
  series: () => [],
};

export function threshold(values: Partial<Threshold> = {}): Threshold {
  return {
    id: 'error-ratio',
    title: 'Error ratio',
    field: 'errorRatio',
    measure,
    comparison: 'above',
    limit: 0.5,
    unit: '',
    windowMs: 60_000,
    holdMs: 0,
    keepMs: 0,
    severity: 'warning',
    summary: 'Too many requests fail.',
    action: 'Look at the upstreams.',
    ...values,
  };
}

export function snapshot(at: number, values: Partial<Snapshot> = {}): Snapshot {
  return {
    at,
    durationMs: 5_000,
    inFlight: 0,
    memory: { rssMb: 100, heapMb: 50 },
    plugins: { byState: {}, rejected: {}, breakersOpen: {} },
    upstreams: {},
    ...values,
  };
}

/** Shows what a test gives it. */
export class FakeCollector {
  #listener: ((snapshot: Snapshot) => void) | undefined;
  #newest: Snapshot | undefined;
  readonly windows: number[] = [];

  get isWatched(): boolean {
    return this.#listener !== undefined;
  }

  over(windowMs: number): Snapshot | undefined {
    this.windows.push(windowMs);
    return this.#newest;
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }

  /** The clocks of whoever evaluates: one that can be set, and one that cannot. */
  readonly clock = { now: () => this.#at, steady: () => this.#steadyMs } satisfies CollectorClock;
  #at = 0;
  #steadyMs = 0;

  show(at: number, values: Partial<Snapshot>, steadyMs = at): void {
    this.#at = at;
    this.#steadyMs = steadyMs;
    this.#newest = snapshot(at, values);
    this.#listener?.(this.#newest);
  }
}
