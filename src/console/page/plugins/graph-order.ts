import type { Cell } from './graph-columns.ts';

type Column = readonly Cell[];

const sweeps = 12;

/**
 * The same columns, ordered so that few edges cross: each cell goes to the middle of its neighbours, column by column,
 * forth and back. Of all orders that this came through, the first with the fewest crossings.
 */
export function withFewCrossings(columns: readonly Column[]): readonly Column[] {
  let best = columns;
  let fewest = crossingsOf(columns);
  let current = columns;
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep += 1) {
    current = sweep % 2 === 0 ? swept(current, 'left') : swept(current.toReversed(), 'right').toReversed();
    const crossings = crossingsOf(current);
    if (crossings >= fewest) continue;
    best = current;
    fewest = crossings;
  }
  return best;
}

/** How often edges cross between two columns, over all of them. */
export function crossingsOf(columns: readonly Column[]): number {
  let crossings = 0;
  for (const [i, column] of columns.entries()) {
    const rankOf = ranksOf(columns[i + 1] ?? []);
    // Ends of the edges, by their beginnings: each pair in the wrong order is a crossing.
    const ends = column.flatMap((cell) =>
      cell.right.map((next) => rankOf.get(next) ?? 0).sort((a, b) => a - b),
    );
    for (const [j, end] of ends.entries())
      for (let k = 0; k < j; k += 1) if ((ends[k] ?? 0) > end) crossings += 1;
  }
  return crossings;
}

/** Each column by what is in the one before it. */
function swept(columns: readonly Column[], side: 'left' | 'right'): readonly Column[] {
  const done: Column[] = [];
  for (const column of columns) {
    const rankOf = ranksOf(done.at(-1) ?? []);
    const own = ranksOf(column);
    const wanted = new Map(
      column.map((cell) => {
        const ranks = cell[side].map((neighbour) => rankOf.get(neighbour) ?? 0);
        const sum = ranks.reduce((total, rank) => total + rank, 0);
        return [cell, ranks.length > 0 ? sum / ranks.length : (own.get(cell) ?? 0)];
      }),
    );
    done.push(column.toSorted((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0)));
  }
  return done;
}

function ranksOf(column: Column): ReadonlyMap<Cell, number> {
  return new Map(column.map((cell, rank) => [cell, rank]));
}
