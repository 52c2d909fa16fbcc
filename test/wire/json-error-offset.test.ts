import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonErrorOffset } from '../../src/wire/json-error-offset.ts';

describe('a text that is no JSON', () => {
  it('stops being JSON at its first error', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['{"a":,"b":,}', 5],
      ['{"a":1 // why', 7],
      [',,,', 0],
      ['{"a":[1,2', 9],
      ['', 0],
    ];
    for (const [text, offset] of cases) assert.equal(jsonErrorOffset(text), offset, text);
  });

  it('may have more of them than anybody would want to hear of', () => {
    assert.equal(jsonErrorOffset(`[${','.repeat(5_000_000)}`), 1);
  });

  it('may be nested too deeply to be looked at', () => {
    assert.equal(jsonErrorOffset('['.repeat(50_000)), undefined);
  });
});
