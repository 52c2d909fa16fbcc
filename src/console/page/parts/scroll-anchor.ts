/** What one sees: the rows from the top. */
export interface Sight {
  readonly keys: readonly string[];
  /** Of the first of them. */
  readonly index: number;
}

/**
 * How many rows further down the first row that is still there has come; negative where it went up, undefined where
 * none of them is there any more.
 */
export function movedBy<Item>(
  { keys, index }: Sight,
  items: readonly Item[],
  keyOf: (item: Item) => string,
): number | undefined {
  for (const [position, key] of keys.entries()) {
    const found = indexOfKey(items, keyOf, key, index + position);
    if (found >= 0) return found - index - position;
  }
  return undefined;
}

/**
 * Where the row of this key is now. Rows come on top most of the time, so it is looked for from where it was; -1 where
 * it is gone.
 */
export function indexOfKey<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  key: string,
  from: number,
): number {
  const start = Math.min(Math.max(0, from), items.length);
  const isIt = (item: Item) => keyOf(item) === key;
  for (let index = start; index < items.length; index += 1) if (isIt(items[index] as Item)) return index;
  for (let index = start - 1; index >= 0; index -= 1) if (isIt(items[index] as Item)) return index;
  return -1;
}

/** First and last row (exclusive) to draw. */
export function windowOf({
  scrollTop,
  height,
  rowHeight,
  rows,
  overscan,
}: Readonly<Record<'scrollTop' | 'height' | 'rowHeight' | 'rows' | 'overscan', number>>): {
  readonly first: number;
  readonly end: number;
} {
  const first = Math.floor(scrollTop / rowHeight) - overscan;
  const end = Math.ceil((scrollTop + height) / rowHeight) + overscan;
  return { first: Math.min(Math.max(0, first), rows), end: Math.min(Math.max(0, end), rows) };
}

/** Where a key of the keyboard leads from a row; undefined where it leads nowhere. `index` -1: none is active yet. */
export function rowAfterKey(key: string, index: number, rows: number, page: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: rows - 1,
  };
  const target = steps[key];
  return target === undefined || rows === 0 ? undefined : Math.min(Math.max(0, target), rows - 1);
}
