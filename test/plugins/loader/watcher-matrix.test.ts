import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startStage, ways } from './stage.ts';

for (const [name, way] of Object.entries(ways)) {
  describe(`changes are found ${name}`, () => {
    test('a new file', async () => {
      await using stage = await startStage(way);
      stage.write('a.plugin.ts', 'one');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
      assert.deepEqual(stage.loader.files, [stage.path('a.plugin.ts')]);
      await stage.quiet();
    });

    test('a changed file', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one', 'b.plugin.js': 'other' });
      stage.write('a.plugin.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      stage.write('a.plugin.ts', 'three');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: three']);
      await stage.quiet();
    });

    test('a changed helper', async () => {
      await using stage = await startStage(way, {
        'a.plugin.ts': "import './help';",
        'b.plugin.ts': 'other',
        'help.ts': 'one',
      });
      stage.write('help.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      await stage.quiet();
    });

    test('a changed helper of a helper, in a folder beside', async () => {
      await using stage = await startStage(way, {
        'a.plugin.ts': "import './lib/near';",
        'lib/near.ts': "import '../deep/far.js';",
        'deep/far.js': 'one',
      });
      stage.write('deep/far.js', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      await stage.quiet();
    });

    test('a helper that two plugins share: one batch', async () => {
      await using stage = await startStage(way, {
        'b.plugin.ts': "b import './help';",
        'a.plugin.mjs': "a import './help';",
        'help.ts': 'one',
      });
      stage.write('help.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.mjs: a two', 'built b.plugin.ts: b two']);
      await stage.quiet();
    });

    test('a deleted file', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one', 'b.plugin.ts': 'other' });
      stage.remove('a.plugin.ts');
      assert.deepEqual(await stage.batch(), ['gone a.plugin.ts']);
      assert.deepEqual(stage.loader.files, [stage.path('b.plugin.ts')]);
      await stage.quiet();
    });

    test('a deleted file that comes back', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one' });
      stage.remove('a.plugin.ts');
      assert.deepEqual(await stage.batch(), ['gone a.plugin.ts']);
      stage.write('a.plugin.ts', 'one');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
      await stage.quiet();
    });

    test('a renamed file: one batch', async () => {
      await using stage = await startStage(way, { 'b.plugin.ts': 'one' });
      renameSync(stage.path('b.plugin.ts'), stage.path('a.plugin.ts'));
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one', 'gone b.plugin.ts']);
      await stage.quiet();
    });

    test('an atomic save, again and again', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one' });
      for (const text of ['two', 'three', 'four']) {
        stage.writeAtomically('a.plugin.ts', text);
        assert.deepEqual(await stage.batch(), [`built a.plugin.ts: ${text}`]);
      }
      await stage.quiet();
    });

    test('an atomic save with a backup, as Vim does it', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one' });
      renameSync(stage.path('a.plugin.ts'), stage.path('a.plugin.ts~'));
      stage.write('a.plugin.ts', 'two');
      stage.remove('a.plugin.ts~');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      await stage.quiet();
    });

    test('a file that is deleted and written anew', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one' });
      stage.remove('a.plugin.ts');
      stage.write('a.plugin.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      await stage.quiet();
    });

    test('a touched file and the same content saved again are no change', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': "one import './help';", 'help.ts': 'two' });
      stage.builds();
      utimesSync(stage.path('a.plugin.ts'), new Date(), new Date());
      utimesSync(stage.path('help.ts'), new Date(), new Date());
      await stage.quiet();
      stage.write('a.plugin.ts', "one import './help';");
      stage.writeAtomically('help.ts', 'two');
      await stage.quiet();
      stage.remove('help.ts');
      stage.write('help.ts', 'two');
      await stage.quiet();
      assert.deepEqual(stage.builds(), []);
    });

    test('a version that was taken back before it had settled is no change', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one' });
      stage.write('a.plugin.ts', 'two');
      stage.write('a.plugin.ts', 'one');
      await stage.quiet();
    });

    test('two files in one save: one batch', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one', 'b.plugin.ts': 'one' });
      stage.write('b.plugin.ts', 'two');
      stage.write('a.plugin.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two', 'built b.plugin.ts: two']);
      await stage.quiet();
    });

    test('a plugin and its new helper in one save', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one' });
      stage.write('a.plugin.ts', "two import './help';");
      stage.write('help.ts', 'helped');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two helped']);
      stage.write('help.ts', 'helped again');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two helped again']);
      await stage.quiet();
    });

    test('a file in a new nested folder', async () => {
      await using stage = await startStage(way);
      stage.write('deep/down/a.plugin.ts', 'one');
      assert.deepEqual(await stage.batch(), ['built deep/down/a.plugin.ts: one']);
      stage.write('deep/down/a.plugin.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built deep/down/a.plugin.ts: two']);
      await stage.quiet();
    });

    test('a nested folder that moves', async () => {
      await using stage = await startStage(way, {
        'x/a.plugin.ts': "one import './help';",
        'x/help.ts': 'two',
      });
      renameSync(stage.path('x'), stage.path('y'));
      assert.deepEqual(await stage.batch(), ['gone x/a.plugin.ts', 'built y/a.plugin.ts: one two']);
      await stage.quiet();
    });

    test('a folder that appears later', async () => {
      await using stage = await startStage({ ...way, folder: 'not/yet/there' });
      assert.deepEqual(stage.loader.files, []);
      stage.write('a.plugin.ts', 'one');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
      await stage.quiet();
    });

    test('a folder that is deleted, and back', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one', 'deep/b.plugin.ts': 'one' });
      rmSync(stage.folder, { recursive: true });
      assert.deepEqual(await stage.batch(), ['gone a.plugin.ts', 'gone deep/b.plugin.ts']);
      stage.write('a.plugin.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      stage.write('a.plugin.ts', 'three');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: three']);
      await stage.quiet();
    });

    test('a folder that another one replaces', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one', 'b.plugin.ts': 'one' });
      mkdirSync(join(stage.root, 'next'));
      writeFileSync(join(stage.root, 'next/a.plugin.ts'), 'two');
      renameSync(stage.folder, join(stage.root, 'last'));
      renameSync(join(stage.root, 'next'), stage.folder);
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two', 'gone b.plugin.ts']);
      await stage.quiet();
    });

    test('the folder of a ConfigMap that Kubernetes swaps', async () => {
      await using stage = await startStage(way);
      const swap = (version: string, files: Record<string, string>) => {
        for (const [file, text] of Object.entries(files)) stage.write(`..2026_${version}/${file}`, text);
        symlinkSync(`..2026_${version}`, stage.path('..data_tmp'));
        renameSync(stage.path('..data_tmp'), stage.path('..data'));
      };
      swap('1', { 'a.plugin.ts': "import './help';", 'help.ts': 'one', 'b.plugin.ts': 'same' });
      for (const file of ['a.plugin.ts', 'help.ts', 'b.plugin.ts']) {
        symlinkSync(`..data/${file}`, stage.path(file));
      }
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one', 'built b.plugin.ts: same']);
      for (const [version, last] of [
        ['2', '1'],
        ['3', '2'],
      ] as const) {
        swap(version, { 'a.plugin.ts': "import './help';", 'help.ts': version, 'b.plugin.ts': 'same' });
        stage.remove(`..2026_${last}`);
        assert.deepEqual(await stage.batch(), [`built a.plugin.ts: ${version}`]);
      }
      await stage.quiet();
    });

    test('a linked file, its edited target, and its new target', async () => {
      await using stage = await startStage(way);
      writeFileSync(join(stage.root, 'target.ts'), 'one');
      symlinkSync('../target.ts', stage.path('a.plugin.ts'));
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
      writeFileSync(join(stage.root, 'target.ts'), 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      writeFileSync(join(stage.root, 'other.ts'), 'three');
      symlinkSync('../other.ts', stage.path('link'));
      renameSync(stage.path('link'), stage.path('a.plugin.ts'));
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: three']);
      await stage.quiet();
    });

    test('a linked folder, and a file in it', async () => {
      await using stage = await startStage(way);
      mkdirSync(join(stage.root, 'outside'));
      writeFileSync(join(stage.root, 'outside/a.plugin.ts'), 'one');
      symlinkSync('../outside', stage.path('linked'));
      assert.deepEqual(await stage.batch(), ['built linked/a.plugin.ts: one']);
      writeFileSync(join(stage.root, 'outside/a.plugin.ts'), 'two');
      assert.deepEqual(await stage.batch(), ['built linked/a.plugin.ts: two']);
      await stage.quiet();
    });

    test('broken, broken otherwise, repaired', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': 'one' });
      stage.write('a.plugin.ts', 'syntax error 1');
      assert.deepEqual(await stage.batch(), ['broken a.plugin.ts: syntax error 1 in a file']);
      stage.write('a.plugin.ts', 'syntax error 2');
      assert.deepEqual(await stage.batch(), ['broken a.plugin.ts: syntax error 2 in a file']);
      await stage.quiet();
      stage.write('a.plugin.ts', 'one');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
      await stage.quiet();
    });

    test('a broken helper, repaired', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': "import './help';", 'help.ts': 'one' });
      stage.write('help.ts', 'syntax error');
      assert.deepEqual(await stage.batch(), ['broken a.plugin.ts: syntax error in a file']);
      stage.write('help.ts', 'two');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
      await stage.quiet();
    });

    test('a helper that goes, and comes back', async () => {
      await using stage = await startStage(way, { 'a.plugin.ts': "import './help';", 'help.ts': 'one' });
      stage.remove('help.ts');
      assert.deepEqual(await stage.batch(), ['broken a.plugin.ts: cannot find ./help']);
      stage.write('help.ts', 'one');
      assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
      await stage.quiet();
    });

    for (const candidate of ['help', 'help.ts', 'help.js', 'help/index.ts']) {
      test(`a missing helper that appears as ${candidate}`, async () => {
        await using stage = await startStage(way, { 'a.plugin.ts': "import './help';" });
        stage.write(candidate, 'one');
        assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
        stage.write(candidate, 'two');
        assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
        await stage.quiet();
      });
    }

    test('a folder where a file is expected, and then the file', async () => {
      await using stage = await startStage(way);
      mkdirSync(stage.path('a.plugin.ts'));
      assert.deepEqual(await stage.batch(), ['broken a.plugin.ts: It is not a file.']);
      stage.write('a.plugin.ts/inside.txt', 'of no concern');
      await stage.quiet();
      stage.remove('a.plugin.ts');
      stage.write('a.plugin.ts', 'one');
      assert.deepEqual((await stage.batchesUntil('built a.plugin.ts: one')).at(-1), [
        'built a.plugin.ts: one',
      ]);
      await stage.quiet();
    });
  });
}

// A watcher stays with the folder to which the link led, so there are no hints of the swap itself.
for (const name of ['by sweeps', 'by scans'] as const) {
  test(`changes are found ${name}: a link in place of the folder that is swapped`, async () => {
    await using stage = await startStage({ ...ways[name], folder: 'current' });
    const swap = (release: string) => {
      symlinkSync(`releases/${release}`, join(stage.root, 'link'));
      renameSync(join(stage.root, 'link'), stage.folder);
    };
    for (const [release, texts] of Object.entries({ 1: ['one', 'x'], 2: ['two', 'x'], 3: ['three'] })) {
      mkdirSync(join(stage.root, 'releases', release), { recursive: true });
      texts.forEach((text, i) => {
        writeFileSync(join(stage.root, 'releases', release, `${'ab'[i]}.plugin.ts`), text);
      });
    }
    swap('1');
    assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one', 'built b.plugin.ts: x']);
    swap('2');
    assert.deepEqual(await stage.batch(), ['built a.plugin.ts: two']);
    swap('3');
    assert.deepEqual(await stage.batch(), ['built a.plugin.ts: three', 'gone b.plugin.ts']);
    await stage.quiet();
  });
}
