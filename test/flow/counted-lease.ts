import type { Lease } from '../../src/flow/lease.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';

/** Counts leases, and the callbacks that run while there is one. */
export class CountedLease implements Lease {
  acquired = 0;
  released = 0;
  /** What went wrong, in words. */
  readonly faults: string[] = [];
  /** Callbacks that have not answered. */
  readonly #running = new Set<{ readonly name: string; readonly lateAt: number }>();
  #whenEven: (() => void)[] = [];

  acquire(): void {
    this.acquired += 1;
  }

  release(): void {
    this.released += 1;
    if (this.released > this.acquired) this.faults.push('released more often than acquired');
    if (this.released < this.acquired) return;
    for (const { name, lateAt } of this.#running)
      if (performance.now() < lateAt) this.faults.push(`released while ${name} runs`);
    for (const resolve of this.#whenEven) resolve();
    this.#whenEven = [];
  }

  /** Resolves when every lease was given back. */
  even(): Promise<void> {
    if (this.acquired === this.released) return Promise.resolve();
    return new Promise((resolve) => this.#whenEven.push(resolve));
  }

  /** The same middleware; it is a fault where a callback begins or answers without a lease. */
  watch(middleware: Middleware, timeoutMs: number): Middleware {
    const watched: Record<string, unknown> = { name: middleware.name, onFailure: middleware.onFailure };
    for (const name of ['beforeQuery', 'onChunk', 'afterResponse', 'onError'] as const) {
      const callback = middleware[name] as ((...given: unknown[]) => unknown) | undefined;
      if (callback)
        watched[name] = (...given: unknown[]) => this.#run(name, timeoutMs, () => callback(...given));
    }
    return watched as unknown as Middleware;
  }

  #run(name: string, timeoutMs: number, callback: () => unknown): unknown {
    this.#check(`${name} began`);
    const answer = callback();
    if (!(answer instanceof Promise)) return answer;
    // By the clock: timers of different lengths do not always fire in order.
    const call = { name, lateAt: performance.now() + timeoutMs - 1 };
    this.#running.add(call);
    return answer.finally(() => {
      this.#running.delete(call);
      if (performance.now() < call.lateAt) this.#check(`${name} answered`);
    });
  }

  #check(what: string): void {
    if (this.released >= this.acquired) this.faults.push(`${what} without a lease`);
  }
}
