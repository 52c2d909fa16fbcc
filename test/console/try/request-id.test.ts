import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshRequestId } from '../../../src/console/page/try/request-id.ts';

const version4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe('the id of a query', () => {
  it('is a new one each time', () => {
    const ids = new Set(Array.from({ length: 100 }, () => freshRequestId()));
    assert.equal(ids.size, 100);
    for (const id of ids) assert.match(id, version4);
  });

  it('is one also where the page is no secure context', () => {
    const source = {
      getRandomValues: <A extends ArrayBufferView | null>(array: A) =>
        crypto.getRandomValues(array as never) as A,
    };
    const ids = new Set(Array.from({ length: 100 }, () => freshRequestId(source as never)));
    assert.equal(ids.size, 100);
    for (const id of ids) assert.match(id, version4);
  });
});
