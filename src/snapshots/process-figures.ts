import {
  constants,
  monitorEventLoopDelay,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import type { Instruments } from '../telemetry/metrics/instruments.ts';
import { attribute } from '../telemetry/names.ts';
import { cpuLimit } from './cpu-limit.ts';

/** How often the event loop is asked for its delay: 250 times between two snapshots, at next to no cost. */
const delayResolutionMs = 20;

/** What is known of the process at one look. */
export interface ProcessLook {
  /** Used since it began, all threads together. */
  readonly cpuSeconds: number;
  /** Time of the event loop since it began. */
  readonly loop: { readonly busyMs: number; readonly idleMs: number };
  /** How late its timers were since the last look, 99th percentile. Absent where none was due. */
  readonly delayP99Seconds: number | undefined;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** CPUs that the cgroup allows. Absent where it allows all. */
  readonly cpuLimit: number | undefined;
}

export type ProcessFiguresOptions = {
  readonly instruments: Pick<
    Instruments,
    | 'processMemory'
    | 'processCpuTime'
    | 'processCpuCapacity'
    | 'processCpuLimit'
    | 'processUptime'
    | 'heapUsed'
    | 'gcDuration'
    | 'eventLoopDelay'
    | 'eventLoopUtilization'
  >;
  /** Where `/proc` and `/sys` are. Default `/`. */
  readonly root?: string;
};

/**
 * The figures of this process, for snapshots and as metrics. Sums and sizes are read when metrics are collected;
 * what has a meaning only between two looks shows as the last look found it.
 */
export class ProcessFigures {
  readonly #root: string | undefined;
  readonly #delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  readonly #collections: PerformanceObserver;
  #loop = performance.eventLoopUtilization();
  #utilization: number | undefined;
  #last: ProcessLook | undefined;

  constructor({ instruments, root }: ProcessFiguresOptions) {
    this.#root = root;
    this.#collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const type = collectionTypes.get((entry as PerformanceEntry & GarbageCollection).detail.kind);
        if (type) instruments.gcDuration.record(entry.duration / 1000, { [attribute.v8jsGcType]: type });
      }
    });
    this.#observe(instruments);
  }

  /** Begins to watch the event loop and garbage collections. Neither keeps the process alive. Idempotent. */
  start(): void {
    this.#delay.enable();
    this.#collections.observe({ entryTypes: ['gc'] });
  }

  /** Idempotent, safe before `start`. */
  stop(): void {
    this.#delay.disable();
    this.#collections.disconnect();
  }

  async look(): Promise<ProcessLook> {
    // First of all: what it takes is time between this look and the next.
    const delayP99Seconds = this.#takeDelay();
    const loop = performance.eventLoopUtilization();
    this.#utilization = performance.eventLoopUtilization(loop, this.#loop).utilization;
    this.#loop = loop;
    const { user, system } = process.cpuUsage();
    this.#last = {
      cpuSeconds: (user + system) / 1e6,
      loop: { busyMs: loop.active, idleMs: loop.idle },
      delayP99Seconds,
      rssBytes: process.memoryUsage.rss(),
      heapBytes: getHeapSpaceStatistics().reduce((sum, { space_used_size }) => sum + space_used_size, 0),
      cpuLimit: await cpuLimit(this.#root),
    };
    return this.#last;
  }

  /** What it counts is from one tick of its timer to the next; whatever is more than the timer's own time is delay. */
  #takeDelay(): number | undefined {
    const p99Ms = this.#delay.count > 0 ? this.#delay.percentile(99) / 1e6 : undefined;
    this.#delay.reset();
    return p99Ms === undefined ? undefined : Math.max(0, p99Ms - delayResolutionMs) / 1000;
  }

  #observe(instruments: ProcessFiguresOptions['instruments']): void {
    instruments.processMemory.addCallback((result) => result.observe(process.memoryUsage.rss()));
    instruments.processUptime.addCallback((result) => result.observe(process.uptime()));
    instruments.processCpuTime.addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe(user / 1e6, { [attribute.cpuMode]: 'user' });
      result.observe(system / 1e6, { [attribute.cpuMode]: 'system' });
    });
    instruments.heapUsed.addCallback((result) => {
      for (const { space_name, space_used_size } of getHeapSpaceStatistics())
        result.observe(space_used_size, { [attribute.v8jsHeapSpaceName]: space_name });
    });
    instruments.processCpuCapacity.addCallback((result) => {
      if (this.#last) result.observe(cpuCapacity(this.#last));
    });
    instruments.processCpuLimit.addCallback((result) => {
      if (this.#last?.cpuLimit !== undefined) result.observe(this.#last.cpuLimit);
    });
    instruments.eventLoopDelay.addCallback((result) => {
      if (this.#last?.delayP99Seconds !== undefined) result.observe(this.#last.delayP99Seconds);
    });
    instruments.eventLoopUtilization.addCallback((result) => {
      if (this.#utilization !== undefined) result.observe(this.#utilization);
    });
  }
}

/** What an entry of the type `gc` has beside what all have. */
interface GarbageCollection {
  readonly detail: NodeGCPerformanceDetail;
}

/** CPUs that one event loop can have. */
export function cpuCapacity(look: ProcessLook): number {
  return Math.min(1, look.cpuLimit ?? 1);
}

/** Kinds of collections by their names in the conventions. 2 is V8's minor mark-sweep, which has no constant. */
const collectionTypes = new Map<number, string>([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [2, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);
