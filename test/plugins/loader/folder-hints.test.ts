import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { mock, test } from 'node:test';
import { createLog } from '../../../src/log.ts';
import { openFolderHints } from '../../../src/plugins/loader/folder-hints.ts';
import { Stage, startStage } from './stage.ts';

test('where nothing can be watched, one warning says so, and sweeps find the changes', async () => {
  const watch = mock.method(fs, 'watch', () => {
    throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' });
  });
  syncBuiltinESMExports();
  try {
    await using stage = new Stage({ limits: { pluginSweepIntervalMs: 20 } });
    stage.write('deep/a.plugin.ts', 'one');
    stage.write('deeper/b.plugin.ts', 'one');
    await stage.loader.start();
    await stage.batch();
    while (watch.mock.callCount() < 3) await new Promise(setImmediate);
    stage.write('deep/a.plugin.ts', 'two');
    assert.deepEqual(await stage.batch(), ['built deep/a.plugin.ts: two']);
    assert.deepEqual(
      stage.logged.map(({ level, error }) => ({ level, error })),
      [{ level: 40, error: 'Error: System limit for number of file watchers reached' }],
    );
  } finally {
    watch.mock.restore();
    syncBuiltinESMExports();
  }
});

test('a watcher that breaks off does not hurt', async () => {
  const watchers: fs.FSWatcher[] = [];
  const original = fs.watch.bind(fs) as (...given: unknown[]) => fs.FSWatcher;
  const watch = mock.method(fs, 'watch', (...given: unknown[]) => {
    const watcher = original(...given);
    watchers.push(watcher);
    return watcher;
  });
  syncBuiltinESMExports();
  try {
    await using stage = await startStage({ limits: { pluginSweepIntervalMs: 20 } }, { 'a.plugin.ts': 'one' });
    while (watchers.length === 0) await new Promise(setImmediate);
    for (const watcher of watchers) watcher.emit('error', new Error('the mount has gone'));
    stage.write('a.plugin.ts', 'two');
    assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
    await stage.quiet();
  } finally {
    watch.mock.restore();
    syncBuiltinESMExports();
  }
});

test('what lies beside the plugins gives no hints, and node_modules is not watched', async () => {
  await using stage = new Stage({ watch: false });
  for (const folder of ['node_modules/x', '.git', 'deep']) stage.write(`${folder}/x.js`, '');
  let hint = Promise.withResolvers<void>();
  let hints = 0;
  const opened = openFolderHints(
    stage.folder,
    () => {
      hints++;
      hint.resolve();
    },
    createLog('silent'),
  );
  await hint.promise;
  hints = 0;
  hint = Promise.withResolvers();
  for (const name of ['traffic.log', 'deep/db.sqlite-wal', 'node_modules/x/y.js', '.git/index.js', 'a.ts~']) {
    for (let i = 0; i < 10; i++) fs.appendFileSync(stage.path(name), 'x');
  }
  // Hints come in order: this one is behind all that the others could have given.
  stage.write('deep/a.plugin.ts', 'one');
  await hint.promise;
  assert.equal(hints, 1);
  await opened.close();
});
