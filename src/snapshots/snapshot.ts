import type { Outcome } from '../exchange/outcome.ts';

/**
 * The service's own figures over a stretch of time that ends at one moment: from one look to the next, or over the
 * window of a threshold. What the platform cannot tell, and what nothing was measured of, is absent, never zero.
 * Counts and percentiles are those that Prometheus has of the same time: percentiles by interpolation in the same
 * buckets. MB are 1,000,000 bytes.
 */
export interface Snapshot {
  /** End of the stretch, ms since the epoch. */
  readonly at: number;
  /** Its length, ms. */
  readonly durationMs: number;
  /** Requests and turns that ended. Absent, like all figures of traffic, where telemetry is disabled. */
  readonly exchanges?: number;
  /**
   * Those of them that failed: neither completed, nor left by the client, nor refused here, nor refused by the upstream
   * for a mistake of the client's (4xx but 408, 425 and 429).
   */
  readonly errors?: number;
  /** All exchanges, mistakes of clients too. */
  readonly outcomes?: Readonly<Partial<Record<Outcome, number>>>;
  /** Errors of all exchanges, 0 to 1. Absent where none ended. */
  readonly errorRatio?: number;
  /** At the end. */
  readonly inFlight: number;
  /** Of requests, to the end of the reply. Absent where none ended. */
  readonly responseMs?: {
    readonly count: number;
    readonly average: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  };
  /** From the attempt, or the turn, to the first event with output of the model. */
  readonly firstTokenMs?: { readonly count: number; readonly p50: number; readonly p95: number };
  /** As upstreams reported them; absent until one did. */
  readonly tokens?: { readonly input: number; readonly output: number; readonly perMinute: number };
  /** At the end. */
  readonly memory: { readonly rssMb: number; readonly heapMb: number };
  readonly cpu?: {
    /** Of one core; above 100 where several threads are busy. */
    readonly processPercent: number;
    /** Of what the cgroup allows; absent where it allows everything. */
    readonly sharePercent?: number;
    /** Of what one event loop can have: a core, or the cgroup's share where that is less. */
    readonly capacityPercent: number;
  };
  readonly eventLoop?: {
    /** Between the last two looks, whatever the stretch: percentiles cannot be added up. */
    readonly delayP99Ms: number;
    /** 0 to 1. */
    readonly utilization: number;
  };
  /** Items of telemetry that were lost on their way to somebody who waits for them. */
  readonly telemetryDropped?: number;
  /** At the end. */
  readonly plugins: {
    readonly byState: Readonly<Record<string, number>>;
    /** Plugins whose newest version cannot be used, by name (by file where it has none): always 1. */
    readonly rejected: Readonly<Record<string, number>>;
    /** Breakers that are open or half open, by plugin. */
    readonly breakersOpen: Readonly<Record<string, number>>;
  };
  /** At the end, by name. */
  readonly upstreams: Readonly<
    Record<
      string,
      {
        /** 1 where the last probe got an answer, 0 where not; absent where it is not probed. */
        readonly up?: number;
        /** Until its TLS certificate ends. */
        readonly certificateDays?: number;
      }
    >
  >;
}

/** One figure of a snapshot, and whose it is where the path has a `*`. */
export interface Figure {
  /** What stood for `*`: the name of an upstream or a plugin. */
  readonly of: string | undefined;
  readonly value: number;
}

/** The figures at a path such as `memory.rssMb`, `outcomes.upstream_truncated` or `upstreams.*.up`; none where absent. */
export function figuresAt(snapshot: Snapshot, path: string): Figure[] {
  return find(snapshot, path.split('.'), undefined);
}

function find(node: unknown, [key, ...rest]: readonly string[], of: string | undefined): Figure[] {
  if (key === undefined) return typeof node === 'number' ? [{ of, value: node }] : [];
  if (typeof node !== 'object' || node === null) return [];
  if (key === '*') return Object.entries(node).flatMap(([name, child]) => find(child, rest, name));
  return Object.hasOwn(node, key) ? find((node as Record<string, unknown>)[key], rest, of) : [];
}
