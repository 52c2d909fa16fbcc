import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { AlertState } from '../../src/alerts/alert.ts';
import { duration } from '../../src/alerts/duration.ts';
import {
  type AlertStatus,
  type Finding,
  inactiveSince,
  nextStatus,
  type Patience,
  resolvedMs,
} from '../../src/alerts/state-machine.ts';
import { Random } from '../support/random.ts';

/** Every status on the way through the findings, in their order. */
function statuses(findings: readonly Finding[], patience: Patience): AlertStatus[] {
  let status = inactiveSince(0);
  return findings.map((finding) => {
    status = nextStatus(status, finding, patience);
    return status;
  });
}

const states = (findings: readonly Finding[], holdMs: number, keepMs = 0) =>
  statuses(findings, { holdMs, keepMs }).map(({ state }) => state);

/** One finding every 10 ms. */
const every10 = (beyond: readonly boolean[]): Finding[] =>
  beyond.map((isBeyond, i) => ({ at: (i + 1) * 10, watchedMs: (i + 1) * 10, isBeyond }));

const [yes, no] = [true, false];

describe('an alert', () => {
  test('fires after the hold time, is resolved, and is inactive again after a while', () => {
    const later = { at: 60 + resolvedMs, watchedMs: 60 + resolvedMs, isBeyond: no };
    const findings = [...every10([no, yes, yes, yes, yes, no, no]), later];
    const never = { firedAt: undefined, withinSince: undefined, waitsSince: undefined };
    assert.deepEqual(statuses(findings, { holdMs: 20, keepMs: 0 }), [
      { state: 'inactive', since: 0, ...never },
      { state: 'pending', since: 20, ...never, waitsSince: 20 },
      { state: 'pending', since: 20, ...never, waitsSince: 20 },
      { state: 'firing', since: 40, ...never, firedAt: 40 },
      { state: 'firing', since: 40, ...never, firedAt: 40 },
      { state: 'resolved', since: 60, ...never, firedAt: 40, waitsSince: 60 },
      { state: 'resolved', since: 60, ...never, firedAt: 40, waitsSince: 60 },
      { state: 'inactive', since: 60 + resolvedMs, ...never },
    ]);
  });

  test('fires at once without a hold time', () => {
    assert.deepEqual(states(every10([yes, yes, no]), 0), ['firing', 'firing', 'resolved']);
  });

  test('that recovers while it is pending never fired, and holds anew the next time', () => {
    const findings = every10([yes, yes, no, yes, yes, yes]);
    assert.deepEqual(states(findings, 20), [
      'pending',
      'pending',
      'inactive',
      'pending',
      'pending',
      'firing',
    ]);
  });

  test('can begin again in the moment after it was resolved', () => {
    assert.deepEqual(states(every10([yes, no, yes, no, no]), 0), [
      'firing',
      'resolved',
      'firing',
      'resolved',
      'resolved',
    ]);
    assert.deepEqual(states(every10([yes, yes, no, yes]), 10), ['pending', 'firing', 'resolved', 'pending']);
  });

  test('that fires goes on through the keep time, which begins anew with each figure beyond the limit', () => {
    const findings = every10([yes, no, no, yes, no, no, no, no]);
    const [first, ...others] = statuses(findings, { holdMs: 0, keepMs: 20 });
    assert.deepEqual(
      others.map(({ state }) => state),
      ['firing', 'firing', 'firing', 'firing', 'firing', 'resolved', 'resolved'],
    );
    assert.deepEqual(others[2], first);
  });

  test('that fires tells since when its figure is within the limit again', () => {
    const findings = every10([yes, no, no, yes, no, no, no]);
    assert.deepEqual(
      statuses(findings, { holdMs: 0, keepMs: 20 }).map(({ state, withinSince }) => [state, withinSince]),
      [
        ['firing', undefined],
        ['firing', 20],
        ['firing', 20],
        ['firing', undefined],
        ['firing', 50],
        ['firing', 50],
        ['resolved', undefined],
      ],
    );
  });

  test('takes its times from how long it was looked, whatever the clock says', () => {
    const at = (times: readonly number[]) =>
      times.map((time, i) => ({ at: time, watchedMs: i * 10, isBeyond: i < 3 }));
    for (const times of [
      [1_000, 1_010, 1_020, 1_030, 1_040, 1_050],
      [1_000, 90_000, 90_010, 500_000, 500_010, 500_020],
      [90_000, 1_000, 1_010, 20, 30, 40],
    ]) {
      const way = ['pending', 'pending', 'firing', 'firing', 'firing', 'resolved'];
      assert.deepEqual(states(at(times), 20, 20), way, `${times}`);
    }
  });
});

