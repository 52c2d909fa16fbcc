import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { allExpressions, withValues } from '../../grafana/src/expressions.ts';
import { counted } from '../../grafana/src/parts/promql.ts';
import { attribute, metric } from '../../src/telemetry/names.ts';
import { missing } from '../support/is-installed.ts';
import { parse } from './promql.ts';

const all = allExpressions();

describe('what the dashboards ask', () => {
  it('is all there: of panels, annotations and variables', () => {
    const places = all.map(({ dashboard, panel, refId }) => `${dashboard} ${panel} ${refId}`);
    assert.ok(all.length > 150, `${all.length}`);
    for (const wanted of ['annotation: Alerts', 'variable: model', 'Errors by outcome'])
      assert.ok(
        places.some((place) => place.includes(wanted)),
        wanted,
      );
  });

  it('has no variable left in it', () => {
    assert.deepEqual(
      all.filter(({ expression }) => expression.includes('$')),
      [],
    );
    assert.deepEqual(
      all.filter(({ expression }) => !parse(expression).isValid),
      [],
    );
  });

  it('says which labels the answer has', () => {
    for (const { panel, expression, labels } of all)
      for (const label of labels) assert.ok(expression.includes(label), `${panel}: ${label}`);
    const withoutAny = all.filter(({ labels, isHeatmap }) => isHeatmap && labels.join() !== 'le');
    assert.deepEqual(withoutAny, []);
  });

  it('takes the values that it is given', () => {
    const expression = 'rate(x{job=~"$job", y=~"$upstream"}[$__rate_interval]) + increase(x[$__range])';
    assert.equal(
      withValues(expression, { rateInterval: '20s', range: '1d', variables: { job: 'a|b' } }),
      'rate(x{job=~"a|b", y=~".*"}[20s]) + increase(x[1d])',
    );
  });

  const skip = missing(['promtool'], 'what Prometheus says of the expressions');
  it('is PromQL with the right types, says promtool', { skip }, () => {
    assert.deepEqual(rejected(all.map(({ expression }) => expression)), []);
    // Which the grammar has nothing against.
    assert.equal(rejected(['rate(up)', 'up']).length, 1);
  });
});

describe('what seldom happens', () => {
  const skip = missing(['promtool'], 'what Prometheus counts of a series that is just born');
  const scope = { by: [attribute.upstream, attribute.reason] };
  const expression = withValues(counted(metric.unobservedReplies, scope), { rateInterval: '4m' });
  const labels = 'job="a", instance="b", sightline_upstream="up", sightline_reason="size"';
  const series = `sightline_reply_unobserved_total{${labels}}`;

  it('is counted from the first time on, which begins its series', { skip }, () => {
    assert.deepEqual(asked(expression, series, '_ _ _ 1 1 1 1 1 1 1'), { '3m': 1, '5m': 1, '9m': 0 });
  });

  it('is not counted anew where Prometheus has been away', { skip }, () => {
    assert.deepEqual(asked(expression, series, '_ _ _ 5000 5000 5000 5000 5000 5000 5000'), {
      '3m': 1,
      '5m': 1,
      '9m': 0,
    });
  });

  it('is nothing where it is known from the beginning, and does not happen', { skip }, () => {
    assert.deepEqual(asked(expression, series, '0 0 0 0 0 0 0 0 0 0'), { '3m': 0, '5m': 0, '9m': 0 });
  });

  /** Its value after so many minutes, of a series with one value a minute; promtool fails where it is another. */
  function asked(expr: string, series: string, values: string): Record<string, number> {
    const times = ['3m', '5m', '9m'];
    const wanted = (value: number) => [
      { labels: '{sightline_reason="size", sightline_upstream="up"}', value },
    ];
    const test = (at: string, value: number) => ({
      rule_files: [],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: [{ series, values }],
          promql_expr_test: [{ expr, eval_time: at, exp_samples: wanted(value) }],
        },
      ],
    });
    return Object.fromEntries(
      times.map((at) => [at, [0, 1].find((value) => passes(test(at, value))) ?? Number.NaN]),
    );
  }
});

/** Whether promtool's own tests pass. */
function passes(tests: object): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-expressions-'));
  try {
    const file = join(folder, 'tests.yml');
    writeFileSync(file, stringify(tests));
    return spawnSync('promtool', ['test', 'rules', file]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What Prometheus says of those that it would not take into a rule. */
function rejected(expressions: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-expressions-'));
  try {
    const rules = [...new Set(expressions)].map((expr, i) => ({ record: `expression:${i}`, expr }));
    const file = join(folder, 'rules.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'dashboards', rules }] }));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', '--lint=none', file], {
      encoding: 'utf8',
    });
    const problems = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('could not parse'));
    assert.equal(status, problems.length > 0 ? 1 : 0, stderr);
    return problems;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
