import type { Distribution, Family } from './families.ts';
import { boundText } from './numbers.ts';

/** One of the forms that a page can have. */
export interface PageFormat {
  readonly contentType: string;
  readonly hasExemplars: boolean;
  /** What no other family of the page may have as a name, or as that of a sample. */
  namesOf(family: Family): readonly string[];
  /** Names that are taken before any metric's. */
  readonly ownNames: readonly string[];
  /**
   * The page in its order, in texts of a few whole lines.
   *
   * @param target The labels of `target_info`: whose page it is.
   */
  texts(target: string, families: Iterable<Family>): Iterable<string>;
}

export function braced(labels: string): string {
  return labels && `{${labels}}`;
}

/**
 * The buckets of a histogram, each with all below it.
 *
 * @param tailOf What a line has after its count.
 */
export function bucketLines(
  name: string,
  labels: string,
  { buckets: { boundaries, counts } }: Distribution,
  tailOf: (bucket: number) => string = () => '',
): string {
  const begin = `${name}_bucket{${labels}${labels && ','}le="`;
  const bounds = boundsOf(boundaries);
  let below = 0;
  let lines = '';
  for (let bucket = 0; bucket < counts.length; bucket += 1) {
    below += counts[bucket] ?? 0;
    lines += `${begin}${bounds[bucket]}"} ${below}${tailOf(bucket)}\n`;
  }
  return lines;
}

/** Of each histogram the same for all of its series, and on each page. */
const boundTexts = new WeakMap<readonly number[], readonly string[]>();

function boundsOf(boundaries: readonly number[]): readonly string[] {
  let texts = boundTexts.get(boundaries);
  if (!texts) {
    texts = [...boundaries, Number.POSITIVE_INFINITY].map(boundText);
    boundTexts.set(boundaries, texts);
  }
  return texts;
}
