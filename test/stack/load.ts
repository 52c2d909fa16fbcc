import { Tally } from '../../src/demo/tally.ts';
import { Traffic } from '../../src/demo/traffic.ts';
import type { Visit } from '../../src/demo/visit.ts';

/** Visits one after another at an even pace, until it is disposed of. */
export function startLoad(baseUrl: string, visits: Iterable<Visit>, perSecond: number) {
  const stop = new AbortController();
  const tally = new Tally();
  const traffic = new Traffic({
    baseUrl: new URL(baseUrl),
    visits,
    arrivals: evenly(perSecond),
    concurrencyMax: 100,
    tally,
    graceMs: 0,
  });
  const running = traffic.run(stop.signal);
  // Told when it is disposed of.
  running.catch(() => undefined);
  return {
    tally,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

function* evenly(perSecond: number): Generator<number, never> {
  for (let visit = 1; ; visit += 1) yield (visit * 1_000) / perSecond;
}
