import type { Cell } from './graph-columns.ts';

const rounds = 10;

/**
 * The height at which the middle of each cell stands, px: in the order of its column, so far from the next that they
 * do not touch, and otherwise as near to the middle of its neighbours as can be.
 */
export function centersOf(
  columns: readonly (readonly Cell[])[],
  heightOf: (cell: Cell) => number,
  gap: number,
): ReadonlyMap<Cell, number> {
  const centers = new Map<Cell, number>();
  // How far below the first of its column a cell stands where all of them touch.
  const offsets = new Map<Cell, number>();
  for (const column of columns) {
    let below = 0;
    for (const [i, cell] of column.entries()) {
      const before = column[i - 1];
      if (before) below += (heightOf(before) + heightOf(cell)) / 2 + gap;
      offsets.set(cell, below);
    }
    for (const cell of column) centers.set(cell, (offsets.get(cell) ?? 0) - below / 2);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const column of round % 2 === 0 ? columns : columns.toReversed()) {
      const wanted = column.map((cell) => middleOf(cell, centers) - (offsets.get(cell) ?? 0));
      for (const [i, place] of nearestRising(wanted).entries()) {
        const cell = column[i];
        if (cell) centers.set(cell, place + (offsets.get(cell) ?? 0));
      }
    }
  }
  return centers;
}

/** Where it would have to stand for its edges to be straight, on an average. */
function middleOf(cell: Cell, centers: ReadonlyMap<Cell, number>): number {
  const around = [...cell.left, ...cell.right].map((neighbour) => centers.get(neighbour) ?? 0);
  if (around.length === 0) return centers.get(cell) ?? 0;
  return around.reduce((sum, center) => sum + center, 0) / around.length;
}

/**
 * Numbers that never fall and are as near as can be to the given ones, by the squares of their distances: neighbours
 * in the wrong order get their average (https://en.wikipedia.org/wiki/Isotonic_regression).
 */
export function nearestRising(values: readonly number[]): number[] {
  const pools: { sum: number; size: number }[] = [];
  for (const value of values) {
    let pool = { sum: value, size: 1 };
    for (let before = pools.at(-1); before; before = pools.at(-1)) {
      if (before.sum / before.size <= pool.sum / pool.size) break;
      pools.pop();
      pool = { sum: before.sum + pool.sum, size: before.size + pool.size };
    }
    pools.push(pool);
  }
  return pools.flatMap(({ sum, size }) => Array<number>(size).fill(sum / size));
}
