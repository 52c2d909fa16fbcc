import type { Histogram } from '@opentelemetry/sdk-metrics';
import type { Family } from './families.ts';
import { boundText } from './numbers.ts';

/** One of the forms that a page can have. */
export interface PageFormat {
  readonly contentType: string;
  readonly hasExemplars: boolean;
  /** What no other family of the page may have as a name, or as that of a sample. */
  namesOf(family: Family): readonly string[];
  /** Names that are taken before any metric's. */
  readonly ownNames: readonly string[];
  /** @param target The labels of `target_info`: whose page it is. */
  lines(target: string, families: Iterable<Family>): Iterable<string>;
}

export function braced(labels: string): string {
  return labels && `{${labels}}`;
}

/** The samples of a histogram: its buckets, each with all below it, then sum and count. */
export function* buckets(
  labels: string,
  { buckets: { boundaries, counts } }: Histogram,
): Generator<{ labels: string; count: number; index: number }> {
  let count = 0;
  for (let index = 0; index < counts.length; index += 1) {
    count += counts[index] ?? 0;
    const bound = boundText(boundaries[index] ?? Number.POSITIVE_INFINITY);
    yield { labels: `${labels}${labels && ','}le="${bound}"`, count, index };
  }
}
