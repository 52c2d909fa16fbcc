import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { effectiveThresholds } from '../../../src/alerts/effective.ts';
import { ruleTests } from '../../../src/alerts/rules/rule-tests.ts';
import { alertRules } from '../../../src/alerts/rules/rules.ts';
import { severities, type Threshold, type ThresholdOverride } from '../../../src/alerts/threshold.ts';
import { thresholds } from '../../../src/alerts/thresholds.ts';
import { missing } from '../../support/is-installed.ts';
import { knownLabels, knownSeries, namesIn } from '../../support/promql.ts';
import { Random } from '../../support/random.ts';
import { checkRules, testRules } from './promtool.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function rulesOf(all: readonly Threshold[]): Rule[] {
  return parse(alertRules(all)).groups[0].rules;
}

describe('rules for Prometheus', () => {
  test('are one for each threshold, in its order, and one for the process that is gone', () => {
    assert.deepEqual(
      rulesOf(thresholds).map(({ alert }) => alert),
      [
        'SightlineMemory',
        'SightlineCpu',
        'SightlineErrors',
        'SightlineErrorRatio',
        'SightlineFirstToken',
        'SightlineDuration',
        'SightlineTruncated',
        'SightlineEventLoopDelay',
        'SightlineTelemetryDrops',
        'SightlinePluginRejected',
        'SightlineBreakerOpen',
        'SightlineUpstreamUnreachable',
        'SightlineTokenBurn',
        'SightlineCertificate',
        'SightlineAbsent',
      ],
    );
  });

  test('say when, how urgent, what is the matter and what to do', () => {
    const [memory] = rulesOf(thresholds);
    assert.deepEqual(
      { ...memory, annotations: undefined },
      {
        alert: 'SightlineMemory',
        expr: 'max by (job, instance) (process_memory_usage_bytes) / 1000000 > 500 and on (job, instance) sightline_process_cpu_capacity',
        for: '1m',
        keep_firing_for: '2m',
        labels: { severity: 'warning' },
        annotations: undefined,
      },
    );
    assert.equal(
      memory?.annotations.summary,
      '{{ $labels.instance }}: The process holds more memory than it should. Memory: {{ printf "%.0f" $value }} MB, above the limit of 500 MB.',
    );
    assert.equal(memory?.annotations.description, thresholds[0]?.action);
  });

  test('speak only of metrics and labels that there are, instance by instance', () => {
    for (const { expr, alert } of rulesOf(thresholds).slice(0, -1)) {
      const { metrics, labels } = namesIn(expr);
      for (const name of metrics) assert.ok(knownSeries.has(name), `${alert}: ${name}`);
      for (const name of labels) assert.ok(knownLabels.has(name), `${alert}: ${name}`);
      assert.ok(labels.includes('job') && labels.includes('instance'), alert);
      assert.ok(
        metrics.some((name) => name.startsWith('sightline_')),
        `${alert} may be about another service`,
      );
    }
  });

  test('a name that is mistyped, and what is no PromQL, would be found', () => {
    const { metrics } = namesIn('sum by (job) (rate(sightline_exchange_outcome_total[5m])) > 1');
    assert.ok(!metrics.every((name) => knownSeries.has(name)));
    assert.throws(() => namesIn('sum by (job (up) > 1'), /no PromQL at/);
  });

  test('notice by a metric that every process has that none is left, of whatever instance', () => {
    const { annotations, ...absent } = rulesOf(thresholds).at(-1) ?? assert.fail();
    assert.deepEqual(absent, {
      alert: 'SightlineAbsent',
      expr: 'absent(sightline_process_cpu_capacity)',
      for: '1m',
      labels: { severity: 'critical' },
    });
    assert.ok(namesIn(absent.expr).metrics.every((name) => knownSeries.has(name)));
    assert.doesNotMatch(JSON.stringify(annotations), /\{\{/, 'there is nothing to fill in');
  });

  test('may be of no threshold', () => {
    const none = Object.fromEntries(thresholds.map(({ id }) => [id, { enabled: false }]));
    assert.deepEqual(
      rulesOf(effectiveThresholds(none)).map(({ alert }) => alert),
      ['SightlineAbsent'],
    );
  });
});

describe('promtool', { skip: missing(['promtool'], 'what real Prometheus says of the rules') }, () => {
  const rules = alertRules(thresholds);
  const tests = ruleTests(thresholds);

  test('finds no fault with the rules, and their tests pass', () => {
    assert.deepEqual(checkRules(rules).output.match(/SUCCESS: (\d+) rules found/)?.[1], '15');
    const { isOk, output } = testRules(rules, tests);
    assert.ok(isOk, output);
  });

  test('finds no fault where there is no threshold', () => {
    assert.ok(checkRules(alertRules([])).isOk);
    const { isOk, output } = testRules(alertRules([]), ruleTests([]));
    assert.ok(isOk, output);
  });

  for (const seed of [1, 2, 3]) {
    test(`passes the same tests with other limits, times and severities (seed ${seed})`, () => {
      const random = new Random(seed);
      const overrides = Object.fromEntries(thresholds.map((row) => [row.id, randomOverride(row, random)]));
      const own = effectiveThresholds(overrides);
      const { isOk, output } = testRules(alertRules(own), ruleTests(own));
      assert.ok(isOk, `${JSON.stringify(overrides)}\n${output}`);
    });
  }

  test('is not misled by what cannot be written exactly', () => {
    const own = effectiveThresholds({
      memory: { limit: 1080.3401756566018 },
      cpu: { limit: 33.3 },
      'event-loop-delay': { limit: 1001 },
      'error-ratio': { limit: 1 / 3 },
      'first-token': { limit: 79_999.9 },
      certificate: { limit: 0.1 },
    });
    const { isOk, output } = testRules(alertRules(own), ruleTests(own));
    assert.ok(isOk, output);
  });

  /** Whose rule is wrong in which way, and the text with another in its place. */
  // biome-ignore format: one case a line
  const mistakes: readonly [id: string, mistake: string, from: string | RegExp, to: string][] = [
    ['memory', 'another limit', '> 500 and', '> 499 and'],
    ['memory', 'a limit that fires when it is reached', '> 500', '>= 500'],
    ['memory', 'instances taken together', 'max by (job, instance)', 'max by (job)'],
    ['memory', 'other services', / and on .*/, ''],
    ['memory', 'another text', 'The process', 'This process'],
    ['certificate', 'the other comparison', '< 14', '> 14'],
    ['certificate', 'another unit', '/ 86400', '/ 3600'],
    ['errors', 'another window', '[5m]', '[2m]'],
    ['errors', 'all outcomes', /{sightline_outcome=[^}]*}/, ''],
    ['errors', 'an outcome that is missing', '|timed_out', ''],
    ['errors', 'mistakes of clients that count', ', sightline_fault=""', ''],
    ['error-ratio', 'mistakes of clients that count', ', sightline_fault=""', ''],
    ['error-ratio', 'mistakes of clients that are no exchanges', 'total[5m]', 'total{sightline_fault=""}[5m]'],
    ['error-ratio', 'a ratio of anything', / and on .*/, ''],
    ['first-token', 'a percentile of anything', / and on .*>= 20/, ''],
    ['first-token', 'the percentile of other services', / and on [^=]*$/m, ''],
    ['duration', 'another percentile', '(0.99,', '(0.95,'],
    ['cpu', 'one mode of the CPU', 'total[2m]', 'total{cpu_mode="user"}[2m]'],
    ['cpu', 'another name', 'alert: SightlineCpu', 'alert: SightlineCPU'],
    ['token-burn', 'input alone', 'sum[10m]', 'sum{gen_ai_token_type="input"}[10m]'],
    ['upstream-unreachable', 'a shorter hold', 'for: 30s', 'for: 15s'],
    ['upstream-unreachable', 'a longer hold', 'for: 30s', 'for: 45s'],
    ['upstream-unreachable', 'a shorter time to keep firing', 'keep_firing_for: 2m', 'keep_firing_for: 105s'],
    ['errors', 'a longer time to keep firing', 'keep_firing_for: 2m', 'keep_firing_for: 6m'],
    ['upstream-unreachable', 'a metric that nobody has', 'upstream_up)', 'upstreams_up)'],
    ['upstream-unreachable', 'another severity', 'critical', 'warning'],
    ['absent', 'a shorter hold', 'for: 1m', 'for: 45s'],
    ['absent', 'a longer hold', 'for: 1m', 'for: 75s'],
    ['absent', 'one instance of several', 'absent(sightline_process_cpu_capacity)', 'absent(sightline_process_cpu_capacity{instance="sick:4001"})'],
    ['absent', 'a metric that nobody has', 'cpu_capacity', 'cpus'],
    ['absent', 'another severity', 'critical', 'warning'],
    ['absent', 'another text', 'no figures', 'no figure'],
  ];
  for (const [id, mistake, from, to] of mistakes) {
    test(`its tests would find ${mistake} (${id})`, () => {
      const rows = thresholds.filter((row) => row.id === id);
      const right = alertRules(rows);
      const wrong = right.replace(from, to);
      assert.notEqual(wrong, right);
      assert.ok(testRules(right, ruleTests(rows)).isOk);
      assert.ok(checkRules(wrong).isOk, 'else it would be found without tests');
      assert.match(testRules(wrong, ruleTests(rows)).output, /FAILED/);
    });
  }

  test('would find a rule that is written twice, and one that is no PromQL', () => {
    const twice = alertRules([...thresholds, ...thresholds.slice(0, 1)]);
    assert.match(checkRules(twice).output, /1 duplicate rule/);
    assert.ok(!checkRules(rules.replace('> 500', '> 500 MB')).isOk);
  });
});

function randomOverride(
  { comparison, limit, windowMs, measure: { lowest, highest } }: Threshold,
  random: Random,
): ThresholdOverride {
  const isPossible = (value: number) =>
    comparison === 'above' ? value >= lowest && value < highest : value > lowest && value <= highest;
  const limits = [limit * random.next() * 3, Math.ceil(limit * random.next() * 3), limit / 10, 0];
  return {
    enabled: random.chance(0.9),
    limit: random.pick([...limits.filter(isPossible), limit]),
    holdMs: random.pick([0, 1_000, 10_000, 61_000, 600_000]),
    keepMs: random.pick([0, 1_000, 61_000, 600_000]),
    severity: random.pick(severities),
    ...(windowMs > 0 && { windowMs: random.pick([20_000, 61_000, 600_000]) }),
  };
}
