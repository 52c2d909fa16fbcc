import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endToEndHeaders, headerValue, withHeader, withoutHeaders } from '../../src/wire/headers.ts';

const none: ReadonlySet<string> = new Set();

describe('headers as they stand on the wire', () => {
  const headers = ['Set-Cookie', 'a=1', 'X-A', '1', 'set-cookie', 'b=2', 'x-A', '2'];

  it('are found in any letter case, the first of several', () => {
    assert.equal(headerValue(headers, 'x-a'), '1');
    assert.equal(headerValue(headers, 'set-cookie'), 'a=1');
    assert.equal(headerValue(headers, 'a=1'), undefined);
  });

  it('lose every field of a name, and keep order, case and repetition of the others', () => {
    assert.deepEqual(withoutHeaders(headers, new Set(['x-a'])), ['Set-Cookie', 'a=1', 'set-cookie', 'b=2']);
    assert.deepEqual(withHeader(headers, 'X-a', '3').slice(-4), ['set-cookie', 'b=2', 'X-a', '3']);
  });

  it('lose on their way what is for one connection, and what Connection names', () => {
    const sent = [
      'Connection',
      'close, X-Hop',
      'Keep-Alive',
      '5',
      'TE',
      'trailers',
      'x-hop',
      '1',
      'X-End',
      '2',
    ];
    assert.deepEqual(endToEndHeaders(sent, none), ['X-End', '2']);
    assert.deepEqual(endToEndHeaders(sent, new Set(['x-end'])), []);
  });
});
