import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '../../../src/log.ts';
import { PluginFolder } from '../../../src/plugins/loader/plugin-folder.ts';
import { FakeBuilder } from './fake-builder.ts';

const settleMs = 20;

function openFolder(files: Record<string, string>, isOld = true) {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-folder-'));
  const path = (name: string) => join(folder, name);
  for (const [name, text] of Object.entries(files)) writeFileSync(path(name), text);
  const builder = new FakeBuilder();
  const plugins = new PluginFolder({
    folder,
    builder,
    log: createLog('silent'),
    limits: {
      pluginSettleMs: settleMs,
      pluginSweepIntervalMs: 3_600_000,
      pluginFilesMax: 10,
      pluginFileBytesMax: 1_000,
    },
  });
  const look = async () => {
    const { changes } = await plugins.look();
    return changes.map(({ change }) => (change.kind === 'built' ? change.build.code : change.kind));
  };
  return {
    path,
    builder,
    plugins,
    look,
    write: (name: string, text: string) => writeFileSync(path(name), text),
    /** Looks until nothing is changing any more. */
    async settle() {
      if (isOld) await sleep(settleMs);
      const seen: string[] = [];
      for (;;) {
        const { changes, nextMs } = await plugins.look();
        for (const { change } of changes) {
          seen.push(change.kind === 'built' ? change.build.code : change.kind);
        }
        if (nextMs === undefined) return seen;
        await sleep(nextMs);
      }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

test('old files need not settle when they are first seen', async () => {
  using folder = openFolder({ 'a.plugin.ts': 'one', 'b.plugin.ts': 'two' });
  await sleep(2 * settleMs);
  assert.equal((await folder.plugins.look()).nextMs, 0);
  assert.deepEqual(await folder.look(), ['one', 'two']);
});

test('files that are written when they are first seen have to settle, and the others wait for them', async () => {
  using folder = openFolder({ 'a.plugin.ts': 'one', 'b.plugin.ts': 'two' });
  await sleep(2 * settleMs);
  const soon = new Date(Date.now() + 3_600_000);
  utimesSync(folder.path('b.plugin.ts'), soon, soon);
  assert.deepEqual(await folder.look(), []);
  assert.deepEqual(await folder.settle(), ['one', 'two']);
});

test('a slow writer: nothing is built while looks differ, however far apart they are', async () => {
  using folder = openFolder({});
  await folder.settle();
  folder.write('a.plugin.ts', 'begun');
  for (let piece = 1; piece <= 6; piece++) {
    assert.deepEqual(await folder.look(), []);
    await sleep(settleMs * 1.5);
    appendFileSync(folder.path('a.plugin.ts'), ` ${piece}`);
  }
  assert.deepEqual(await folder.settle(), ['begun 1 2 3 4 5 6']);
  assert.equal(folder.builder.asked.length, 1);
});

test('a slow writer of a helper holds back the plugins that take it in, and no others', async () => {
  using folder = openFolder({
    'a.plugin.ts': "a import './help';",
    'b.plugin.ts': 'b',
    'help.ts': 'one',
  });
  await folder.settle();
  folder.write('a.plugin.ts', "a2 import './help';");
  folder.write('b.plugin.ts', 'b2');
  const seen: string[] = [];
  for (let piece = 1; seen.length === 0; piece++) {
    appendFileSync(folder.path('help.ts'), ` ${piece}`);
    seen.push(...(await folder.look()));
    await sleep(settleMs / 4);
  }
  assert.deepEqual(seen, ['b2']);
  folder.write('help.ts', 'whole');
  assert.deepEqual(await folder.settle(), ['a2 whole']);
});

test('a file that is gone for less than the settle time has changed, no more', async () => {
  using folder = openFolder({ 'a.plugin.ts': 'one' });
  await folder.settle();
  for (const text of ['two', 'three']) {
    rmSync(folder.path('a.plugin.ts'));
    assert.deepEqual(await folder.look(), []);
    folder.write('a.plugin.ts', text);
    assert.deepEqual(await folder.settle(), [text]);
  }
  rmSync(folder.path('a.plugin.ts'));
  assert.deepEqual(await folder.look(), []);
  folder.write('a.plugin.ts', 'three');
  assert.deepEqual(await folder.settle(), []);
  rmSync(folder.path('a.plugin.ts'));
  assert.deepEqual(await folder.settle(), ['gone']);
});

test('a file that changes while it is built is built again, and the mixture is not told', async () => {
  using folder = openFolder({ 'a.plugin.ts': "one import './help';", 'help.ts': 'helped' });
  await folder.settle();
  const rewrites = ['three', 'four'];
  folder.builder.onRead = () => {
    const text = rewrites.shift();
    if (text) folder.write('a.plugin.ts', `${text} import './help';`);
  };
  folder.write('a.plugin.ts', "two import './help';");
  assert.deepEqual(await folder.settle(), ['four helped']);
});

test('a helper that changes while it is first read is built again', async () => {
  using folder = openFolder({ 'a.plugin.ts': "one import './help';", 'help.ts': 'old' });
  await sleep(2 * settleMs);
  const rewrites = ['new'];
  folder.builder.onRead = () => {
    const text = rewrites.shift();
    if (text) folder.write('help.ts', text);
  };
  assert.deepEqual(await folder.settle(), ['one new']);
});

test('a missing helper that appears while the build fails is found', async () => {
  using folder = openFolder({ 'a.plugin.ts': "one import './help';" });
  folder.builder.onRead = () => {
    if (folder.builder.asked.length === 1) folder.write('help.ts', 'there');
  };
  assert.deepEqual(await folder.settle(), ['one there']);
});

test('what lies where a missing helper is looked for is no reason to build for ever', async () => {
  using folder = openFolder({ 'a.plugin.ts': "one import './help';" });
  mkdirSync(folder.path('help'));
  writeFileSync(folder.path('help.cts'), 'of no use to this builder');
  assert.deepEqual(await folder.settle(), ['broken']);
  folder.builder.asked.length = 0;
  for (let look = 0; look < 5; look++) assert.deepEqual(await folder.settle(), []);
  assert.deepEqual(folder.builder.asked, []);
});

test('a helper that is broken for two, repaired by a third file, is no different', async () => {
  using folder = openFolder({
    'a.plugin.ts': "a import './help';",
    'b.plugin.ts': "b import './help';",
    'help.ts': "import './deep';",
  });
  assert.deepEqual(await folder.settle(), ['broken', 'broken']);
  folder.write('deep.ts', 'found');
  assert.deepEqual(await folder.settle(), ['a found', 'b found']);
});
