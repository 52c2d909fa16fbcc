import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { checkRules, testRules } from '../alerts/rules/promtool.ts';
import { missing } from '../support/is-installed.ts';
import { openWorkplace, root } from './workplace.ts';

const config = `
alerts:
  thresholds:
    memory: { limit: 1200, holdMs: 90000, severity: critical }
    errors: { limit: 3, windowMs: 60000 }
    token-burn: { enabled: false }
`;

describe('alerts export', () => {
  it('prints the rules that are in the repository where nothing is configured', async () => {
    await using place = await openWorkplace();
    for (const [args, file] of [
      [[], 'otel/alerts.rules.yml'],
      [['--tests'], 'otel/alerts.test.yml'],
    ] as const) {
      const { code, stdout, stderr } = await place.run(['alerts', 'export', ...args]);
      assert.equal(code, 0, stderr);
      assert.equal(stdout, readFileSync(join(root, file), 'utf8'));
      assert.match(stderr, /^sightline: there is no sightline\.yaml in .+: these are the default limits\n$/);
    }
  });

  it('prints rules with the limits of the configuration', async () => {
    await using place = await openWorkplace({ 'sightline.yaml': config });
    const { stdout } = await place.run(['alerts', 'export']);
    const rules: Record<string, unknown>[] = parse(stdout).groups[0].rules;
    const named = (name: string) => rules.find(({ alert }) => alert === name);
    assert.match(String(named('SightlineMemory')?.expr), /> 1200 /);
    assert.equal(named('SightlineMemory')?.for, '90s');
    assert.deepEqual(named('SightlineMemory')?.labels, { severity: 'critical' });
    assert.match(String(named('SightlineErrors')?.expr), /\[1m\].* > 3$/);
    assert.equal(named('SightlineTokenBurn'), undefined);
    assert.ok(named('SightlineAbsent'));
    assert.equal(rules.length, 14);
  });

  it('prints rules and tests that promtool passes', { skip: missing(['promtool'], 'that') }, async () => {
    await using place = await openWorkplace({ 'sightline.yaml': config });
    const { stdout: rules } = await place.run(['alerts', 'export']);
    const { stdout: tests } = await place.run(['alerts', 'export', '--tests']);
    assert.ok(checkRules(rules).isOk);
    const { isOk, output } = testRules(rules, tests);
    assert.ok(isOk, output);
    // Those of the defaults are about other limits.
    assert.ok(!testRules(readFileSync(join(root, 'otel/alerts.rules.yml'), 'utf8'), tests).isOk);
  });

  it('says what is wrong with the configuration', async () => {
    await using place = await openWorkplace({
      'sightline.yaml': 'alerts: { thresholds: { memori: { limit: 1 } } }',
    });
    const { code, stdout, stderr } = await place.run(['alerts', 'export']);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /alerts\.thresholds\.memori is unknown; did you mean "memory"\?/);
  });

  it('needs no secrets of other places, where it is a matter of rules alone', async () => {
    const unset = `
upstreams: { default: { url: "\${UPSTREAM_URL}", headers: { authorization: "Bearer \${UPSTREAM_KEY}" } } }
alerts:
  webhooks: [{ url: "\${ALERT_WEBHOOK}", secret: "\${ALERT_SECRET}" }]
  thresholds: { memory: { limit: 1200 } }
`;
    await using place = await openWorkplace({ 'sightline.yaml': unset });
    for (const args of [[], ['--tests']]) {
      const { code, stdout, stderr } = await place.run(['alerts', 'export', ...args]);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /1200/);
    }
  });

  it('refuses what it does not know', async () => {
    await using place = await openWorkplace();
    const { code, stderr } = await place.run(['alerts', 'export', 'all']);
    assert.equal(code, 1);
    assert.match(stderr, /Unexpected argument 'all'.*: sightline alerts export \[--tests\]\n$/);
  });
});
