import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { defaultLimits } from '../../src/limits.ts';
import { Daemon } from '../support/daemon.ts';
import { missing } from '../support/is-installed.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { parseCompose, read } from './compose-file.ts';

interface ScrapeConfig {
  job_name: string;
  authorization?: { credentials_file: string };
  static_configs: [{ targets: [string] }];
}

interface PrometheusConfig {
  global: Record<string, string>;
  rule_files: string[];
  otlp?: unknown;
  alerting: { alertmanagers: { static_configs: [{ targets: string[] }] }[] };
  scrape_configs: ScrapeConfig[];
}

const names = ['prometheus.yml', 'prometheus.local.yml'] as const;
const load = (name: (typeof names)[number]) => parse(read(`otel/${name}`)) as PrometheusConfig;

/** As Prometheus 2.42 takes it, which is what Debian has: it knows no settings for what is pushed. */
function withoutOtlp({ otlp: _otlp, ...config }: PrometheusConfig): PrometheusConfig {
  return config;
}

describe('the configuration of Prometheus', () => {
  it('is the same without Docker, but for addresses, the token and what is pushed', () => {
    const { services } = parseCompose(read('docker-compose.yml'));
    const names = Object.keys(services).join('|');
    const text = stringify(withoutOtlp(load('prometheus.yml')));
    const local = parse(text.replace(new RegExp(`\\b(?:${names}):(?=\\d)`, 'g'), 'localhost:'));
    for (const scrape of local.scrape_configs) delete scrape.authorization;
    assert.deepEqual(load('prometheus.local.yml'), local);
  });

  it('looks as often as the service looks at itself', () => {
    const { scrape_interval, evaluation_interval } = load('prometheus.yml').global;
    const interval = `${defaultLimits.snapshotIntervalMs / 1_000}s`;
    assert.deepEqual([scrape_interval, evaluation_interval], [interval, interval]);
  });

  describe('checked by promtool', { skip: missing(['promtool'], 'the check of its configuration') }, () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sightline-promtool-'));
      await writeFile(join(folder, 'alerts.rules.yml'), read('otel/alerts.rules.yml'));
      await writeFile(join(folder, 'token'), 'a-token-of-20-chars!');
    });
    after(() => rm(folder, { recursive: true, force: true }));

    async function check(text: string): Promise<string> {
      const file = join(folder, 'prometheus.yml');
      await writeFile(file, text.replace('/run/sightline/admin-token', join(folder, 'token')));
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', file], {
        encoding: 'utf8',
      });
      return status === 0 ? '' : stdout + stderr;
    }

    for (const name of names) {
      it(`is valid: ${name}, with its rules`, async () => {
        assert.equal(await check(stringify(withoutOtlp(load(name)))), '');
      });
    }

    const mistakes: [what: string, from: string, to: string, said: RegExp][] = [
      ['an unknown key', 'evaluation_interval', 'evaluation_intervall', /evaluation_intervall not found/],
      ['a timeout above its interval', 'scrape_timeout: 4s', 'scrape_timeout: 6s', /scrape timeout greater/],
      [
        'rules that are not there',
        'alerts.rules.yml',
        'alerts.yml',
        /alerts\.yml" does not point to an existing/,
      ],
      [
        'a job that is there twice',
        'job_name: jaeger\n',
        'job_name: sightline\n',
        /multiple scrape configs .*"sightline"/,
      ],
    ];
    for (const [what, from, to, said] of mistakes) {
      it(`would not be with ${what}`, async () => {
        const text = read('otel/prometheus.local.yml');
        assert.ok(text.includes(from), from);
        assert.match(await check(text.replace(from, to)), said);
      });
    }
  });
});

/** https://prometheus.io/docs/prometheus/latest/configuration/configuration/, version 3.14. */
const otlp = z.strictObject({
  translation_strategy: z.enum([
    'UnderscoreEscapingWithSuffixes',
    'UnderscoreEscapingWithoutSuffixes',
    'NoUTF8EscapingWithSuffixes',
    'NoTranslation',
  ]),
  promote_resource_attributes: z.array(z.string()),
  keep_identifying_resource_attributes: z.boolean().optional(),
  convert_histograms_to_nhcb: z.boolean().optional(),
  promote_scope_metadata: z.boolean().optional(),
});

