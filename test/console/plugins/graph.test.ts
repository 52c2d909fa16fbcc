import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type GraphLayout,
  graphSizes,
  layOutGraph,
  pathOf,
} from '../../../src/console/page/plugins/graph.ts';
import { columnsOf, type Edge } from '../../../src/console/page/plugins/graph-columns.ts';
import { crossingsOf, withFewCrossings } from '../../../src/console/page/plugins/graph-order.ts';
import { nearestRising } from '../../../src/console/page/plugins/graph-places.ts';

const { nodeWidth, nodeHeight, gapX } = graphSizes;

/** `cost-meter → tenant`, a line each. */
function edgesOf(...lines: string[]): Edge[] {
  return lines.map((line) => {
    const [from = '', to = ''] = line.split(' → ');
    return { from, to };
  });
}

function layOut(edges: readonly Edge[]): GraphLayout<Edge> {
  return layOutGraph(new Set(edges.flatMap(({ from, to }) => [from, to])), edges);
}

/** Node by node, from left to right, the columns by the place where they begin. */
function columnsIn({ nodes }: GraphLayout<Edge>): string[][] {
  const columns = Map.groupBy(
    nodes.toSorted((a, b) => a.y - b.y),
    ({ x }) => x,
  );
  return [...columns].toSorted(([a], [b]) => a - b).map(([, column]) => column.map(({ id }) => id));
}

/** The same numbers for the same seed (mulberry32). */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Edges lead from higher numbers to lower ones: no circle. */
function randomEdges(chance: () => number): Edge[] {
  const size = 2 + Math.floor(chance() * 24);
  const density = chance() * 0.3;
  const edges: Edge[] = [];
  for (let from = 1; from < size; from += 1)
    for (let to = 0; to < from; to += 1)
      if (chance() < density) edges.push({ from: `plugin-${from}`, to: `plugin-${to}` });
  return edges;
}

function assertNoOverlap({ nodes, width, height }: GraphLayout<Edge>): void {
  for (const [i, one] of nodes.entries()) {
    assert.ok(one.x >= 0 && one.x + nodeWidth <= width, `${one.id} is within the width`);
    assert.ok(one.y >= 0 && one.y + nodeHeight <= height, `${one.id} is within the height`);
    for (const other of nodes.slice(i + 1))
      assert.ok(
        Math.abs(one.x - other.x) >= nodeWidth || Math.abs(one.y - other.y) >= nodeHeight,
        `${one.id} and ${other.id} overlap`,
      );
  }
}

/** A line is level within a column, in a lane of its own, and bends between two columns alone. */
function assertNoLineThroughNodes({ nodes, edges }: GraphLayout<Edge>): void {
  for (const { edge, points } of edges)
    for (const [i, { x, y }] of points.slice(1).entries()) {
      const before = points[i];
      assert.ok(before);
      const name = `${edge.from} → ${edge.to}`;
      const width = Math.abs(x - before.x);
      if (width === gapX) continue;
      assert.equal(width, nodeWidth, `${name} bends between two columns`);
      assert.equal(y, before.y, `${name} is level in a column`);
      const left = Math.min(x, before.x);
      const hit = nodes.find((node) => node.x === left && y > node.y && y < node.y + nodeHeight);
      assert.equal(hit, undefined, `${name} runs through ${hit?.id}`);
    }
}

describe('the layout of the dependency graph', () => {
  it('puts everybody left of all that they need, by the longest way', () => {
    const layout = layOut(edgesOf('report → cost', 'cost → tenant', 'report → tenant', 'guard → tenant'));
    assert.deepEqual(columnsIn(layout), [['report'], ['cost', 'guard'].toSorted(), ['tenant']]);
  });

  it('draws the same graph the same way, in whatever order it is given', () => {
    const edges = edgesOf('a → d', 'b → c', 'b → e', 'a → e', 'c → f', 'd → f');
    assert.deepEqual(layOut(edges.toReversed()).nodes, layOut(edges).nodes);
  });

  it('takes crossings out that need not be', () => {
    const { columns } = columnsOf('abcdef', edgesOf('a → f', 'b → e', 'c → d'));
    assert.equal(crossingsOf(columns), 3);
    assert.equal(crossingsOf(withFewCrossings(columns)), 0);
  });

  it('draws a straight line where one needs one', () => {
    const [edge] = layOut(edgesOf('cost-meter → tenant')).edges;
    assert.equal(pathOf(edge?.points ?? []), `M${10 + nodeWidth} 33H${10 + nodeWidth + 64}`);
  });

  it('stands a node in the middle of those that need it', () => {
    const { nodes } = layOut(edgesOf('a → tenant', 'b → tenant', 'c → tenant'));
    const yOf = (id: string) => nodes.find((node) => node.id === id)?.y;
    assert.equal(yOf('tenant'), yOf('b'));
  });

  it('survives a circle: one edge of it runs back', () => {
    const layout = layOut(edgesOf('a → b', 'b → c', 'c → a'));
    assert.deepEqual(columnsIn(layout), [['a'], ['b'], ['c']]);
    assert.deepEqual(
      layout.edges.filter(({ isBack }) => isBack).map(({ edge }) => edge),
      [{ from: 'c', to: 'a' }],
    );
    assertNoLineThroughNodes(layout);
  });

  it('leaves out what leads to nobody, or to itself', () => {
    const layout = layOutGraph(['a', 'b'], edgesOf('a → b', 'a → a', 'b → gone'));
    assert.deepEqual(
      layout.edges.map(({ edge }) => edge),
      [{ from: 'a', to: 'b' }],
    );
  });

  it('of nothing is nothing', () => {
    assert.deepEqual(layOutGraph([], []), { width: 0, height: 0, nodes: [], edges: [] });
  });

  it('keeps nodes apart and edges in one direction, whatever the graph', () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const edges = randomEdges(chanceOf(seed));
      if (edges.length === 0) continue;
      const layout = layOut(edges);
      assertNoOverlap(layout);
      assertNoLineThroughNodes(layout);
      assert.equal(layout.edges.length, edges.length);
      for (const { edge, isBack, points } of layout.edges) {
        const name = `${edge.from} → ${edge.to} of graph ${seed}`;
        assert.equal(isBack, false, name);
        for (const [i, { x }] of points.entries())
          assert.ok(i === 0 || x > (points[i - 1]?.x ?? 0), `${name} runs to the right`);
      }
    }
  });

  it('never has more crossings than the order of names', () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const edges = randomEdges(chanceOf(seed));
      const { columns } = columnsOf(
        edges.flatMap(({ from, to }) => [from, to]),
        edges,
      );
      assert.ok(crossingsOf(withFewCrossings(columns)) <= crossingsOf(columns));
    }
  });
});

describe('the nearest numbers that never fall', () => {
  it('are the numbers themselves where they rise', () =>
    assert.deepEqual(nearestRising([1, 2, 5]), [1, 2, 5]));
  it('have the average where they fall', () =>
    assert.deepEqual(nearestRising([4, 2, 9, 6, 3]), [3, 3, 6, 6, 6]));
});
