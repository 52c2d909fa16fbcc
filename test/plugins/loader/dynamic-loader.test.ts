import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import type { FileChange } from '../../../src/plugins/loader/dynamic-loader.ts';
import type { OpenHints } from '../../../src/plugins/loader/folder-hints.ts';
import { noHints, Stage, startStage } from './stage.ts';

const sweeping = { openHints: noHints, limits: { pluginSweepIntervalMs: 10 } };

test('the first batch has everything, in order of path, and start waits until it is applied', async () => {
  const applied = Promise.withResolvers<void>();
  let isStarted = false;
  await using stage = new Stage({ onChanges: () => applied.promise });
  stage.write('b.plugin.ts', 'syntax error');
  stage.write('deep/c.plugin.mjs', 'c');
  stage.write('a.plugin.ts', 'a');
  const started = stage.loader.start().then(() => {
    isStarted = true;
  });
  assert.deepEqual(await stage.batch(), [
    'built a.plugin.ts: a',
    'broken b.plugin.ts: syntax error in a file',
    'built deep/c.plugin.mjs: c',
  ]);
  assert.equal(isStarted, false);
  applied.resolve();
  await started;
});

test('a folder without plugins, or without a folder, gives no batch', async () => {
  await using stage = await startStage({ folder: 'nowhere' });
  await stage.quiet();
  mkdirSync(stage.folder);
  await stage.quiet();
});

test('what is no plugin file is not built', async () => {
  await using stage = await startStage({ watch: false });
  for (const name of [
    'a.ts',
    'a.plugin.d.ts',
    'a.plugin.test.ts',
    'a.test.plugin.ts',
    'a.plugin.tsx',
    'a.plugin.ts.tmp',
    'aplugin.ts',
    '.plugin.ts',
    '.a.plugin.ts',
    'node_modules/a.plugin.ts',
    'deep/node_modules/x/a.plugin.ts',
    '.git/a.plugin.ts',
    '..2026_1/a.plugin.ts',
  ]) {
    stage.write(name, 'nobody reads this');
  }
  symlinkSync('nowhere.ts', stage.path('dangling.plugin.ts'));
  await stage.quiet();
  assert.deepEqual(stage.builds(), []);
  assert.deepEqual(stage.loader.files, []);
});

test('links in a circle end, and of two ways to a folder one is taken', async () => {
  await using stage = await startStage({ watch: false });
  stage.write('deep/a.plugin.ts', 'one');
  symlinkSync('.', stage.path('self'));
  symlinkSync('..', stage.path('deep/up'));
  symlinkSync('two.plugin.ts', stage.path('one.plugin.ts'));
  symlinkSync('one.plugin.ts', stage.path('two.plugin.ts'));
  assert.deepEqual(await stage.batch(), ['built deep/a.plugin.ts: one']);
  await stage.quiet();
});

test('files beyond the limit are not looked at, which is said once; those in use stay', async () => {
  const some = { 'b.plugin.ts': 'b', 'c.plugin.ts': 'c' };
  await using stage = await startStage({ watch: false, limits: { pluginFilesMax: 2 } }, some);
  stage.write('a.plugin.ts', 'a');
  stage.write('d.plugin.ts', 'd');
  await stage.quiet();
  assert.deepEqual(
    stage.logged.map(({ msg, filesBeyond, foldersBeyond }) => ({ msg, filesBeyond, foldersBeyond })),
    [
      {
        msg: 'the plugin folder holds more than pluginFilesMax: the rest of it is not looked at',
        filesBeyond: 2,
        foldersBeyond: 0,
      },
    ],
  );
  stage.remove('c.plugin.ts');
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: a', 'gone c.plugin.ts']);
});

test('without watching only scan looks', async () => {
  await using stage = await startStage({ watch: false }, { 'a.plugin.ts': 'one' });
  stage.write('a.plugin.ts', 'two');
  await stage.loader.scan();
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
});

test('scan sees a change that leaves no trace in size and times', async () => {
  await using stage = await startStage(
    { watch: false },
    { 'a.plugin.ts': "import './help';", 'help.ts': 'one' },
  );
  const read = stage.builder.build.bind(stage.builder);
  // As on a mount whose times are too coarse: what the build read is not what is there by now.
  stage.builder.build = async (file) => {
    const build = await read(file);
    const inputs = new Map([...build.inputs].map(([path]) => [path, 'an older content']));
    return { ...build, inputs, hash: 'an older hash' };
  };
  await stage.loader.rebuild(stage.path('a.plugin.ts'));
  stage.builder.build = read;
  await stage.loader.scan();
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
});