describe('what the stack tells a Prometheus that is newer than the one here', () => {
  const config = load('prometheus.yml').otlp as Record<string, unknown>;

  it('of what is pushed', () => {
    assert.deepEqual(otlp.safeParse(config).error?.issues ?? [], []);
    const { translation_strategy, ...rest } = config;
    assert.equal(otlp.safeParse({ ...rest, translation_strategies: translation_strategy }).success, false);
    assert.equal(otlp.safeParse({ ...config, translation_strategy: 'Underscores' }).success, false);
  });

  const skip = missing(['prometheus'], 'the flags of its command line');
  it('on its command line', { skip }, () => {
    const { stdout, stderr } = spawnSync('prometheus', ['--help'], { encoding: 'utf8' });
    // It came with version 3; the feature of version 2 is no more.
    const known = new Set([...flagsIn(stdout + stderr), '--web.enable-otlp-receiver']);
    const told = parseCompose(read('docker-compose.yml')).services.prometheus?.command ?? [];
    assert.deepEqual(
      flagsIn(told.join('\n')).filter((flag) => !known.has(flag)),
      [],
    );
    assert.ok(!known.has('--storage.tsdb.retention.tim'));
  });
});

/** Flags that stand at the beginning of a line. */
function flagsIn(text: string): string[] {
  return [...text.matchAll(/^ *(--[\w.-]+)/gm)].map(([, flag = '']) => flag);
}

const targets = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels: z.record(z.string(), z.string()), health: z.string(), lastError: z.string() }),
    ),
  }),
});

/** The file as it is, but that it looks more often, and for the service where that listens in this test. */
function configurationFor(name: (typeof names)[number], adminUrl: string, tokenFile: string): string {
  const config = withoutOtlp(load(name));
  Object.assign(config.global, {
    scrape_interval: '300ms',
    scrape_timeout: '300ms',
    evaluation_interval: '300ms',
  });
  config.alerting.alertmanagers = [];
  config.scrape_configs = config.scrape_configs.filter(({ job_name }) => job_name === 'sightline');
  for (const { static_configs, authorization } of config.scrape_configs) {
    static_configs[0].targets = [new URL(adminUrl).host];
    if (authorization) authorization.credentials_file = tokenFile;
  }
  return stringify(config);
}

const skip = missing(['prometheus'], 'a scrape with the configuration of the stack');

// Beside each other: a Prometheus takes some seconds before it looks for the first time.
describe('Prometheus with the configuration of the stack', { skip, concurrency: true }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-scrape-'));
    await mkdir(join(folder, 'run'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function scraped(name: (typeof names)[number], adminUrl: string, tokenFile: string) {
    await using daemon = await Daemon.start({
      command: 'prometheus',
      files: {
        [name]: configurationFor(name, adminUrl, tokenFile),
        'alerts.rules.yml': read('otel/alerts.rules.yml'),
      },
      args: ({ folder, port }) => [
        `--config.file=${folder}/${name}`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ],
    });
    const rules = z.object({
      data: z.object({ groups: z.array(z.object({ rules: z.array(z.unknown()) })) }),
    });
    const { groups } = rules.parse(await daemon.get('/api/v1/rules')).data;
    assert.ok(groups.flatMap(({ rules }) => rules).length > 0);
    const target = await waitFor('a scrape', async () => {
      const { activeTargets } = targets.parse(await daemon.get('/api/v1/targets')).data;
      // A machine that is busy can miss so short a time to answer.
      return activeTargets.find(
        ({ health, lastError }) => health !== 'unknown' && !lastError.includes('deadline exceeded'),
      );
    });
    return { job: target.labels.job, health: target.health, error: target.lastError };
  }

  it('scrapes a service on loopback: prometheus.local.yml', async () => {
    await using service = await startService();
    assert.deepEqual(await scraped('prometheus.local.yml', service.adminUrl, ''), {
      job: 'sightline',
      health: 'up',
      error: '',
    });
  });

  it('is let in with the token that the service made for itself: prometheus.yml', async () => {
    const tokenFile = join(folder, 'run/admin-token');
    await using service = await startService({ config: { admin: { host: '0.0.0.0', port: 0, tokenFile } } });
    assert.match(await readFile(tokenFile, 'utf8'), /^[\w-]{32}\n$/);
    const { health, error } = await scraped('prometheus.yml', service.adminUrl, tokenFile);
    assert.deepEqual([health, error], ['up', '']);
  });

  it('is not let in with another', async () => {
    const [tokenFile, otherFile] = [join(folder, 'run/a'), join(folder, 'run/b')];
    await writeFile(otherFile, 'some-other-token-of-somebody');
    await using service = await startService({ config: { admin: { host: '0.0.0.0', port: 0, tokenFile } } });
    const { health, error } = await scraped('prometheus.yml', service.adminUrl, otherFile);
    assert.equal(health, 'down');
    assert.match(error, /401/);
  });
});
