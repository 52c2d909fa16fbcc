import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problems.ts';

const root = mkdtempSync(join(tmpdir(), 'sightline-alerts-'));
after(() => rmSync(root, { recursive: true }));

/** The section `alerts` of a `sightline.yaml` with this content. */
function load(yaml: string, env: NodeJS.ProcessEnv = {}) {
  const cwd = mkdtempSync(join(root, 'case-'));
  writeFileSync(join(cwd, 'sightline.yaml'), yaml);
  return loadConfig(env, cwd).alerts;
}

/** What is said about it; each line without `sightline.yaml:`. */
function problems(yaml: string): string[] {
  try {
    load(yaml);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map((line) => line.replace('sightline.yaml:', ''));
  }
  return [];
}

describe('alerts', () => {
  test('may be told to webhooks and Alertmanagers, with other limits', () => {
    const alerts = load(
      `
alerts:
  thresholds:
    memory: { limit: "\${MEMORY_MB}", holdMs: 0 }
    errors: { limit: 2.5, windowMs: 60000, severity: critical }
    token-burn: { enabled: false }
    certificate:
  webhooks:
    - https://hooks.example.com/T0/B0?thread=1
    - { url: "http://127.0.0.1:9/", secret: "\${SECRET}", headers: { X-Team: one } }
  alertmanagers:
    - http://alertmanager:9093
    - { url: "https://example.com/prefix/", headers: { Authorization: "Basic \${CREDENTIALS}" } }
`,
      { MEMORY_MB: '800', SECRET: 'sixteen characters', CREDENTIALS: 'dTpw' },
    );
    assert.deepEqual(alerts.thresholds, {
      memory: { limit: 800, holdMs: 0 },
      errors: { limit: 2.5, windowMs: 60_000, severity: 'critical' },
      'token-burn': { enabled: false },
    });
    assert.deepEqual(
      alerts.webhooks.map(({ url, ...rest }) => ({ url: url.href, ...rest })),
      [
        { url: 'https://hooks.example.com/T0/B0?thread=1', secret: undefined, headers: {} },
        { url: 'http://127.0.0.1:9/', secret: 'sixteen characters', headers: { 'x-team': 'one' } },
      ],
    );
    assert.deepEqual(
      alerts.alertmanagers.map(({ url, headers }) => [url.href, headers]),
      [
        ['http://alertmanager:9093/', {}],
        ['https://example.com/prefix', { authorization: 'Basic dTpw' }],
      ],
    );
  });

  test('may be left out, or say nothing', () => {
    for (const yaml of ['', 'alerts:', 'alerts: { thresholds: , webhooks: }', 'alerts: { thresholds: {} }']) {
      assert.deepEqual(load(yaml), { thresholds: {}, webhooks: [], alertmanagers: [] }, yaml);
    }
  });

  test('are frozen', () => {
    const alerts = load('alerts: { thresholds: { cpu: { limit: 1 } }, webhooks: [http://a] }');
    assert.ok(Object.isFrozen(alerts.thresholds.cpu) && Object.isFrozen(alerts.webhooks[0]?.headers));
  });

  test('take every threshold at its own limit and times', () => {
    for (const { id, limit, windowMs, holdMs, keepMs } of thresholds) {
      const own = { limit, holdMs, keepMs, ...(windowMs > 0 && { windowMs }) };
      const yaml = `alerts: { thresholds: { ${id}: ${JSON.stringify(own)} } }`;
      assert.deepEqual(load(yaml).thresholds, { [id]: own });
    }
  });
});

const ids = thresholds.map(({ id }) => id).join(', ');
const window = 'a number of milliseconds from 1000 to 21600000, in whole seconds';
const hold = 'a number of milliseconds from 0 to 86400000, in whole seconds';
const address = 'an address that begins with http:// or https://';

