/** `from` needs `to`. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** A place in a column: a node's, or the lane of an edge that passes through. */
export interface Cell {
  /** Different for each, and the same for the same graph. */
  readonly key: string;
  /** None: a lane. */
  readonly node: string | undefined;
  /** In the column to the left. */
  readonly left: Cell[];
  /** In the column to the right. */
  readonly right: Cell[];
}

/** The way of an edge, column by column, from left to right. */
export interface Route<E extends Edge> {
  readonly edge: E;
  /** It closes a circle: its `from` is at the right end. */
  readonly isBack: boolean;
  readonly cells: readonly Cell[];
}

export interface Columns<E extends Edge> {
  /** From left to right, each in order of name. */
  readonly columns: readonly (readonly Cell[])[];
  readonly routes: readonly Route<E>[];
}

/** Puts everybody left of all that they need, by the longest way; what needs nothing is in the last column. */
export function columnsOf<E extends Edge>(ids: Iterable<string>, edges: readonly E[]): Columns<E> {
  const names = [...new Set(ids)].sort();
  const known = new Set(names);
  const drawn = edges
    .filter(({ from, to }) => from !== to && known.has(from) && known.has(to))
    .sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to));
  const back = backEdges(names, drawn);
  // Turned round, an edge that closes a circle is one like the others.
  const ways = drawn.map((edge) => {
    const isBack = back.has(edge);
    return isBack ? { edge, isBack, from: edge.to, to: edge.from } : { edge, isBack, ...endsOf(edge) };
  });
  const heights = longestWays(names, ways);
  const last = Math.max(0, ...heights.values());
  const columnOf = (name: string) => last - (heights.get(name) ?? 0);

  const columns: Cell[][] = Array.from({ length: names.length === 0 ? 0 : last + 1 }, () => []);
  const cells = new Map<string, Cell>();
  for (const name of names) cells.set(name, add(columns, columnOf(name), name, name));
  const routes = ways.map(({ edge, isBack, from, to }, i) => {
    const route = [cells.get(from)];
    for (let column = columnOf(from) + 1; column < columnOf(to); column += 1)
      route.push(add(columns, column, `${from} ${to} ${i}`, undefined));
    route.push(cells.get(to));
    const known = route.filter((cell) => cell !== undefined);
    join(known);
    return { edge, isBack, cells: known };
  });
  return { columns, routes };
}

function endsOf({ from, to }: Edge): Edge {
  return { from, to };
}

function add(columns: readonly Cell[][], column: number, key: string, node: string | undefined): Cell {
  const cell: Cell = { key, node, left: [], right: [] };
  columns[column]?.push(cell);
  return cell;
}

function join(route: readonly Cell[]): void {
  for (const [i, cell] of route.entries()) {
    const next = route[i + 1];
    if (!next) return;
    cell.right.push(next);
    next.left.push(cell);
  }
}

/** Without them there is no circle. */
function backEdges<E extends Edge>(names: readonly string[], edges: readonly E[]): ReadonlySet<E> {
  const outgoing = Map.groupBy(edges, ({ from }) => from);
  const back = new Set<E>();
  const done = new Set<string>();
  const path = new Set<string>();
  const visit = (name: string): void => {
    path.add(name);
    for (const edge of outgoing.get(name) ?? []) {
      if (path.has(edge.to)) back.add(edge);
      else if (!done.has(edge.to)) visit(edge.to);
    }
    path.delete(name);
    done.add(name);
  };
  for (const name of names) if (!done.has(name)) visit(name);
  return back;
}

/** The number of edges on the longest way from each name to one that needs nothing. */
function longestWays(names: readonly string[], edges: readonly Edge[]): ReadonlyMap<string, number> {
  const outgoing = Map.groupBy(edges, ({ from }) => from);
  const heights = new Map<string, number>();
  const heightOf = (name: string): number => {
    const known = heights.get(name);
    if (known !== undefined) return known;
    const below = (outgoing.get(name) ?? []).map(({ to }) => heightOf(to));
    const height = below.length === 0 ? 0 : 1 + Math.max(...below);
    heights.set(name, height);
    return height;
  };
  for (const name of names) heightOf(name);
  return heights;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
