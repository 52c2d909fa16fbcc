import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TraceSpan } from '../../../src/admin/api/traces.ts';
import {
  ancestorsOf,
  endOf,
  type Row,
  rangeOf,
  rowsOf,
  type SpanNode,
  topsOf,
  treeOf,
  windowOf,
} from '../../../src/console/page/trace/layout.ts';
import { Random } from '../../support/random.ts';
import { chunks, running, span } from './spans.ts';

/** `a(b c)`: a span with two below it. */
function drawn(nodes: readonly SpanNode[]): string {
  return nodes
    .map(({ span: { spanId }, children, isOrphan }) => {
      const name = isOrphan ? `?${spanId}` : spanId;
      return children.length > 0 ? `${name}(${drawn(children)})` : name;
    })
    .join(' ');
}

const at = (spanId: string, parentSpanId: string | undefined, startMs: number, endMs = startMs + 10) =>
  span({ spanId, ...(parentSpanId !== undefined && { parentSpanId }), startMs, endMs });

const ids = (rows: readonly Row[]) => rows.map(({ node }) => node.span.spanId);

describe('the tree of a trace', () => {
  test('has each level in the order in which its spans began', () => {
    const spans = [at('late', 'root', 50), at('root', undefined, 0, 100), at('early', 'root', 10)];
    assert.equal(drawn(treeOf(spans)), 'root(early late)');
  });

  test('has of what began together the longer first', () => {
    const spans = [at('short', 'root', 5, 6), at('long', 'root', 5, 50), at('root', undefined, 0, 60)];
    assert.equal(drawn(treeOf(spans)), 'root(long short)');
  });

  test('has those whose parent is elsewhere, or not kept, at its top, and says so', () => {
    const spans = [at('server', 'of-the-client', 0), at('turn', 'dropped', 20), at('below', 'turn', 21)];
    assert.equal(drawn(treeOf(spans)), '?server ?turn(below)');
  });

  test('has every span once, whatever parents they name', () => {
    const circle = [at('a', 'c', 0), at('b', 'a', 1), at('c', 'b', 2), at('self', 'self', 3)];
    assert.equal(drawn(treeOf(circle)), '?a(b(c)) ?self');
  });

  test('has of two with one id the one that has ended', () => {
    const [first, second] = [running(at('a', undefined, 0)), at('a', undefined, 0, 70)];
    for (const spans of [
      [first, second],
      [second, first],
    ])
      assert.deepEqual(
        treeOf(spans).map(({ span: { endMs } }) => endMs),
        [70],
      );
  });

  test('loses nothing of random ones, and nobody stands above a parent', () => {
    const random = new Random(7);
    for (let round = 0; round < 200; round += 1) {
      const size = random.integer(0, 60);
      const spans: TraceSpan[] = Array.from({ length: size }, (_, i) => {
        const parent = random.chance(0.8) ? `s${random.integer(0, size + 3)}` : undefined;
        const startMs = random.integer(-50, 50);
        return at(`s${i}`, parent, startMs, startMs + random.integer(0, 20));
      });
      const rows = rowsOf(treeOf(spans), new Set());
      assert.deepEqual(ids(rows).toSorted(), spans.map(({ spanId }) => spanId).toSorted());
      for (const [i, { node, parentId, level }] of rows.entries()) {
        if (parentId === undefined) continue;
        assert.equal(node.span.parentSpanId, parentId);
        const above = rows.slice(0, i).findLast((row) => row.level === level - 1);
        assert.equal(above?.node.span.spanId, parentId);
      }
    }
  });
});

describe('the rows of a trace', () => {
  const trees = treeOf([
    at('root', undefined, 0, 100),
    at('a', 'root', 1),
    at('a1', 'a', 2),
    at('a2', 'a', 3),
    at('b', 'root', 50),
  ]);

  test('tell where they stand', () => {
    assert.deepEqual(
      rowsOf(trees, new Set()).map(({ node, level, position, siblings }) => [
        node.span.spanId,
        level,
        position,
        siblings,
      ]),
      [
        ['root', 1, 1, 1],
        ['a', 2, 1, 2],
        ['a1', 3, 1, 2],
        ['a2', 3, 2, 2],
        ['b', 2, 2, 2],
      ],
    );
  });

  test('hide what is below a closed one, and tell how much, and what went wrong there', () => {
    const rows = rowsOf(trees, new Set(['a', 'b']), ({ spanId }) => spanId === 'a2');
    assert.deepEqual(ids(rows), ['root', 'a', 'b']);
    const [root, a, b] = rows;
    assert.deepEqual([root?.isExpanded, root?.descendants, root?.hiddenProblems], [true, 4, 0]);
    assert.deepEqual([a?.isExpanded, a?.descendants, a?.hiddenProblems], [false, 2, 1]);
    assert.deepEqual([b?.isExpanded, b?.descendants], [false, 0]);
  });

  test('of hundreds are those alone that can be seen', () => {
    const many = rowsOf(
      treeOf([
        at('root', undefined, 0, 9_000),
        ...Array.from({ length: 255 }, (_, i) => at(`s${i}`, 'root', i)),
      ]),
      new Set(),
    );
    const tops = topsOf(many, ({ level }) => (level === 1 ? 40 : 20));
    assert.equal(tops.at(-1), 40 + 255 * 20);
    assert.deepEqual(windowOf(tops, 0, 99), [0, 4]);
    assert.deepEqual(windowOf(tops, 1_040, 1_100), [51, 55]);
    assert.deepEqual(windowOf(tops, 1e6, 2e6), [256, 256]);
    assert.deepEqual(windowOf([0], 0, 500), [0, 0]);
  });
});

describe('the time of a trace', () => {
  test('goes from the first beginning to the last end, also where clocks differ', () => {
    const spans = [
      at('root', undefined, 100, 200),
      at('skewed', 'root', 40, 60),
      at('hook', 'root', 205, 300),
    ];
    assert.deepEqual(rangeOf(spans, 0), { fromMs: 40, toMs: 300 });
  });

  test('goes on to now while a span runs, never back', () => {
    const spans = [running(at('root', undefined, 100))];
    assert.deepEqual(rangeOf(spans, 500), { fromMs: 100, toMs: 500 });
    assert.equal(rangeOf(spans, 50).fromMs, 100);
    const streaming = { ...running(at('root', undefined, 100)), chunks: chunks(150, [10, 10]) };
    assert.equal(endOf(streaming, 120), 170);
  });

  test('of a span without length, and of none, can be drawn', () => {
    for (const spans of [[at('root', undefined, 100, 100)], []]) {
      const { fromMs, toMs } = rangeOf(spans, 7);
      assert.ok(toMs > fromMs);
    }
  });
});

describe('what is above a span', () => {
  test('is its parents, the nearest first, and ends also in a circle', () => {
    const spans = [at('root', 'remote', 0), at('a', 'root', 1), at('b', 'a', 2)];
    assert.deepEqual(ancestorsOf(spans, 'b'), ['a', 'root', 'remote']);
    assert.deepEqual(ancestorsOf(spans, 'unknown'), []);
    assert.deepEqual(ancestorsOf([at('a', 'b', 0), at('b', 'a', 1)], 'a'), ['b', 'a']);
  });
});
