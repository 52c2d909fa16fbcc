import { type Random, randomOf } from '../simulator/text.ts';

export { type Random, randomOf };

/** Something that happens so much more often than another. */
export interface Weighted {
  readonly weight: number;
}

export function pickWeighted<Row extends Weighted>(
  random: Random,
  rows: readonly [Row, ...(readonly Row[])],
): Row {
  let left = random() * rows.reduce((sum, { weight }) => sum + weight, 0);
  for (const row of rows) {
    left -= row.weight;
    if (left < 0) return row;
  }
  return rows[0];
}

export function pickOne<T>(random: Random, items: readonly [T, ...(readonly T[])]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

/** A whole number from `min` to `max`, both included. */
export function wholeBetween(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}
