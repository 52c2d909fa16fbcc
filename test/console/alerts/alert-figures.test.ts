import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  barOf,
  conditionInWords,
  firesInWords,
  groupsOf,
  isBeyond,
  piecesOf,
  resolvesInWords,
  valueInWords,
} from '../../../src/console/page/alerts/alert-figures.ts';
import { alertLine } from './lines.ts';

const upstream = { field: 'upstreams.*.up', comparison: 'below', limit: 1, unit: '' } as const;
const certificate = {
  field: 'upstreams.*.certificateDays',
  comparison: 'below',
  limit: 14,
  unit: 'days',
} as const;

describe('an alert in words', () => {
  it('says when it fires, where it waits to', () => {
    const pending = alertLine({ state: 'pending', holdMs: 120_000 });
    const after = (ms: number) => firesInWords(pending, Date.parse(pending.since) + ms);
    assert.equal(after(0), 'fires in 2\u00a0min');
    assert.equal(after(80_500), 'fires in 40\u00a0s');
    assert.equal(after(120_000), 'fires at the next look');
    // A clock that is behind.
    assert.equal(after(-5_000), 'fires in 2\u00a0min 5\u00a0s');
    assert.equal(firesInWords(alertLine({ state: 'firing' }), 0), undefined);
  });

  it('says when it is resolved, where it is within its limit again', () => {
    const firing = alertLine({ state: 'firing', withinSince: '2026-11-23T11:05:00.000Z', keepMs: 60_000 });
    const after = (ms: number) => resolvesInWords(firing, Date.parse('2026-11-23T11:05:00.000Z') + ms);
    assert.equal(after(20_500), 'is resolved in 40\u00a0s');
    assert.equal(after(60_000), 'is resolved at the next look');
    assert.equal(resolvesInWords(alertLine({ state: 'firing' }), 0), undefined);
  });

  it('has its value and its limit in their unit', () => {
    assert.equal(valueInWords(alertLine()), '200\u00a0MB');
    assert.equal(conditionInWords(alertLine()), 'above 500\u00a0MB');
  });

  it('names the window', () => {
    const errors = { field: 'errors', unit: '', limit: 10, windowMs: 300_000 };
    assert.equal(conditionInWords(alertLine(errors)), 'above 10 in 5\u00a0min');
    const ratio = { field: 'errorRatio', unit: '', limit: 0.05, windowMs: 300_000 };
    assert.equal(conditionInWords(alertLine(ratio)), 'above 5% over 5\u00a0min');
  });

  it('answers yes or no where the figure is that', () => {
    assert.equal(valueInWords(alertLine({ ...upstream, value: 1 })), 'answers');
    assert.equal(valueInWords(alertLine({ ...upstream, value: 0 })), 'does not answer');
    assert.equal(conditionInWords(alertLine(upstream)), 'when it does not answer');
  });

  it('has numbers after all where somebody has set another limit', () => {
    const breakers = { field: 'plugins.breakersOpen.*', limit: 2, unit: '', value: 3 };
    assert.equal(valueInWords(alertLine(breakers)), '3');
    assert.equal(conditionInWords(alertLine(breakers)), 'above 2');
  });

  it('tells a value from a limit that reads the same', () => {
    const cpu = { field: 'cpu.capacityPercent', unit: '%', limit: 80 };
    assert.equal(valueInWords(alertLine({ ...cpu, value: 80.01 })), 'just above 80%');
    assert.equal(valueInWords(alertLine({ ...cpu, value: 80 })), '80%');
  });

  it('has no value where there is no figure', () => {
    const { value: _, ...unknown } = alertLine();
    assert.equal(valueInWords(unknown), undefined);
    assert.equal(isBeyond(unknown), false);
    assert.equal(barOf(unknown), undefined);
  });
});

describe('the bar of an alert', () => {
  it('has room beyond the limit', () => {
    assert.deepEqual(barOf(alertLine({ value: 325 })), { value: 0.5, limit: 500 / 650 });
  });

  it('has room beyond the value', () => {
    const bar = barOf(alertLine({ value: 5_000 }));
    assert.ok(bar && bar.value > 0.9 && bar.value < 1 && bar.limit < 0.1);
  });

  it('has its limit before the value where less is worse', () => {
    const bar = barOf(alertLine({ ...certificate, value: 80 }));
    assert.ok(bar && bar.limit < bar.value);
    assert.equal(isBeyond(alertLine({ ...certificate, value: 80 })), false);
    assert.equal(isBeyond(alertLine({ ...certificate, value: 3 })), true);
  });

  it('is not there where it would say nothing', () => {
    assert.equal(barOf(alertLine({ ...upstream, value: 1 })), undefined);
    assert.equal(barOf(alertLine({ field: 'telemetryDropped', limit: 0, unit: '', value: 3 })), undefined);
  });
});

describe('the groups of alerts', () => {
  it('have the critical ones first, then those that came last', () => {
    const firing = (id: string, since: string, severity: 'critical' | 'warning') =>
      alertLine({ id, severity, state: 'firing', since: `2026-11-23T${since}:00.000Z` });
    const { firing: found, inactive } = groupsOf([
      firing('old', '10:00', 'warning'),
      firing('new', '11:00', 'warning'),
      firing('worst', '09:00', 'critical'),
      alertLine(),
    ]);
    assert.deepEqual(
      found.map(({ id }) => id),
      ['worst', 'new', 'old'],
    );
    assert.equal(inactive.length, 1);
  });
});

describe('what to do', () => {
  it('is prose with code in it', () => {
    assert.deepEqual(piecesOf('See `GET /readyz`, then wait.'), [
      { text: 'See ', isCode: false },
      { text: 'GET /readyz', isCode: true },
      { text: ', then wait.', isCode: false },
    ]);
  });
});
