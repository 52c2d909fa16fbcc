import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { AlertState } from '../../src/alerts/alert.ts';
import { type AlertStatus, type Finding, inactiveSince, nextStatus } from '../../src/alerts/state-machine.ts';
import { Random } from '../support/random.ts';

/** Every status on the way through the findings, in their order. */
function statuses(findings: readonly Finding[], holdMs: number): AlertStatus[] {
  let status = inactiveSince(0);
  return findings.map((finding) => {
    status = nextStatus(status, finding, holdMs);
    return status;
  });
}

const states = (findings: readonly Finding[], holdMs: number) =>
  statuses(findings, holdMs).map(({ state }) => state);

/** One finding every 10 ms. */
const every10 = (beyond: readonly boolean[]): Finding[] =>
  beyond.map((isBeyond, i) => ({ at: (i + 1) * 10, isBeyond }));

describe('an alert', () => {
  test('fires after the hold time, is resolved once, and is inactive again', () => {
    const findings = every10([false, true, true, true, true, false, false]);
    assert.deepEqual(statuses(findings, 20), [
      { state: 'inactive', since: 0, firedAt: undefined },
      { state: 'pending', since: 20, firedAt: undefined },
      { state: 'pending', since: 20, firedAt: undefined },
      { state: 'firing', since: 40, firedAt: 40 },
      { state: 'firing', since: 40, firedAt: 40 },
      { state: 'resolved', since: 60, firedAt: 40 },
      { state: 'inactive', since: 70, firedAt: undefined },
    ]);
  });

  test('fires at once without a hold time', () => {
    assert.deepEqual(states(every10([true, true, false]), 0), ['firing', 'firing', 'resolved']);
  });

  test('that recovers while it is pending never fired, and holds anew the next time', () => {
    const findings = every10([true, true, false, true, true, true]);
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
    assert.deepEqual(states(every10([true, false, true, false, false]), 0), [
      'firing',
      'resolved',
      'firing',
      'resolved',
      'inactive',
    ]);
    assert.deepEqual(states(every10([true, true, false, true]), 10), [
      'pending',
      'firing',
      'resolved',
      'pending',
    ]);
  });

  test('holds anew where the clock is set back, and no longer than that', () => {
    const findings = [1_000, 100, 105, 110].map((at) => ({ at, isBeyond: true }));
    assert.deepEqual(states(findings, 10), ['pending', 'pending', 'pending', 'firing']);
  });
});

/** The definition instead of its steps: what is so now, by all that was found up to now. */
function modelState(findings: readonly Finding[], holdMs: number): AlertState {
  const last = findings.length - 1;
  const hasFired = (end: number): boolean => {
    let begin: number | undefined;
    let firing = false;
    for (const { at, isBeyond } of findings.slice(0, end + 1)) {
      if (!isBeyond) {
        begin = undefined;
        firing = false;
        continue;
      }
      if (begin === undefined || (!firing && at < begin)) begin = at;
      firing ||= at - begin >= holdMs;
    }
    return firing;
  };
  if (hasFired(last)) return 'firing';
  if (findings[last]?.isBeyond) return 'pending';
  return last > 0 && hasFired(last - 1) ? 'resolved' : 'inactive';
}

test('random series, with clocks that jump, come to what the definition says', () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = new Random(seed);
    const holdMs = random.pick([0, 0, 10, 50, 200]);
    const probability = random.next();
    let at = 10_000;
    const findings: Finding[] = [];
    for (let i = 0; i < 60; i += 1) {
      at += random.chance(0.1) ? random.integer(-500, 500) : random.integer(0, 20);
      findings.push({ at, isBeyond: random.chance(probability) });
    }
    const expected = findings.map((_, i) => modelState(findings.slice(0, i + 1), holdMs));
    assert.deepEqual(states(findings, holdMs), expected, `seed ${seed}`);
    for (const [i, { state, since, firedAt }] of statuses(findings, holdMs).entries()) {
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
    const holds = [0, 15, 60, 150];
    const rules = holds.map((hold) => ({ alert: `Hold${hold}`, expr: 'figure > 5', for: `${hold}s` }));
    writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [{ name: 'g', rules }] }));
    const tests = Array.from({ length: 12 }, (_, seed) => promtoolTest(new Random(seed), holds));
    const file = { rule_files: ['rules.yml'], evaluation_interval: '15s', tests };
    writeFileSync(join(folder, 'test.yml'), stringify(file));
    execFileSync('promtool', ['test', 'rules', join(folder, 'test.yml')], { stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A series with a figure each 15 s, and the states that we make of it at each of them. */
function promtoolTest(random: Random, holds: readonly number[]) {
  const probability = 0.5 + random.next() / 2;
  const values = Array.from({ length: 40 }, () => {
    // `stale`: the figure is absent.
    return random.chance(probability) ? 6 : random.pick(['5', 'stale']);
  });
  const findings = values.map((value, i) => ({ at: i * 15_000, isBeyond: value === 6 }));
  return {
    interval: '15s',
    input_series: [{ series: 'figure', values: values.join(' ') }],
    promql_expr_test: findings.map(({ at }, i) => ({
      expr: 'ALERTS',
      eval_time: `${at / 1_000}s`,
      exp_samples: holds.flatMap((hold) => {
        const state = inPrometheus[states(findings.slice(0, i + 1), hold * 1_000).at(-1) ?? 'inactive'];
        if (state === undefined) return [];
        return [{ labels: `ALERTS{alertname="Hold${hold}",alertstate="${state}"}`, value: 1 }];
      }),
    })),
  };
}