test('scan resolves when what it found has been applied', async () => {
  const order: string[] = [];
  const applied = Promise.withResolvers<void>();
  const onChanges = async () => {
    order.push('begun');
    await applied.promise;
    order.push('applied');
  };
  await using stage = await startStage({ openHints: noHints, onChanges });
  stage.write('a.plugin.ts', 'one');
  const scanned = stage.loader.scan().then(() => order.push('scanned'));
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
  applied.resolve();
  await scanned;
  assert.deepEqual(order, ['begun', 'applied', 'scanned']);
});

test('changes during a batch gather for the next one, the latest of each file', async () => {
  const gate = Promise.withResolvers<void>();
  const onChanges = (changes: readonly FileChange[]) =>
    changes.length === 1 ? gate.promise : Promise.resolve();
  await using stage = await startStage(
    { ...sweeping, onChanges },
    { 'a.plugin.ts': 'a', 'b.plugin.ts': 'b' },
  );
  stage.write('a.plugin.ts', 'a2');
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: a2']);
  for (const text of ['3', '4', '5']) {
    stage.write('a.plugin.ts', `a${text}`);
    stage.write('b.plugin.ts', `b${text}`);
    // Both are built while the batch before is still being applied.
    while (stage.builds().length < 2) await new Promise(setImmediate);
  }
  gate.resolve();
  const rest = await stage.batchesUntil('built b.plugin.ts: b5');
  assert.deepEqual(rest.at(-1), ['built a.plugin.ts: a5', 'built b.plugin.ts: b5']);
  await stage.quiet();
});

test('onChanges that rejects or throws is logged, and the next batch comes', async () => {
  const failures = [
    () => Promise.reject(new Error('not this time')),
    () => {
      throw new Error('nor this');
    },
  ];
  const onChanges = () => failures.shift()?.() ?? Promise.resolve();
  await using stage = await startStage({ watch: false, onChanges }, { 'a.plugin.ts': 'one' });
  for (const text of ['two', 'three']) {
    stage.write('a.plugin.ts', text);
    assert.deepEqual(await stage.batch(), [`built a.plugin.ts: ${text}`]);
  }
  assert.deepEqual(
    stage.logged.map(({ level, error, files }) => ({ level, error, files })),
    ['Error: not this time', 'Error: nor this'].map((error) => ({
      level: 50,
      error,
      files: [stage.path('a.plugin.ts')],
    })),
  );
  await stage.quiet();
});

test('a broken file is told once, and is not built again while nothing of it changes', async () => {
  const opened = Promise.withResolvers<() => void>();
  const openHints: OpenHints = (_folder, onHint) => {
    opened.resolve(onHint);
    return { close: async () => undefined };
  };
  await using stage = await startStage({ openHints }, { 'a.plugin.ts': 'syntax error', 'b.plugin.ts': 'b' });
  const hint = await opened.promise;
  stage.builds();
  for (let round = 0; round < 10; round++) {
    stage.write('b.plugin.ts', `b${round}`);
    hint();
    assert.deepEqual(await stage.batch(), [`built b.plugin.ts: b${round}`]);
  }
  assert.deepEqual(new Set(stage.builds()), new Set(['b.plugin.ts']));
  // Whoever scans wants it tried again, and still it is no news.
  await stage.quiet();
  assert.deepEqual(new Set(stage.builds()), new Set(['a.plugin.ts']));
});

test('what a build failed of passes by itself', async () => {
  await using stage = new Stage(sweeping);
  stage.write('a.plugin.ts', 'one');
  let failures = 0;
  const build = stage.builder.build.bind(stage.builder);
  stage.builder.build = (file) => (++failures < 4 ? Promise.reject(new Error('EMFILE')) : build(file));
  await stage.loader.start();
  assert.deepEqual(await stage.batch(), ['broken a.plugin.ts: EMFILE']);
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
});

test('a file larger than the limit is told by the builder, and noticed when it shrinks', async () => {
  await using stage = await startStage({ watch: false, limits: { pluginFileBytesMax: 100 } });
  stage.write('a.plugin.ts', `syntax error${' '.repeat(100)}`);
  assert.match((await stage.batch()).join(), /^broken a\.plugin\.ts/);
  utimesSync(stage.path('a.plugin.ts'), new Date(), new Date());
  await stage.quiet();
  stage.write('a.plugin.ts', 'small');
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: small']);
});

