import type { Reading } from './reading.ts';

/** Two readings may lie so far apart, as a part of their age: windows begin where they are asked to, within 1 %. */
const coarseness = 0.01;

/**
 * The readings of the past, as far back as windows reach. The older they are, the further they lie apart: so hours
 * of them are some hundred, whatever the interval.
 */
export class Readings {
  readonly #windowMaxMs: number;
  #all: readonly Reading[] = [];

  constructor(windowMaxMs: number) {
    this.#windowMaxMs = windowMaxMs;
  }

  get size(): number {
    return this.#all.length;
  }

  get newest(): Reading | undefined {
    return this.#all.at(-1);
  }

  add(reading: Reading): void {
    const ageOf = (one: Reading | undefined) => reading.steadyMs - (one?.steadyMs ?? 0);
    const kept: Reading[] = [];
    this.#all.forEach((one, i) => {
      const [before, after] = [kept.at(-1), this.#all[i + 1]];
      // The longest window begins with the last one that is beyond it.
      const isBeyond = after !== undefined && ageOf(after) >= this.#windowMaxMs;
      const isDense = before && after && after.steadyMs - before.steadyMs <= coarseness * ageOf(one);
      if (!isBeyond && !isDense) kept.push(one);
    });
    this.#all = [...kept, reading];
  }

  /** Where the window that ends with the newest begins: the nearest that there is, but for the newest itself. */
  begin(windowMs: number): Reading | undefined {
    const wanted = (this.newest?.steadyMs ?? 0) - windowMs;
    const distance = (one: Reading) => Math.abs(one.steadyMs - wanted);
    let best: Reading | undefined;
    for (const one of this.#all.slice(0, -1)) if (!best || distance(one) <= distance(best)) best = one;
    return best;
  }
}
