import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { thresholds } from '../../../src/alerts/thresholds.ts';
import {
  inWords,
  limitInWords,
  onAxis,
  unitOf,
  windowInWords,
} from '../../../src/console/page/metrics/units.ts';

describe('figures with their unit', () => {
  it('of a limit are as round as somebody has set them', () => {
    assert.equal(limitInWords({ field: 'firstTokenMs.p95', unit: 'ms', limit: 5_000 }), '5\u00a0s');
    assert.equal(limitInWords({ field: 'firstTokenMs.p95', unit: 'ms', limit: 2_500 }), '2.5\u00a0s');
  });

  it('read well', () => {
    assert.equal(inWords(412.3, 'MB'), '412\u00a0MB');
    assert.equal(inWords(1_700, 'ms'), '1.7\u00a0s');
    assert.equal(inWords(0.052, 'ratio'), '5.2%');
    assert.equal(inWords(81, '%'), '81%');
    assert.equal(inWords(1_234, 'count'), '1,234');
    assert.equal(inWords(1_250_000, 'tokens/min'), '1.3M tokens/min');
    assert.equal(inWords(12.345, 'per second'), '12.3/s');
    assert.equal(inWords(0.0333, 'per second'), '0.03/s');
    assert.equal(inWords(0.001, 'per second'), '<0.01/s');
    assert.equal(inWords(1, 'days'), '1 day');
  });

  it('are short beside an axis', () => {
    assert.equal(onAxis(2_000, 'ms'), '2\u00a0s');
    assert.equal(onAxis(0, 'MB'), '0');
    assert.equal(onAxis(0, 'ratio'), '0%');
    assert.equal(onAxis(20_000, 'tokens/min'), '20k');
  });

  it('of thresholds are all known', () => {
    const known = { '': 'count', MB: 'MB', '%': '%', ms: 'ms', days: 'days', 'tokens/min': 'tokens/min' };
    for (const { id, field, unit } of thresholds)
      assert.equal(
        unitOf({ field, unit }),
        id === 'error-ratio' ? 'ratio' : known[unit as keyof typeof known],
      );
  });

  it('have windows in words', () => {
    assert.equal(windowInWords(300_000), '5\u00a0min');
    assert.equal(windowInWords(5_000), '5\u00a0s');
  });
});
