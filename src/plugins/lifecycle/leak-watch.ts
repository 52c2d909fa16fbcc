import { constants, PerformanceObserver } from 'node:perf_hooks';

/** A version that was let go of. */
export interface Retired {
  readonly plugin: string;
  readonly version: string;
}

interface Watched extends Retired {
  readonly life: WeakRef<object>;
  collections: number;
}

/** A collection that had begun before the version was let go of may still have seen it alive, and the one after it. */
const collectionsMax = 3;

/**
 * Finds versions of plugins that were unloaded and are still in memory after several full garbage
 * collections: a timer of `globalThis`, a listener on an object of the process, an entry in somebody's map
 * holds them. It looks only while there is something to look for.
 */
export class LeakWatch {
  readonly #onLeak: (leak: Retired) => void;
  #watched: Watched[] = [];
  #observer: PerformanceObserver | undefined;

  constructor(onLeak: (leak: Retired) => void) {
    this.#onLeak = onLeak;
  }

  /** Versions that were let go of and not collected yet. */
  get size(): number {
    return this.#watched.length;
  }

  watch({ plugin, version }: Retired, life: WeakRef<object>): void {
    this.#watched.push({ plugin, version, life, collections: 0 });
    this.#observer ??= this.#observe();
  }

  /** Idempotent. */
  stop(): void {
    this.#observer?.disconnect();
    this.#observer = undefined;
    this.#watched = [];
  }

  #observe(): PerformanceObserver {
    const observer = new PerformanceObserver((list) => {
      const isFull = list.getEntries().some((entry) => {
        const { kind } = (entry as unknown as { readonly detail: { readonly kind?: number } }).detail;
        return kind === constants.NODE_PERFORMANCE_GC_MAJOR;
      });
      if (isFull) this.#look();
    });
    observer.observe({ entryTypes: ['gc'] });
    return observer;
  }

  #look(): void {
    const leaks: Watched[] = [];
    this.#watched = this.#watched.filter((one) => {
      if (one.life.deref() === undefined) return false;
      one.collections += 1;
      if (one.collections < collectionsMax) return true;
      leaks.push(one);
      return false;
    });
    if (this.#watched.length === 0) this.stop();
    for (const { plugin, version } of leaks) this.#onLeak({ plugin, version });
  }
}
