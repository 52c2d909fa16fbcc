import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Reading } from '../../src/snapshots/reading.ts';
import { Readings } from '../../src/snapshots/readings.ts';

function reading(steadyMs: number): Reading {
  const process = { cpuSeconds: 0, loop: { busyMs: 0, idleMs: 0 } };
  return { at: 1e12 + steadyMs, steadyMs, traffic: undefined, process };
}

/** One each interval, from 0 on. */
function filled(windowMaxMs: number, intervalMs: number, untilMs: number): Readings {
  const readings = new Readings(windowMaxMs);
  for (let ms = 0; ms <= untilMs; ms += intervalMs) readings.add(reading(ms));
  return readings;
}

describe('readings', () => {
  test('are none at first, and one is no window', () => {
    const readings = new Readings(60_000);
    assert.equal(readings.begin(0), undefined);
    readings.add(reading(0));
    assert.equal(readings.begin(60_000), undefined);
  });

  test('begin a window at the nearest of them', () => {
    const readings = filled(60_000, 5_000, 60_000);
    for (const [windowMs, begin] of [
      [60_000, 0],
      [30_000, 30_000],
      [32_000, 30_000],
      [33_000, 25_000],
      [5_000, 55_000],
    ] as const)
      assert.equal(readings.begin(windowMs)?.steadyMs, begin, String(windowMs));
  });

  test('begin the shortest window at the last but one', () => {
    assert.equal(filled(60_000, 5_000, 60_000).begin(0)?.steadyMs, 55_000);
    assert.equal(filled(0, 5_000, 60_000).begin(0)?.steadyMs, 55_000);
  });

  test('begin a window that is longer than the past at the oldest', () => {
    assert.equal(filled(60_000, 5_000, 20_000).begin(60_000)?.steadyMs, 0);
  });

  test('go when no window reaches them', () => {
    const readings = filled(60_000, 5_000, 3_600_000);
    assert.equal(readings.begin(60_000)?.steadyMs, 3_540_000);
    assert.equal(readings.size, 13);
    assert.equal(filled(0, 5_000, 3_600_000).size, 2);
  });

  test('are exact for a quarter of an hour', () => {
    const readings = filled(900_000, 5_000, 3_600_000);
    for (let windowMs = 5_000; windowMs <= 900_000; windowMs += 5_000)
      assert.equal(readings.begin(windowMs)?.steadyMs, 3_600_000 - windowMs);
  });

  test('of hours are some hundred, and begin windows within one percent', () => {
    for (const intervalMs of [500, 5_000]) {
      const readings = filled(6 * 3_600_000, intervalMs, 8 * 3_600_000);
      assert.ok(readings.size < 1_100, `${readings.size} of ${intervalMs} ms`);
      for (let windowMs = intervalMs; windowMs <= 6 * 3_600_000; windowMs += 77_777) {
        const found = 8 * 3_600_000 - (readings.begin(windowMs)?.steadyMs ?? Number.NaN);
        assert.ok(
          Math.abs(found - windowMs) <= Math.max(intervalMs, windowMs * 0.01),
          `${windowMs}: ${found}`,
        );
      }
    }
  });

  test('need not come at regular times', () => {
    const readings = new Readings(60_000);
    for (const ms of [0, 5_000, 40_000, 41_000, 100_000]) readings.add(reading(ms));
    assert.equal(readings.begin(60_000)?.steadyMs, 40_000);
    assert.equal(readings.begin(0)?.steadyMs, 41_000);
  });
});
