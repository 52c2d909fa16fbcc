import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadConfig, loadPart } from '../../src/config/load.ts';
import { rulesPart } from '../../src/config/parts.ts';
import { ConfigError } from '../../src/config/problems.ts';

const root = mkdtempSync(join(tmpdir(), 'sightline-rules-'));
after(() => rmSync(root, { recursive: true }));

function folderWith(yaml: string): string {
  const folder = mkdtempSync(join(root, 'case-'));
  writeFileSync(join(folder, 'sightline.yaml'), yaml);
  return folder;
}

const loadRulesConfig = (env: NodeJS.ProcessEnv, cwd: string) => loadPart(rulesPart, env, cwd);

function problems(yaml: string, load: (env: NodeJS.ProcessEnv, cwd: string) => unknown): readonly string[] {
  try {
    load({}, folderWith(yaml));
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  return [];
}

const secrets = `
upstreams: { default: { url: "\${URL}", headers: { authorization: "Bearer \${KEY}" } } }
admin: { token: "\${TOKEN}" }
alerts: { webhooks: ["\${WEBHOOK}"], thresholds: { memory: { limit: "\${MEMORY}" } } }
`;

/** What is wrong where the rules are made of it. */
const mistakes = [
  'alerts: { thresholds: { memori: { limit: 1 } } }',
  'alerts: { thresholds: { memory: { limit: -1 } } }',
  `alerts: { thresholds: { memory: { limit: "\${MEMORY}" } } }`,
  'alerts: { thresholds: { cpu: { windowMs: 4000 } } }',
  'alerts: 5',
  'alerts: { treshold: {} }',
  'alert: { thresholds: { memory: { limit: 1200 } } }',
  'limits: { snapshotIntervalMs: 0 }',
  'limits: { snapshotInterval: 1 }',
  'limits: { requestHeadersTimeoutMs: 2, requestTimeoutMs: 1 }',
  '- a list',
  'alerts: { thresholds: { memory: { limit: 1200 } }',
];

describe('of the configuration, what the rules for Prometheus are made of', () => {
  test('is read without the variables of other places', () => {
    const { alerts, limits } = loadRulesConfig({ MEMORY: '1200' }, folderWith(secrets));
    assert.deepEqual(alerts.thresholds, { memory: { limit: 1200 } });
    assert.equal(limits.snapshotIntervalMs, 5_000);
    assert.equal(problems(secrets, loadConfig).length, 5);
  });

  test('may be nothing', () => {
    for (const yaml of ['', 'alerts:\nlimits:\n', 'alerts: { thresholds: }', 'upstreams: 5\nlog: { x: 1 }']) {
      assert.deepEqual(loadRulesConfig({}, folderWith(yaml)).alerts.thresholds, {}, yaml);
    }
  });

  for (const yaml of mistakes) {
    test(`is refused in the words that the service has: ${yaml}`, () => {
      const told = problems(yaml, loadRulesConfig);
      assert.equal(told.length, 1);
      assert.deepEqual(told, problems(yaml, loadConfig));
    });
  }
});
