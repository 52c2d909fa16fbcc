import type { Sample } from './page-under-load.ts';

export interface Flatness {
  readonly before: number;
  readonly after: number;
  /** `after` as a multiple of `before`. */
  readonly ratio: number;
}

/**
 * The least that was held on to in the second third of the samples, against that of the last third: the first third
 * fills what is bounded, and single samples catch work in the middle.
 */
export function flatness(
  samples: readonly Sample[],
  of: 'serviceBytes' | 'pageBytes' | 'pageNodes',
): Flatness {
  const third = Math.floor(samples.length / 3);
  const least = (part: readonly Sample[]) => Math.min(...part.map((sample) => sample[of]));
  const before = least(samples.slice(third, 2 * third));
  const after = least(samples.slice(-third));
  return { before, after, ratio: after / before };
}