test('a file that is written without end does not hold up scan and rebuild for ever', async () => {
  await using stage = await startStage(
    { watch: false, limits: { pluginSettleMs: 5 } },
    { 'a.plugin.ts': 'one' },
  );
  let writes = 0;
  const write = () => writeFileSync(stage.path('a.plugin.ts'), `${++writes}`);
  stage.builder.onRead = write;
  write();
  await stage.loader.scan();
  const change = await stage.loader.rebuild(stage.path('a.plugin.ts'));
  assert.ok(change?.kind === 'broken');
  assert.match(change.problem.message, /written without end/);
  stage.builder.onRead = () => undefined;
  assert.deepEqual(await stage.batch(), [`built a.plugin.ts: ${writes}`]);
});

test('what cannot be read for a while is not gone', async () => {
  await using stage = await startStage({ watch: false }, { 'a.plugin.ts': 'one', 'deep/b.plugin.ts': 'two' });
  const readFolder = mock.method(fs, 'readdir', async () => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  });
  syncBuiltinESMExports();
  try {
    await stage.quiet();
    assert.ok(readFolder.mock.callCount() > 0);
  } finally {
    readFolder.mock.restore();
    syncBuiltinESMExports();
  }
  assert.deepEqual(stage.loader.files, [stage.path('a.plugin.ts'), stage.path('deep/b.plugin.ts')]);
  await stage.quiet();
  assert.deepEqual(
    stage.logged.map(({ msg, folders }) => ({ msg, folders })),
    [
      {
        msg: 'not all of the plugin folder can be read: what was known of it stays',
        folders: [stage.folder],
      },
    ],
  );
});

test('a pipe with the name of a plugin is not waited for', async () => {
  await using stage = await startStage({ watch: false });
  execFileSync('mkfifo', [stage.path('a.plugin.ts')]);
  assert.deepEqual(await stage.batch(), ['broken a.plugin.ts: It is not a file.']);
});

test('folders beyond the limit are not walked, and what was known in them stays', async () => {
  await using stage = await startStage(
    { watch: false, limits: { pluginFilesMax: 3 } },
    {
      'x/a.plugin.ts': 'one',
      'y/b.plugin.ts': 'one',
    },
  );
  for (const name of ['w', 'v']) mkdirSync(stage.path(name));
  stage.write('y/b.plugin.ts', 'two');
  assert.deepEqual(await stage.batch(), ['built y/b.plugin.ts: two']);
  await stage.quiet();
  assert.deepEqual(
    stage.logged.map(({ filesBeyond, foldersBeyond }) => ({ filesBeyond, foldersBeyond })),
    [{ filesBeyond: 0, foldersBeyond: 2 }],
  );
});

test('hints begin anew when a link on the way leads elsewhere', async () => {
  const events: string[] = [];
  const first = Promise.withResolvers<() => void>();
  const second = Promise.withResolvers<() => void>();
  await using stage = await startStage({
    folder: 'current',
    limits: { pluginSettleMs: 1 },
    openHints: (_folder, onHint) => {
      (events.length === 0 ? first : second).resolve(onHint);
      events.push('open');
      return {
        close: async () => {
          events.push('close');
        },
      };
    },
  });
  const hint = await first.promise;
  mkdirSync(join(stage.root, 'release'));
  symlinkSync('release', stage.folder);
  hint();
  await second.promise;
  assert.deepEqual(events, ['open', 'close', 'open']);
  await stage.loader.stop();
  assert.deepEqual(events, ['open', 'close', 'open', 'close']);
});

test('thousands of saves end with the newest content', async () => {
  await using stage = await startStage(
    { ...sweeping, limits: { pluginSettleMs: 1, pluginSweepIntervalMs: 1 } },
    {
      'a.plugin.ts': "0 import './help';",
      'help.ts': '0',
    },
  );
  for (let save = 1; save <= 2_000; save++) {
    stage.write('a.plugin.ts', `${save} import './help';`);
    if (save % 7 === 0) stage.writeAtomically('help.ts', `${save}`);
    if (save % 10 === 0) await new Promise(setImmediate);
  }
  stage.write('help.ts', 'last');
  await stage.batchesUntil('built a.plugin.ts: 2000 last');
  await stage.quiet();
});