/** The definition instead of its steps: what is so now, by all that was found up to now. */
function modelState(findings: readonly Finding[], { holdMs, keepMs }: Patience): AlertState {
  /** For how long it has been as it is found to be there. */
  const lasted = (index: number): number => {
    const found = findings[index] ?? assert.fail();
    const before = findings.slice(0, index).findLastIndex(({ isBeyond }) => isBeyond !== found.isBeyond);
    return found.watchedMs - (findings[before + 1]?.watchedMs ?? Number.NaN);
  };
  const isFiring = (index: number): boolean => {
    const indices = findings.keys().filter((i) => i <= index);
    return [...indices].reduce((was, i) => {
      const { isBeyond } = findings[i] ?? assert.fail();
      return isBeyond ? was || lasted(i) >= holdMs : was && lasted(i) < keepMs;
    }, false);
  };
  const last = findings.length - 1;
  if (isFiring(last)) return 'firing';
  if (findings[last]?.isBeyond) return 'pending';
  const lastBeyond = findings.findLastIndex(({ isBeyond }) => isBeyond);
  return lastBeyond >= 0 && isFiring(lastBeyond) ? 'resolved' : 'inactive';
}

test('random series, with clocks that jump, come to what the definition says', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = new Random(seed);
    const patience = { holdMs: random.pick([0, 0, 10, 50, 200]), keepMs: random.pick([0, 0, 10, 50]) };
    const probability = random.next();
    let [at, watchedMs] = [10_000, 0];
    const findings: Finding[] = [];
    for (let i = 0; i < 60; i += 1) {
      const passedMs = random.integer(0, 20);
      watchedMs += passedMs;
      at += random.chance(0.1) ? random.integer(-500, 500) : passedMs;
      findings.push({ at, watchedMs, isBeyond: random.chance(probability) });
    }
    const expected = findings.map((_, i) => modelState(findings.slice(0, i + 1), patience));
    assert.deepEqual(states(findings, patience.holdMs, patience.keepMs), expected, `seed ${seed}`);
    for (const [i, { state, since, firedAt }] of statuses(findings, patience).entries()) {
      assert.ok(state === 'inactive' || findings.slice(0, i + 1).some((one) => one.at === since));
      assert.equal(firedAt !== undefined, state === 'firing' || state === 'resolved');
    }
  }
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** As Prometheus shows them: what is resolved is gone from its list, as what is inactive. */
const inPrometheus: Readonly<Record<AlertState, string | undefined>> = {
  inactive: undefined,
  pending: 'pending',
  firing: 'firing',
  resolved: undefined,
};

test('random series come to what Prometheus makes of them', { skip: !hasPromtool && 'no promtool' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-promtool-'));
  try {
    const rules = patiences.map(({ holdMs, keepMs }, i) => ({
      alert: `Rule${i}`,
      expr: 'figure > 5',
      for: duration(holdMs),
      keep_firing_for: duration(keepMs),
    }));
    writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [{ name: 'g', rules }] }));
    const tests = Array.from({ length: 12 }, (_, seed) => promtoolTest(new Random(seed)));
    const file = { rule_files: ['rules.yml'], evaluation_interval: '15s', tests };
    writeFileSync(join(folder, 'test.yml'), stringify(file));
    execFileSync('promtool', ['test', 'rules', join(folder, 'test.yml')], { stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Of every kind that there are rules for. */
const patiences: readonly Patience[] = [0, 15_000, 60_000, 150_000].flatMap((holdMs) =>
  [0, 15_000, 60_000].map((keepMs) => ({ holdMs, keepMs })),
);

/** A series with a figure each 15 s, and the states that we make of it at each of them. */
function promtoolTest(random: Random) {
  const probability = 0.5 + random.next() / 2;
  const values = Array.from({ length: 40 }, () => {
    // `stale`: the figure is absent.
    return random.chance(probability) ? 6 : random.pick(['5', 'stale']);
  });
  const findings = values.map((value, i) => ({
    at: i * 15_000,
    watchedMs: i * 15_000,
    isBeyond: value === 6,
  }));
  const ours = patiences.map(({ holdMs, keepMs }) => states(findings, holdMs, keepMs));
  return {
    interval: '15s',
    input_series: [{ series: 'figure', values: values.join(' ') }],
    promql_expr_test: findings.map(({ at }, i) => ({
      expr: 'ALERTS',
      eval_time: `${at / 1_000}s`,
      exp_samples: ours.flatMap((all, rule) => {
        const state = inPrometheus[all[i] ?? 'inactive'];
        if (state === undefined) return [];
        return [{ labels: `ALERTS{alertname="Rule${rule}",alertstate="${state}"}`, value: 1 }];
      }),
    })),
  };
}
