import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError, type Outcome, outcomes } from '../../src/exchange/outcome.ts';

test('an outcome is an error, or it is what somebody wanted', () => {
  const wanted = (Object.keys(outcomes) as Outcome[]).filter((outcome) => !isError(outcome));
  assert.deepEqual(wanted, ['completed', 'client_aborted', 'blocked']);
});
