import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Attempt } from '../../src/exchange/attempt.ts';
import { faultOf } from '../../src/exchange/fault.ts';
import { type Outcome, outcomes } from '../../src/exchange/outcome.ts';

const identity = { name: 'one', provider: undefined, address: '127.0.0.1', port: 1 };

function faultWith(status: number | undefined, outcome: Outcome = 'upstream_error') {
  const attempt = new Attempt(1, identity, 0);
  attempt.status = status;
  return faultOf({ outcome, attempt });
}

describe('the fault is', () => {
  test("the client's where the upstream says so", () => {
    for (const status of [400, 401, 403, 404, 413, 422, 499]) assert.equal(faultWith(status), 'client');
  });

  test('not where the upstream is slow or busy', () => {
    for (const status of [408, 425, 429]) assert.equal(faultWith(status), undefined);
  });

  test('not where the upstream is broken, or said it in the middle of a reply', () => {
    for (const status of [undefined, 200, 399, 500, 503, 599]) assert.equal(faultWith(status), undefined);
  });

  test('not where it ended in another way, or nobody was asked', () => {
    const others = (Object.keys(outcomes) as Outcome[]).filter((outcome) => outcome !== 'upstream_error');
    for (const outcome of others) assert.equal(faultWith(401, outcome), undefined, outcome);
    assert.equal(faultOf({ outcome: 'upstream_error', attempt: undefined }), undefined);
    assert.equal(faultOf({ outcome: undefined, attempt: undefined }), undefined);
  });
});
