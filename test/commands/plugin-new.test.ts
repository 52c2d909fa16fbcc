import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runNode } from '../support/run-process.ts';
import { main, openWorkplace, root } from './workplace.ts';

const tsc = join(root, 'node_modules/typescript/bin/tsc');

describe('sightline plugin new', () => {
  it('writes a plugin that passes its own test, its check and the type check, far from any package', async () => {
    await using place = await openWorkplace();
    const made = await place.run(['plugin', 'new', 'my-first']);
    assert.equal(made.code, 0);
    const [plugin, test] = ['plugins/my-first.plugin.ts', 'plugins/my-first.plugin.test.ts'];
    for (const file of [plugin, test, 'plugins/tsconfig.json'])
      assert.ok(made.stdout.includes(`wrote ${file}\n`));
    assert.match(made.stdout, /plugin test plugins\/my-first\.plugin\.test\.ts/);

    const tested = await place.run(['plugin', 'test', test]);
    assert.equal(tested.code, 0, tested.stdout + tested.stderr);
    assert.match(tested.stdout, /pass 1/);
    assert.equal(tested.stderr, '');
    const checked = await place.run(['plugin', 'check', plugin]);
    assert.equal(checked.code, 0, checked.stderr);
    assert.match(checked.stdout, /my-first 0\.1\.0/);
    await using types = runNode([tsc, '-p', 'plugins'], { cwd: place.folder });
    assert.equal((await types.waitForExit(60_000)).code, 0, types.stdout);
  });

  it('writes what plain Node runs, where the package is installed', async () => {
    await using place = await openWorkplace({ 'package.json': '{ "type": "module" }' });
    await place.install();
    const made = await place.run(['plugin', 'new', 'hello', '--folder', 'mine']);
    assert.match(made.stdout, /npx node --test mine\/hello\.plugin\.test\.ts/);
    assert.match(made.stdout, /SIGHTLINE_PLUGINS=mine /);
    assert.ok(!existsSync(join(place.folder, 'mine/tsconfig.json')), 'no tsconfig.json is needed');
    const tested = await place.node(['--test', 'mine/hello.plugin.test.ts']);
    assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  });

  it('writes into the folder that is watched, as the configuration names it', async () => {
    await using place = await openWorkplace({ 'sightline.yaml': 'plugins: { folder: ours }' });
    assert.equal((await place.run(['plugin', 'new', 'one'])).code, 0);
    assert.ok(existsSync(join(place.folder, 'ours/one.plugin.ts')));
    assert.equal((await place.run(['plugin', 'new', 'two'], { SIGHTLINE_PLUGINS: 'theirs' })).code, 0);
    assert.ok(existsSync(join(place.folder, 'theirs/two.plugin.ts')));
  });

  it('needs no secrets, of plugins neither', async () => {
    const unset = `
alerts: { webhooks: ["\${ALERT_WEBHOOK}"] }
admin: { token: "\${ADMIN_TOKEN}", port: 4712 }
plugins: { folder: ours, config: { guard: { key: "\${GUARD_KEY}" } } }
`;
    await using place = await openWorkplace({ 'sightline.yaml': unset });
    const { code, stdout, stderr } = await place.run(['plugin', 'new', 'one']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(existsSync(join(place.folder, 'ours/one.plugin.ts')));
    assert.ok(stdout.includes('http://127.0.0.1:4712 in a browser'), stdout);
  });

  it('leaves a tsconfig.json as it is that is there, or further up', async () => {
    await using place = await openWorkplace({ 'tsconfig.json': '{}' });
    const made = await place.run(['plugin', 'new', 'hello']);
    assert.doesNotMatch(made.stdout, /tsconfig/);
    assert.equal(await readFile(join(place.folder, 'tsconfig.json'), 'utf8'), '{}');
  });

  for (const taken of ['hello.plugin.ts', 'hello.plugin.mjs', 'hello.plugin.test.ts']) {
    it(`overwrites nothing: ${taken}`, async () => {
      await using place = await openWorkplace({ [`plugins/${taken}`]: '// mine' });
      const { code, stderr } = await place.run(['plugin', 'new', 'hello']);
      assert.equal(code, 1);
      assert.ok(stderr.includes(`${taken} is there already, and nothing is overwritten`), stderr);
      assert.equal(await readFile(join(place.folder, 'plugins', taken), 'utf8'), '// mine');
    });
  }

  it('refuses names that no plugin can have', async () => {
    await using place = await openWorkplace();
    const names = ['Hello', '1st', 'with space', '../up', 'hello.plugin.ts', 'x'.repeat(65), ''];
    const refused = await Promise.all(names.map((name) => place.run(['plugin', 'new', name])));
    for (const { code, stderr } of refused) {
      assert.equal(code, 1);
      assert.match(stderr, /cannot be the name of a plugin: expected lower case letters, digits and hyphens/);
    }
    assert.ok(!existsSync(join(place.folder, 'plugins')));
  });

  it('says how to go on with the Node that runs it, and the ports that are configured', async () => {
    await using place = await openWorkplace();
    const env = { PATH: '/nowhere', SIGHTLINE_ADMIN_PORT: '4711' };
    const { code, stdout, stderr } = await place.run(['plugin', 'new', 'hello'], env);
    assert.equal(code, 0, stderr);
    assert.ok(
      stdout.includes(`\n  ${process.execPath} ${main} plugin check plugins/hello.plugin.ts\n`),
      stdout,
    );
    assert.ok(stdout.includes('http://127.0.0.1:4711 in a browser'), stdout);
  });

  it('refuses a folder that is none', async () => {
    await using place = await openWorkplace({ taken: 'a file' });
    const { code, stderr } = await place.run(['plugin', 'new', 'hello', '--folder', 'taken']);
    assert.equal(code, 1);
    assert.match(stderr, /taken is no folder; expected one, or a path where it can be made/);
    const empty = await place.run(['plugin', 'new', 'hello', '--folder', '']);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /Expected a folder behind --folder/);
  });

  it('refuses more than one name, and none', async () => {
    await using place = await openWorkplace();
    for (const names of [[], ['one', 'two']]) {
      const { code, stderr } = await place.run(['plugin', 'new', ...names]);
      assert.equal(code, 1);
      assert.match(stderr, /Expected one name/);
    }
  });
});
