import type { Worker } from 'node:worker_threads';

const MiB = 1024 * 1024;

/**
 * What V8 is told is far above what a plugin may have: an allocation that goes beyond V8's limit by more than
 * 16 MiB ends the whole process, and every array that grows makes such ones. This is room for the largest
 * that there are. It is an end that is never reached, not memory that is set aside.
 */
const headroomMiB = 2_048;

/** How often a thread's memory is looked at: it can take about 100 MiB meanwhile. A look costs some 10 µs. */
const lookMs = 100;

/** A thread that uses too much is asked to collect its garbage first; one that does not get to it in time ends. */
const collectTimeoutMs = 500;

export function resourceLimitsFor(bytesMax: number) {
  return { maxOldGenerationSizeMb: Math.ceil(bytesMax / MiB) + headroomMiB };
}

interface MemoryWatchOptions {
  readonly bytesMax: number;
  /** Asks the thread to collect its garbage, and to tell by `collected` what is left. */
  readonly collect: () => void;
  readonly onExceeded: (reason: string) => void;
}

/** Watches what a thread has on its heap and in buffers, also while it runs without a pause. */
export class MemoryWatch {
  readonly #worker: Pick<Worker, 'getHeapStatistics'>;
  readonly #options: MemoryWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #askedAt: number | undefined;
  #isStopped = false;

  constructor(worker: Pick<Worker, 'getHeapStatistics'>, options: MemoryWatchOptions) {
    this.#worker = worker;
    this.#options = options;
    this.#lookSoon();
  }

  /** The thread has collected its garbage; so much is left. */
  collected(bytes: number): void {
    this.#askedAt = undefined;
    if (bytes > this.#options.bytesMax) this.#exceeded(bytes);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #lookSoon(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#look(), lookMs).unref();
  }

  async #look(): Promise<void> {
    try {
      const { used_heap_size, external_memory } = await this.#worker.getHeapStatistics();
      this.#judge(used_heap_size + external_memory, performance.now());
    } catch {
      // It has not begun yet, or it has ended.
    }
    this.#lookSoon();
  }

  #judge(bytes: number, now: number): void {
    const { bytesMax, collect } = this.#options;
    if (this.#isStopped) return;
    if (bytes <= bytesMax) this.#askedAt = undefined;
    else if (bytes > 2 * bytesMax) this.#exceeded(bytes);
    else if (this.#askedAt === undefined) {
      this.#askedAt = now;
      collect();
    } else if (now - this.#askedAt > collectTimeoutMs) this.#exceeded(bytes);
  }

  #exceeded(bytes: number): void {
    if (this.#isStopped) return;
    this.stop();
    const { bytesMax, onExceeded } = this.#options;
    onExceeded(
      `it uses ${Math.round(bytes / MiB)} MiB of memory, and ${Math.round(bytesMax / MiB)} are allowed`,
    );
  }
}
