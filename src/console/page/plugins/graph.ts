import { type Cell, columnsOf, type Edge } from './graph-columns.ts';
import { withFewCrossings } from './graph-order.ts';
import { centersOf } from './graph-places.ts';

/** Where everything of a graph stands, px. Edges run from left to right, from whoever needs to what is needed. */
export interface GraphLayout<E extends Edge> {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge<E>[];
}

export interface PlacedNode {
  readonly id: string;
  /** Of its upper left corner. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge<E extends Edge> {
  readonly edge: E;
  /** It closes a circle, and runs from right to left. */
  readonly isBack: boolean;
  /** From the side of `from` to the side of `to`; straight within a column, where the second of two has its `y`. */
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface GraphSizes {
  readonly nodeWidth: number;
  readonly nodeHeight: number;
  /** Between columns: room for the edges. */
  readonly gapX: number;
  readonly gapY: number;
  /** An edge that passes through a column takes so much of its height. */
  readonly laneHeight: number;
  readonly margin: number;
}

export const graphSizes: GraphSizes = {
  nodeWidth: 168,
  nodeHeight: 46,
  gapX: 64,
  gapY: 14,
  laneHeight: 6,
  margin: 10,
};

/**
 * Draws who needs whom in columns: what needs nothing stands at the right, everybody else left of all that they need.
 * An edge that passes a column has a lane of its own in it, so that no line runs through a node. The same graph
 * always looks the same, in whatever order it is given. (After Sugiyama, Tagawa and Toda, 1981.)
 *
 * Left out are edges from a node to itself, and to nodes that are not there.
 */
export function layOutGraph<E extends Edge>(
  ids: Iterable<string>,
  edges: readonly E[],
  sizes: GraphSizes = graphSizes,
): GraphLayout<E> {
  const { nodeWidth, nodeHeight, laneHeight, gapX, gapY, margin } = sizes;
  const { columns: unordered, routes } = columnsOf(ids, edges);
  const columns = withFewCrossings(unordered);
  const heightOf = (cell: Cell) => (cell.node === undefined ? laneHeight : nodeHeight);
  const centers = centersOf(columns, heightOf, gapY);

  const cells = columns.flat();
  const topOf = (cell: Cell) => (centers.get(cell) ?? 0) - heightOf(cell) / 2;
  const top = Math.min(...cells.map(topOf));
  const placed = new Map<Cell, Point>();
  for (const [i, column] of columns.entries())
    for (const cell of column)
      placed.set(cell, { x: margin + i * (nodeWidth + gapX), y: Math.round(topOf(cell) - top) + margin });

  const bottoms = cells.map((cell) => (placed.get(cell)?.y ?? 0) + heightOf(cell));
  const isEmpty = cells.length === 0;
  return {
    width: isEmpty ? 0 : 2 * margin + columns.length * nodeWidth + (columns.length - 1) * gapX,
    height: isEmpty ? 0 : Math.max(...bottoms) + margin,
    nodes: cells.flatMap((cell) => {
      const at = placed.get(cell);
      return cell.node !== undefined && at ? [{ id: cell.node, ...at }] : [];
    }),
    edges: routes.map(({ edge, isBack, cells: way }) => {
      const points = way.flatMap((cell, i) => {
        const { x, y } = placed.get(cell) ?? { x: 0, y: 0 };
        const middle = y + heightOf(cell) / 2;
        const [before, behind] = [
          { x, y: middle },
          { x: x + nodeWidth, y: middle },
        ];
        if (i === 0) return [behind];
        return i === way.length - 1 ? [before] : [before, behind];
      });
      return { edge, isBack, points: isBack ? points.reverse() : points };
    }),
  };
}

/** For `d` of an SVG path: a curve from column to column, level at both of its ends. */
export function pathOf([start, ...rest]: readonly Point[]): string {
  if (!start) return '';
  let from = start;
  let path = `M${start.x} ${start.y}`;
  for (const to of rest) {
    const half = (from.x + to.x) / 2;
    path += from.y === to.y ? `H${to.x}` : `C${half} ${from.y} ${half} ${to.y} ${to.x} ${to.y}`;
    from = to;
  }
  return path;
}
