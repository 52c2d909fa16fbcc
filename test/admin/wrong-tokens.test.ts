import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Response } from 'express';
import { WrongTokens } from '../../src/admin/wrong-tokens.ts';
import { SightlineError } from '../../src/errors.ts';

describe('wrong tokens', () => {
  let clock = 5_000;
  const wrong = new WrongTokens(3, () => clock);
  /** The `retry-after` of a refusal; undefined where one more may be tried. */
  const refused = () => {
    let retryAfter: string | undefined;
    const response = { set: (_name: string, value: string) => (retryAfter = value) } as unknown as Response;
    try {
      wrong.refuseMore(response);
    } catch (thrown) {
      assert.ok(thrown instanceof SightlineError && thrown.code === 'too_many_wrong_tokens');
    }
    return retryAfter;
  };

  it('are tried so often in any minute, and no more', () => {
    for (const at of [5_000, 15_000, 25_500]) {
      clock = at;
      assert.equal(refused(), undefined);
      wrong.note();
    }
    assert.equal(refused(), '40');
    clock = 64_999;
    assert.equal(refused(), '1');
    clock = 65_000;
    assert.equal(refused(), undefined);
    wrong.note();
    assert.equal(refused(), '10');
    clock = 75_000;
    assert.equal(refused(), undefined);
    clock = 1_000_000;
    for (let i = 0; i < 3; i += 1) {
      assert.equal(refused(), undefined);
      wrong.note();
    }
    assert.equal(refused(), '60');
  });
});