/** What stands below `alerts.thresholds`, then what is said about it. */
// biome-ignore format: one case a line
const overrides: readonly [string, string][] = [
  ['memori: { limit: 1 }', '1:25: alerts.thresholds.memori is unknown; did you mean "memory"?'],
  ['disk: { limit: 1 }', `1:25: alerts.thresholds.disk is unknown; known here: ${ids}`],
  ['cpu: 90', '1:30: alerts.thresholds.cpu is 90; expected a mapping (keys: enabled, limit, holdMs, keepMs, severity, windowMs)'],
  ['cpu: { limit: high }', '1:39: alerts.thresholds.cpu.limit is "high"; expected a number of %, at least 0'],
  ['cpu: { limit: .inf }', '1:39: alerts.thresholds.cpu.limit is Infinity; expected a number of %, at least 0'],
  ['cpu: { limit: .nan }', '1:39: alerts.thresholds.cpu.limit is NaN; expected a number of %, at least 0'],
  ['cpu: { limit: -1 }', '1:39: alerts.thresholds.cpu.limit is -1; expected a number of %, at least 0'],
  ['first-token: { limit: 80000 }', '1:47: alerts.thresholds.first-token.limit is 80000; expected a number of ms, at least 0.95 and below 80000'],
  ['error-ratio: { limit: 5 }', '1:47: alerts.thresholds.error-ratio.limit is 5; expected a number, at least 0 and below 1'],
  ['upstream-unreachable: { limit: 0 }', '1:56: alerts.thresholds.upstream-unreachable.limit is 0; expected a number, above 0 and at most 1'],
  ['certificate: { limit: soon }', '1:47: alerts.thresholds.certificate.limit is "soon"; expected a number of days'],
  ['memory: { windowMs: 60000 }', '1:35: alerts.thresholds.memory.windowMs is unknown; known here: enabled, limit, holdMs, keepMs, severity'],
  ['cpu: { windowMs: 999 }', `1:42: alerts.thresholds.cpu.windowMs is 999; expected ${window}`],
  ['cpu: { windowMs: 1500 }', `1:42: alerts.thresholds.cpu.windowMs is 1500; expected ${window}`],
  ['cpu: { windowMs: 21601000 }', `1:42: alerts.thresholds.cpu.windowMs is 21601000; expected ${window}`],
  ['cpu: { holdMs: -1 }', `1:40: alerts.thresholds.cpu.holdMs is -1; expected ${hold}`],
  ['cpu: { holdMs: 5m }', `1:40: alerts.thresholds.cpu.holdMs is "5m"; expected ${hold}`],
  ['cpu: { keepMs: 1 }', `1:40: alerts.thresholds.cpu.keepMs is 1; expected ${hold}`],
  ['cpu: { severity: page }', '1:42: alerts.thresholds.cpu.severity is "page"; expected one of warning, critical'],
  ['cpu: { enabled: no }', '1:41: alerts.thresholds.cpu.enabled is "no"; expected true or false'],
];

/** What stands below `alerts`, then what is said about it: addresses of webhooks are secrets themselves. */
// biome-ignore format: one case a line
const receivers: readonly [string, string][] = [
  ['webhook: []', '1:11: alerts.webhook is unknown; did you mean "webhooks"?'],
  ['webhooks: http://a', '1:21: alerts.webhooks is ***; expected a list of addresses, or of mappings with the key url'],
  ['webhooks: [hooks.example.com/T0]', `1:22: alerts.webhooks[0] is ***; expected ${address}`],
  ['webhooks: [ws://a]', `1:22: alerts.webhooks[0] is ***; expected ${address}`],
  ['webhooks: [http://me:pass@a]', '1:22: alerts.webhooks[0] is ***; expected an address without user name and password'],
  ['webhooks: [{ secret: 0123456789abcdef }]', `1:22: alerts.webhooks[0].url is missing; expected ${address}`],
  ['webhooks: [{ url: http://a, secret: short }]', '1:47: alerts.webhooks[0].secret is ***; expected a text of at least 16 characters'],
  ['webhooks: [{ url: http://a, headers: { Host: b } }]', '1:50: alerts.webhooks[0].headers.Host cannot be a key here; expected another header: this one belongs to the connection, and the transport sets it'],
  ['alertmanagers: http://a', '1:26: alerts.alertmanagers is "http://a"; expected a list of addresses, or of mappings with the key url'],
  ['alertmanagers: [alertmanager:9093]', `1:27: alerts.alertmanagers[0] is "alertmanager:9093"; expected ${address}`],
  ['alertmanagers: ["http://a/?b"]', '1:27: alerts.alertmanagers[0] is "http://a/?***"; expected an address without query and fragment'],
  ['alertmanagers: [http://me:pass@a]', '1:27: alerts.alertmanagers[0] is "http://***@a"; expected an address without user name and password'],
  ['alertmanagers: [{ url: http://a, headers: { Authorization: "Bearer  " } }]', '1:70: alerts.alertmanagers[0].headers.Authorization is ***; expected a text of visible characters on one line, without blanks at its ends (numbers in quotes)'],
  ['alertmanagers: [{ url: http://a, secret: 0123456789abcdef }]', '1:44: alerts.alertmanagers[0].secret is unknown; known here: url, headers'],
];

describe('what is wrong with alerts is said by place, key, value and expectation', () => {
  for (const [yaml, expected] of overrides) {
    test(yaml, () => assert.deepEqual(problems(`alerts: { thresholds: { ${yaml} } }`), [expected]));
  }
  for (const [yaml, expected] of receivers) {
    test(yaml, () => assert.deepEqual(problems(`alerts: { ${yaml} }`), [expected]));
  }

  test('a window in which nobody looks twice', () => {
    const own = 'alerts: { thresholds: { cpu: { windowMs: 4000 } } }';
    assert.deepEqual(problems(own), [
      '1:42: alerts.thresholds.cpu.windowMs is 4000; expected at least 5000, which is limits.snapshotIntervalMs (and for Prometheus, two of its scrapes)',
    ]);
    assert.deepEqual(problems(`${own}\nlimits: { snapshotIntervalMs: 4000 }`), []);
  });
});
