import type { Counter, Meter, MeterProvider } from '@opentelemetry/api';
import { attribute } from '../names.ts';

/** What can be lost, and why. Each pair is a series of `sightline.telemetry.dropped`. */
export const losses = [
  ['spans', 'export'],
  ['spans', 'queue_full'],
  // Without a collector, on a laptop for instance, traces are looked at where they were made.
  ['spans', 'no_collector'],
  ['logs', 'export'],
  ['logs', 'queue_full'],
  ['logs', 'stdout'],
  ['metrics', 'export'],
  ['chunk_times', 'bound'],
  ['middleware_runs', 'bound'],
  ['turns', 'bound'],
] as const;

export type Loss = (typeof losses)[number];

/**
 * Why telemetry is lost that somebody waits for. The other reasons are as it was meant to be: bounds, and a collector
 * that nobody has set up.
 */
export const faultyReasons: readonly Loss[1][] = ['export', 'queue_full', 'stdout'];

/**
 * Counts the telemetry that is lost on its way out, in one metric with what bounds have cost before, which is counted
 * where the bounds are.
 */
export class Losses {
  readonly #counter: Counter;

  constructor(counter: Counter) {
    this.#counter = counter;
    // A series that is born with its first loss has no increase that Prometheus could see.
    for (const loss of losses) this.add(loss, 0);
  }

  add([signal, reason]: Loss, count: number): void {
    this.#counter.add(count, { [attribute.signal]: signal, [attribute.reason]: reason });
  }
}

/** Where batch processors of the SDK count what went through them, and what their queue had no room for. */
const processed = new Set(['otel.sdk.processor.span.processed', 'otel.sdk.processor.log.processed']);

/**
 * For the `selfObsMeterProvider` of a batch processor, which has no other way to tell that its queue was full: passes
 * all that it measures on, and tells of those.
 */
export function watchQueue(provider: MeterProvider, dropped: (count: number) => void): MeterProvider {
  return {
    getMeter(...of) {
      const meter = provider.getMeter(...of);
      const createCounter: Meter['createCounter'] = (name, options) => {
        const counter = meter.createCounter(name, options);
        if (!processed.has(name)) return counter;
        return {
          add(count, attributes, context) {
            if (attributes?.['error.type'] === 'queue_full') dropped(count);
            counter.add(count, attributes, context);
          },
        };
      };
      return Object.assign(Object.create(meter), { createCounter }) as Meter;
    },
  };
}
