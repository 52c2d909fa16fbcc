import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { effectiveThresholds, windowMaxMs } from '../../src/alerts/effective.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';

const [memory, ...others] = thresholds;

describe('thresholds as the configuration wants them', () => {
  test('are those of the table where it says nothing', () => {
    assert.deepEqual(effectiveThresholds({}), thresholds);
    assert.deepEqual(effectiveThresholds({ memory: {}, cpu: { limit: undefined } }), thresholds);
  });

  test('have what it says, and the rest of their row', () => {
    const own = { limit: 800, holdMs: 5_000, severity: 'critical' } as const;
    assert.deepEqual(effectiveThresholds({ memory: own }), [{ ...memory, ...own }, ...others]);
    const [, cpu] = effectiveThresholds({ cpu: { windowMs: 60_000 } });
    assert.equal(cpu?.windowMs, 60_000);
    assert.equal(cpu?.limit, 80);
  });

  test('are left out where it disables them', () => {
    assert.deepEqual(effectiveThresholds({ memory: { enabled: false, limit: 1 } }), others);
    assert.deepEqual(effectiveThresholds({ memory: { enabled: true } }), thresholds);
  });
});

test('the longest window is that of the thresholds in use', () => {
  assert.equal(windowMaxMs(thresholds), 600_000);
  assert.equal(windowMaxMs(effectiveThresholds({ 'token-burn': { enabled: false } })), 300_000);
  assert.equal(windowMaxMs([]), 0);
});
