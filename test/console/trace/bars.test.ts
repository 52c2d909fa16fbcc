import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { annotationsOf, placeAnnotations } from '../../../src/console/page/trace/annotations.ts';
import { marksAcross, marksPath, pieceOf } from '../../../src/console/page/trace/bar-shape.ts';
import { attempt, chunks, event } from './spans.ts';

const view = { fromMs: 1_000, toMs: 2_000 };

describe('bars', () => {
  test('are drawn where they are in the view', () => {
    assert.deepEqual(pieceOf(view, 1_250, 1_500), { left: 25, width: 25 });
    assert.deepEqual(pieceOf(view, 0, 9_000), { left: 0, width: 100 });
    assert.deepEqual(pieceOf(view, 1_500, 1_500), { left: 50, width: 0 });
    assert.equal(pieceOf(view, 0, 900), undefined);
    assert.equal(pieceOf(view, 2_100, 2_200), undefined);
  });

  test('have one mark where chunks fall together, and none outside', () => {
    assert.equal(marksPath([900, 1_000, 1_500, 1_500.01, 2_000, 2_500], view), 'M0 0V1M1000 0V1M2000 0V1');
    const many = Array.from({ length: 50_000 }, (_, i) => 1_000 + i / 50);
    assert.ok((marksPath(many, view).match(/M/g) ?? []).length <= marksAcross + 1);
  });
});

describe('what is told of a bar', () => {
  const stream = attempt('a', 'r', {
    startMs: 1_000,
    endMs: 2_000,
    events: [event('sightline.first_chunk', 1_100)],
    chunks: chunks(1_100, [10, 10, 10, 10, 600, 10, 10]),
  });
  const texts = (width: number, part = view) =>
    placeAnnotations(annotationsOf(stream, 1_765), part, width).map(({ text }) => text);

  test('stands at its moment', () => {
    const [first, stall] = placeAnnotations(annotationsOf(stream, 1_765), view, 600);
    assert.equal(first?.text, 'TTFT 100\u00a0ms');
    assert.equal(first?.left, 60);
    assert.equal(stall?.text, 'stalled 600\u00a0ms after chunk 5');
    assert.ok(stall && stall.left > 160 && stall.left < 440);
  });

  test('is left out where there is no room, the more important last', () => {
    assert.equal(texts(600).length, 2);
    assert.deepEqual(texts(160), ['TTFT 100\u00a0ms']);
    assert.deepEqual(texts(30), []);
  });

  test('never lies upon something else, or outside', () => {
    for (let width = 10; width < 900; width += 7) {
      const placed = placeAnnotations(annotationsOf(stream, 1_765), view, width);
      const ends = placed.map(({ left, text }) => [left, left + text.length * 6.8] as const);
      for (const [from, to] of ends) assert.ok(from >= 0 && to <= width + 1e-6);
      const [one, other] = ends.toSorted(([a], [b]) => a - b);
      if (one && other) assert.ok(one[1] <= other[0]);
    }
  });

  test('is not told of a moment that is not in the view', () => {
    assert.deepEqual(texts(600, { fromMs: 1_800, toMs: 2_000 }), []);
  });
});
