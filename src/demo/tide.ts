import { randomOf } from './chance.ts';

/** A day passes in ten minutes. */
export const dayMs = 600_000;

/** Where in the day it begins: in the morning, when traffic rises. */
const morning = 0.3;

/**
 * How much of the usual load there is so long after the beginning: 0.3 at night, 1.75 at its most, with a dip at
 * noon; 1 on average over a day.
 */
export function loadAt(elapsedMs: number): number {
  const hour = 2 * Math.PI * (morning + elapsedMs / dayMs);
  return 1 - 0.65 * Math.cos(hour) - 0.12 * Math.cos(4 * hour);
}

/** When visits come, ms after the beginning: by chance, as people do who know nothing of each other. */
export function* arrivals(seed: number, ratePerSecond: number): Generator<number, never> {
  const random = randomOf(`arrivals ${seed}`);
  let at = 0;
  for (;;) {
    const meanGapMs = 1_000 / (ratePerSecond * loadAt(at));
    at += -Math.log(1 - random()) * meanGapMs;
    yield at;
  }
}
