import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { address, readRoute, views } from '../../../src/console/page/route.ts';
import { places, titleOf } from '../../../src/console/page/shell/places.ts';

const parts = (hash: string) => {
  const { view, id, query } = readRoute(hash);
  return { view, id, query: [...query] };
};

describe('the address of a view', () => {
  it('leads back to what it was made of', () => {
    const query = { outcome: ['failed', 'timed_out'], model: 'a/b?c&d#e%', none: undefined, empty: '' };
    assert.deepEqual(parts(address('live', query)), {
      view: 'live',
      id: undefined,
      query: [
        ['outcome', 'failed'],
        ['outcome', 'timed_out'],
        ['model', 'a/b?c&d#e%'],
      ],
    });
    const odd = '../%2F عربي?x';
    assert.deepEqual(parts(address('traces', { id: odd, span: '1' })), {
      view: 'traces',
      id: odd,
      query: [['span', '1']],
    });
  });

  it('is Live for whatever else one types', () => {
    for (const hash of ['', '#', '#/', '#/nothing', '#/traces', '#/traces/', '#/constructor', '#?a=b'])
      assert.equal(readRoute(hash).view, 'live', hash);
    assert.equal(readRoute('#/?a=b').unknown, undefined);
    assert.equal(readRoute('#/alerts').unknown, undefined);
    assert.equal(readRoute('#/foo/bar?a=b').unknown, 'foo/bar');
    assert.equal(readRoute('#/traces/').unknown, 'traces/');
    assert.deepEqual(parts('#/traces/%E0%A4'), { view: 'traces', id: '%E0%A4', query: [] });
    assert.deepEqual(parts('#live?text=a?b').query, [['text', 'a?b']]);
  });

  it('has a title, and a key of its own', () => {
    assert.equal(titleOf(readRoute('#/traces/4bf92f3577b34da6')), 'Trace 4bf92f35 · Sightline');
    assert.equal(titleOf(readRoute('#/try')), 'Try it · Sightline');
    assert.equal(new Set(views.map((view) => places[view].key)).size, views.length);
  });
});
