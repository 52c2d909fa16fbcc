import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { severities } from '../../src/alerts/threshold.ts';
import { Daemon } from '../support/daemon.ts';
import { missing } from '../support/is-installed.ts';
import { read } from './compose-file.ts';

const text = read('otel/alertmanager.yml');

describe('the configuration of Alertmanager', () => {
  it('knows the severities that alerts have', () => {
    const named = [...text.matchAll(/severity="(\w+)"/g)].map(([, severity = '']) => severity);
    assert.ok(named.length > 0);
    for (const severity of named) assert.ok((severities as readonly string[]).includes(severity), severity);
  });

  describe('checked by amtool', { skip: missing(['amtool'], 'the check of its configuration') }, () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sightline-amtool-'));
    });
    after(() => rm(folder, { recursive: true, force: true }));

    async function check(yaml: string): Promise<string> {
      const file = join(folder, 'alertmanager.yml');
      await writeFile(file, yaml);
      const { status, stdout, stderr } = spawnSync('amtool', ['check-config', file], { encoding: 'utf8' });
      return status === 0 ? '' : stdout + stderr;
    }

    it('is valid', async () => assert.equal(await check(text), ''));

    it('is valid with the receiver that it proposes', async () => {
      const uncommented = text.replaceAll(
        /^( +)# (?=webhook_configs:| {2}- url:| {4}send_resolved:)/gm,
        '$1',
      );
      assert.match(uncommented, /^ {4}webhook_configs:\n {6}- url: /m);
      assert.equal(await check(uncommented), '');
    });

    const mistakes: [what: string, from: string, to: string, said: RegExp][] = [
      [
        'a receiver that is not there',
        'receiver: operators',
        'receiver: operator',
        /undefined receiver "operator"/,
      ],
      ['a broken matcher', 'severity="critical"', 'severity', /bad matcher/],
      ['an unknown key', 'group_wait: 10s', 'group_waits: 10s', /group_waits not found/],
    ];
    for (const [what, from, to, said] of mistakes) {
      it(`would not be with ${what}`, async () => {
        assert.ok(text.includes(from), from);
        assert.match(await check(text.replace(from, to)), said);
      });
    }
  });

  const skip = missing(['prometheus-alertmanager'], 'a start with its configuration');
  it('is what a real one starts with, as docker-compose.yml starts it', { skip }, async () => {
    await using daemon = await Daemon.start({
      command: 'prometheus-alertmanager',
      files: { 'alertmanager.yml': text },
      args: ({ folder, port }) => [
        `--config.file=${folder}/alertmanager.yml`,
        `--storage.path=${folder}/data`,
        '--cluster.listen-address=',
        `--web.listen-address=127.0.0.1:${port}`,
      ],
    });
    assert.deepEqual(await daemon.get('/api/v2/alerts'), []);
  });
});
