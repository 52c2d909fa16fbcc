import type { Row } from './layout.ts';

/** What a key on the waterfall asks for. */
export type WaterfallAction =
  | { readonly name: 'choose' | 'toggle' | 'open' | 'zoom'; readonly row: Row }
  | { readonly name: 'reset' };

/**
 * As tree grids have it: up and down choose; left closes, or goes to what is above; right opens, or goes to the first
 * below. Enter opens the details, z looks closer, Escape shows all of the time. `chosen`: -1 where no row is.
 * https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/
 */
export function actionOf(
  key: string,
  rows: readonly Row[],
  chosen: number,
  page: number,
): WaterfallAction | undefined {
  if (key === 'Escape') return { name: 'reset' };
  const to = destination(key, chosen, rows.length, page);
  if (to !== undefined) return choice(rows[Math.min(rows.length - 1, Math.max(0, to))]);
  const row = rows[chosen];
  if (!row) return undefined;
  if (key === 'Enter') return { name: 'open', row };
  if (key === 'z') return { name: 'zoom', row };
  if (key === 'ArrowLeft') {
    if (row.isExpanded) return { name: 'toggle', row };
    return choice(rows.find(({ node }) => node.span.spanId === row.parentId));
  }
  if (key === 'ArrowRight') {
    if (row.node.children.length === 0) return undefined;
    return row.isExpanded ? choice(rows[chosen + 1]) : { name: 'toggle', row };
  }
  return undefined;
}

function destination(key: string, chosen: number, count: number, page: number): number | undefined {
  if (key === 'ArrowDown') return chosen + 1;
  if (key === 'ArrowUp') return chosen < 0 ? count - 1 : chosen - 1;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  if (key === 'PageDown') return chosen + page;
  if (key === 'PageUp') return chosen - page;
  return undefined;
}

function choice(row: Row | undefined): WaterfallAction | undefined {
  return row && { name: 'choose', row };
}
