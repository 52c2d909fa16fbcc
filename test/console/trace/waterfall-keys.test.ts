import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rowsOf, treeOf } from '../../../src/console/page/trace/layout.ts';
import { actionOf } from '../../../src/console/page/trace/waterfall-keys.ts';
import { attempt, request } from './spans.ts';

const spans = [request('r'), attempt('a', 'r', { startMs: 1 }), attempt('b', 'r', { startMs: 2 })];
const rows = rowsOf(treeOf(spans), new Set());

function pressed(key: string, chosen: number, among = rows): string | undefined {
  const action = actionOf(key, among, chosen, 2);
  if (!action) return undefined;
  return 'row' in action ? `${action.name} ${action.row.node.span.spanId}` : action.name;
}

describe('the keys of the waterfall', () => {
  test('up and down choose, and stop at the ends', () => {
    assert.equal(pressed('ArrowDown', -1), 'choose r');
    assert.equal(pressed('ArrowDown', 0), 'choose a');
    assert.equal(pressed('ArrowDown', 2), 'choose b');
    assert.equal(pressed('ArrowUp', 0), 'choose r');
    assert.equal(pressed('ArrowUp', -1), 'choose b');
    assert.equal(pressed('Home', 2), 'choose r');
    assert.equal(pressed('End', 0), 'choose b');
    assert.equal(pressed('PageDown', 0), 'choose b');
    assert.equal(pressed('PageUp', 2), 'choose r');
  });

  test('left closes, then goes up; right opens, then goes down', () => {
    const closed = rowsOf(treeOf(spans), new Set(['r']));
    assert.equal(pressed('ArrowLeft', 0), 'toggle r');
    assert.equal(pressed('ArrowLeft', 1), 'choose r');
    assert.equal(pressed('ArrowLeft', 0, closed), undefined);
    assert.equal(pressed('ArrowRight', 0, closed), 'toggle r');
    assert.equal(pressed('ArrowRight', 0), 'choose a');
    assert.equal(pressed('ArrowRight', 1), undefined);
  });

  test('enter opens, z looks closer, Escape shows all', () => {
    assert.equal(pressed('Enter', 1), 'open a');
    assert.equal(pressed('Enter', -1), undefined);
    assert.equal(pressed('z', 1), 'zoom a');
    assert.equal(pressed('Escape', -1), 'reset');
    assert.equal(pressed('x', 1), undefined);
    assert.equal(pressed('ArrowDown', -1, []), undefined);
  });
});
