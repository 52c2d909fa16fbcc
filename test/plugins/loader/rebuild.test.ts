import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileChange } from '../../../src/plugins/loader/dynamic-loader.ts';
import { startStage } from './stage.ts';

test('rebuild gives the same build again, to its caller alone', async () => {
  await using stage = await startStage({}, { 'a.plugin.ts': 'one' });
  const change = await stage.loader.rebuild(stage.path('a.plugin.ts'));
  assert.ok(change?.kind === 'built');
  assert.equal(change.build.code, 'one');
  await stage.quiet();
});

test('rebuild sees what has changed meanwhile, and waits for it to settle', async () => {
  await using stage = await startStage({ watch: false }, { 'a.plugin.ts': 'one' });
  stage.write('a.plugin.ts', 'two');
  const change = await stage.loader.rebuild(stage.path('a.plugin.ts'));
  assert.ok(change?.kind === 'built');
  assert.equal(change.build.code, 'two');
  await stage.quiet();
  stage.write('new.plugin.ts', 'syntax error');
  assert.equal((await stage.loader.rebuild(stage.path('new.plugin.ts')))?.kind, 'broken');
  await stage.quiet();
});

test('rebuild hands on what it finds of other files', async () => {
  await using stage = await startStage({ watch: false }, { 'a.plugin.ts': 'one', 'b.plugin.ts': 'one' });
  stage.write('a.plugin.ts', 'two');
  stage.write('b.plugin.ts', 'two');
  await stage.loader.rebuild(stage.path('a.plugin.ts'));
  assert.deepEqual(await stage.batch(), ['built b.plugin.ts: two']);
});

test('rebuild of a file that is not there, or is no plugin, gives nothing', async () => {
  await using stage = await startStage(
    { watch: false },
    { 'a.plugin.ts': "import './help';", 'help.ts': 'one' },
  );
  assert.equal(await stage.loader.rebuild(stage.path('b.plugin.ts')), undefined);
  assert.equal(await stage.loader.rebuild(stage.path('help.ts')), undefined);
  stage.remove('a.plugin.ts');
  assert.equal(await stage.loader.rebuild(stage.path('a.plugin.ts')), undefined);
  assert.deepEqual(await stage.batch(), ['gone a.plugin.ts']);
});

test('rebuild during onChanges waits for nothing', async () => {
  const rebuilt: (FileChange | undefined)[] = [];
  await using stage = await startStage({
    watch: false,
    onChanges: async (changes) => {
      for (const { file } of changes) rebuilt.push(await stage.loader.rebuild(file));
    },
  });
  stage.write('a.plugin.ts', 'one');
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
  await stage.loader.scan();
  assert.deepEqual(
    rebuilt.map((change) => change?.kind),
    ['built'],
  );
});
