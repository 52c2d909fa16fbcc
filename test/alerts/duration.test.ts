import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration } from '../../src/alerts/duration.ts';

test('times are written in the largest unit that has no rest', () => {
  const written = [250, 1_000, 90_000, 300_000, 5_400_000, 7_200_000, 1_500, 0].map(duration);
  assert.deepEqual(written, ['250ms', '1s', '90s', '5m', '90m', '2h', '1500ms', '0s']);
});
