import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readTokenFile } from '../../src/admin/token-file.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { startService } from '../support/service.ts';

describe('the file with the admin token', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-token-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('is read, without the line break at its end', async () => {
    const path = join(folder, 'own');
    await writeFile(path, 'a-token-of-20-chars!\n');
    assert.equal(await readTokenFile(path), 'a-token-of-20-chars!');
    assert.equal(await readFile(path, 'utf8'), 'a-token-of-20-chars!\n');
  });

  test('is made where there is none, at random, for its owner and group; and then stays', async () => {
    const path = join(folder, 'made');
    const token = await readTokenFile(path);
    assert.match(token, /^[\w-]{32}$/);
    assert.equal((await stat(path)).mode & 0o777, 0o640 & ~process.umask());
    assert.equal(await readTokenFile(path), token);
    assert.notEqual(await readTokenFile(join(folder, 'another')), token);
  });

  test('is the same for all that make it at once, and nothing is left beside it', async () => {
    const place = join(folder, 'race');
    await mkdir(place);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => readTokenFile(join(place, 'token'))));
    assert.equal(new Set(tokens).size, 1);
    assert.deepEqual(await readdir(place), ['token']);
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['a short token', 'hunter2'],
    ['two words', 'two words of many letters'],
  ] as const) {
    test(`is refused with ${what} in it, without showing it`, async () => {
      const path = join(folder, 'bad');
      await writeFile(path, text);
      await assert.rejects(readTokenFile(path), (thrown: Error) => {
        assert.ok(thrown instanceof ConfigError);
        assert.match(thrown.message, /\/bad: the admin plane's token: expected a text of at least 16/);
        assert.ok(text === '' || !thrown.message.includes(text));
        return true;
      });
    });
  }

  test('is named where it cannot be made', async () => {
    const path = join(folder, 'nowhere/token');
    await assert.rejects(readTokenFile(path), { name: 'ConfigError', message: /nowhere\/token: .*ENOENT/ });
  });

  test('opens the admin plane, which may then be bound elsewhere than to loopback', async () => {
    const tokenFile = join(folder, 'service');
    await using service = await startService({ config: { admin: { host: '0.0.0.0', port: 0, tokenFile } } });
    const token = (await readFile(tokenFile, 'utf8')).trim();
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(service.adminUrl + path, { headers })).status;
    assert.equal(await status('/healthz'), 200);
    assert.equal(await status('/metrics'), 401);
    assert.equal(await status('/metrics', { authorization: `Bearer ${token}` }), 200);
  });
});
