import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitOf, windowOf } from '../../grafana/src/parts/limits.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';

const rowOf = (id: string) => {
  const row = thresholds.find((one) => one.id === id);
  assert.ok(row);
  return row;
};

describe('the limit of an alert on a panel', () => {
  it('is in the unit of the panel', () => {
    assert.equal(limitOf('memory', 'decbytes').value, rowOf('memory').limit * 1_000_000);
    assert.equal(limitOf('cpu', 'percentunit').value, rowOf('cpu').limit / 100);
    assert.equal(limitOf('first-token', 's').value, rowOf('first-token').limit / 1_000);
    assert.equal(limitOf('certificate', 's').value, rowOf('certificate').limit * 86_400);
    assert.equal(limitOf('errors', 'short').value, rowOf('errors').limit);
  });

  it('has the colour of its severity beyond it, and green before', () => {
    assert.deepEqual(limitOf('error-ratio', 'percentunit').steps, [
      { value: null, color: 'green' },
      { value: rowOf('error-ratio').limit, color: 'red' },
    ]);
    assert.deepEqual(limitOf('upstream-unreachable', 'short').steps, [
      { value: null, color: 'red' },
      { value: rowOf('upstream-unreachable').limit, color: 'green' },
    ]);
  });

  it('leaves a figure of 0 green where any is too many', () => {
    const { steps } = limitOf('telemetry-drops', 'short');
    assert.equal(rowOf('telemetry-drops').limit, 0);
    assert.ok((steps[1]?.value ?? 0) > 0 && (steps[1]?.value ?? 1) < 1);
  });

  it('is told with its window, its hold time and what to do', () => {
    const { sentence } = limitOf('error-ratio', 'percentunit');
    const { title, action } = rowOf('error-ratio');
    for (const part of [title, action, 'above 0.05', 'over 5m', 'for 2m'])
      assert.ok(sentence.includes(part), part);
  });

  it('is asked for over the window of the alert', () => {
    assert.equal(windowOf('errors'), `${rowOf('errors').windowMs / 60_000}m`);
  });

  it('cannot be shown in a unit that means something else, or of an alert that is not there', () => {
    assert.throws(() => limitOf('memory', 's'), /cannot show the limit of 'memory'/);
    assert.throws(() => limitOf('disk', 'decbytes'), /no threshold 'disk'/);
  });
});
