import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readRetryAfter, retryDelay } from '../../../src/alerts/receivers/retry-delay.ts';

const limits = { alertRetryDelayMs: 1_000, alertRetryDelayMsMax: 5_000 };

describe('the wait before the next try', () => {
  test('doubles up to its limit, and a random half keeps instances apart', () => {
    const longest = [1, 2, 3, 4, 5, 2_000].map((tries) => retryDelay(tries, 0, limits, 1));
    assert.deepEqual(longest, [1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
    const shortest = [1, 2, 3, 4].map((tries) => retryDelay(tries, 0, limits, 0));
    assert.deepEqual(shortest, [500, 1_000, 2_000, 2_500]);
  });

  test('is what the receiver asks for, where that is longer, up to the limit', () => {
    assert.equal(retryDelay(1, 3_000, limits, 1), 3_000);
    assert.equal(retryDelay(3, 3_000, limits, 1), 4_000);
    assert.equal(retryDelay(1, 3_600_000, limits, 1), 5_000);
    assert.equal(retryDelay(1, Number.POSITIVE_INFINITY, limits, 1), 5_000);
  });
});

test('retry-after is read as seconds or as a date', () => {
  const now = Date.parse('2026-11-23T10:00:00Z');
  const read = (value: string | null) => readRetryAfter(value, now);
  assert.equal(read(null), 0);
  assert.equal(read(' 120 '), 120_000);
  assert.equal(read('9'.repeat(400)), Number.POSITIVE_INFINITY);
  assert.equal(read('Mon, 23 Nov 2026 10:00:30 GMT'), 30_000);
  assert.equal(read('Mon, 23 Nov 2026 09:00:00 GMT'), 0);
  for (const value of ['', '-5', 'soon', '1e3x']) assert.equal(read(value), 0);
});
