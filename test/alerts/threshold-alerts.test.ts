import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolvedMs } from '../../src/alerts/state-machine.ts';
import { ThresholdAlerts } from '../../src/alerts/threshold-alerts.ts';
import { threshold } from './fakes.ts';

const single = (value?: number) => (value === undefined ? [] : [{ of: undefined, value }]);
const moment = (at: number) => ({ at, watchedMs: at });
const states = (alerts: ThresholdAlerts) => alerts.all.map(({ of, state }) => [of, state]);

describe('alerts of a threshold', () => {
  test('fire strictly beyond the limit, on its side', () => {
    const above = new ThresholdAlerts(threshold({ limit: 10 }), 0);
    assert.deepEqual(above.evaluate(single(10), moment(1)), []);
    assert.equal(above.evaluate(single(10.001), moment(2))[0]?.state, 'firing');
    const below = new ThresholdAlerts(threshold({ limit: 10, comparison: 'below' }), 0);
    assert.deepEqual(below.evaluate(single(10), moment(1)), []);
    assert.equal(below.evaluate(single(9.999), moment(2))[0]?.state, 'firing');
    assert.deepEqual(below.evaluate(single(Number.NaN), moment(3))[0]?.state, 'resolved');
  });

  test('tell only that one fires, or is resolved', () => {
    const alerts = new ThresholdAlerts(threshold({ limit: 1, holdMs: 10 }), 0);
    const told = [2, 2, 3, 0, 0].map((value, i) => alerts.evaluate(single(value), moment(i * 5)));
    assert.deepEqual(
      told.map(([alert]) => alert && [alert.state, alert.value, alert.since, alert.firedAt]),
      [undefined, undefined, ['firing', 3, 10, 10], ['resolved', 0, 15, 10], undefined],
    );
  });

  test('are frozen, and say all of their threshold', () => {
    const row = threshold({ limit: 1, severity: 'critical', unit: '%' });
    const [alert] = new ThresholdAlerts(row, 0).evaluate(single(2), moment(5));
    const { field: _, measure: __, windowMs: ___, holdMs: ____, keepMs: _____, ...shown } = row;
    assert.deepEqual(alert, {
      ...shown,
      of: undefined,
      state: 'firing',
      value: 2,
      since: 5,
      firedAt: 5,
      withinSince: undefined,
    });
    assert.ok(Object.isFrozen(alert));
  });

  test('are inactive from the beginning, and where there is no figure', () => {
    const alerts = new ThresholdAlerts(threshold({ limit: 1 }), 7);
    assert.deepEqual(
      alerts.all.map(({ state, since, value }) => [state, since, value]),
      [['inactive', 7, undefined]],
    );
    assert.deepEqual(alerts.evaluate([], moment(8)), []);
    assert.deepEqual(states(alerts), [[undefined, 'inactive']]);
  });

  test('are resolved where the figure is no longer there', () => {
    const alerts = new ThresholdAlerts(threshold({ limit: 1 }), 0);
    alerts.evaluate(single(2), moment(1));
    const [alert] = alerts.evaluate([], moment(2));
    assert.deepEqual([alert?.state, alert?.value], ['resolved', undefined]);
    const seen = [3, 1 + resolvedMs, 2 + resolvedMs].flatMap((at) => {
      assert.deepEqual(alerts.evaluate([], moment(at)), []);
      return alerts.all.map(({ state, since }) => [state, since]);
    });
    assert.deepEqual(seen, [
      ['resolved', 2],
      ['resolved', 2],
      ['inactive', 2 + resolvedMs],
    ]);
  });

  test('that hover about the limit are told once, and resolved when that is over', () => {
    const alerts = new ThresholdAlerts(threshold({ limit: 10, keepMs: 20 }), 0);
    const told = [11, 10, 11, 10, 11, 9, 9, 11, 9, 9, 9].flatMap((value, i) =>
      alerts.evaluate(single(value), moment(i * 10)).map(({ state, since }) => [state, since]),
    );
    assert.deepEqual(told, [
      ['firing', 0],
      ['resolved', 100],
    ]);
  });

  test('of one that is gone while it is pending are gone with it', () => {
    const row = threshold({ field: 'plugins.rejected.*', by: 'sightline.plugin', limit: 0, holdMs: 20 });
    const alerts = new ThresholdAlerts(row, 0);
    const bad = [{ of: 'a', value: 1 }];
    assert.deepEqual(alerts.evaluate(bad, moment(10)), []);
    assert.deepEqual(states(alerts), [['a', 'pending']]);
    assert.deepEqual(alerts.evaluate([], moment(20)), []);
    assert.deepEqual(states(alerts), [[undefined, 'inactive']]);
    // Back again, it holds anew.
    assert.deepEqual(alerts.evaluate(bad, moment(30)), []);
    assert.deepEqual(alerts.evaluate(bad, moment(40)), []);
    assert.equal(alerts.evaluate(bad, moment(50))[0]?.state, 'firing');
  });

  test('stand for each upstream by itself, and go with it', () => {
    const row = threshold({
      field: 'upstreams.*.up',
      by: 'sightline.upstream',
      comparison: 'below',
      limit: 1,
    });
    const alerts = new ThresholdAlerts(row, 0);
    const up = (figures: Record<string, number>) =>
      Object.entries(figures).map(([of, value]) => ({ of, value }));
    assert.deepEqual(
      alerts.evaluate(up({ a: 0, b: 1, c: 0 }), moment(1)).map(({ of, state }) => [of, state]),
      [
        ['a', 'firing'],
        ['c', 'firing'],
      ],
    );
    assert.deepEqual(
      alerts.evaluate(up({ a: 0, b: 1 }), moment(2)).map(({ of, state }) => [of, state]),
      [['c', 'resolved']],
    );
    alerts.evaluate(up({ a: 0, b: 1 }), moment(2 + resolvedMs));
    assert.deepEqual(states(alerts), [
      ['a', 'firing'],
      ['b', 'inactive'],
    ]);
    alerts.evaluate(up({ a: 1 }), moment(3 + resolvedMs));
    alerts.evaluate([], moment(3 + 2 * resolvedMs));
    assert.deepEqual(states(alerts), [[undefined, 'inactive']]);
  });
});
