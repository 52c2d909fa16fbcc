import assert from 'node:assert/strict';
import { renameSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { PluginBuilder } from '../../../src/plugins/compile/builder.ts';
import type { FileChange } from '../../../src/plugins/loader/dynamic-loader.ts';
import { Stage } from './stage.ts';

/** A stage whose plugins are compiled by the real builder. */
async function openStage(files: Record<string, string>) {
  const changes: FileChange[] = [];
  const stage = new Stage({
    onChanges: async (batch) => {
      changes.push(...batch);
    },
  });
  const builder = new PluginBuilder({ folder: stage.folder, fileBytesMax: 1_000 });
  stage.builder.build = (file) => builder.build(file);
  for (const [name, text] of Object.entries(files)) stage.write(name, text);
  await stage.loader.start();
  return {
    stage,
    changes,
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]();
      await builder.close();
    },
  };
}

test('a plugin in TypeScript, its helper, its error, its repair', async () => {
  await using opened = await openStage({
    'a.plugin.ts': "import { word } from './help.ts';\nexport default word as string;\n",
    'help.ts': "export const word: string = 'one';\n",
  });
  const { stage, changes } = opened;
  assert.match((await stage.batch()).join(), /^built a\.plugin\.ts: .*"one"/s);
  stage.write('help.ts', "export const word: string = 'two';\n");
  assert.match((await stage.batch()).join(), /^built a\.plugin\.ts: .*"two"/s);
  stage.write('help.ts', 'export const word: string = ;\n');
  assert.match((await stage.batch()).join(), /^broken a\.plugin\.ts: Unexpected ";"/);
  const broken = changes.at(-1);
  assert.ok(broken?.kind === 'broken');
  assert.deepEqual(broken.problem.place, { file: stage.path('help.ts'), line: 1, column: 29 });
  await stage.quiet();
  stage.write('help.ts', "export const word: string = 'three';\n");
  assert.match((await stage.batch()).join(), /^built a\.plugin\.ts: .*"three"/s);
  await stage.quiet();
});

for (const [written, file] of [
  ['./help', 'help.ts'],
  ['./help.js', 'help.ts'],
  ['./help.ts', 'help.ts'],
  ['./help', 'help/index.ts'],
  ['./help', 'help.json'],
  ['./deep/help.mjs', 'deep/help.mts'],
] as const) {
  test(`a missing import of ${written} is found when ${file} appears`, async () => {
    await using opened = await openStage({
      'a.plugin.ts': `import * as a from '${written}';\nconsole.log(a);\n`,
    });
    const { stage } = opened;
    assert.match((await stage.batch()).join(), /^broken a\.plugin\.ts: Cannot find/);
    await stage.quiet();
    stage.write(file, file.endsWith('json') ? '{"word": "found"}' : "export const word: string = 'found';\n");
    assert.match((await stage.batch()).join(), /^built a\.plugin\.ts: .*"found"/s);
    await stage.quiet();
  });
}

test('the folder of a ConfigMap that Kubernetes swaps', async () => {
  await using opened = await openStage({});
  const { stage } = opened;
  const swap = (version: string) => {
    stage.write(`..2026_${version}/a.plugin.ts`, "export { word as default } from './help.ts';\n");
    stage.write(`..2026_${version}/help.ts`, `export const word = 'version ${version}';\n`);
    symlinkSync(`..2026_${version}`, stage.path('..data_tmp'));
    renameSync(stage.path('..data_tmp'), stage.path('..data'));
  };
  swap('1');
  for (const file of ['a.plugin.ts', 'help.ts']) symlinkSync(`..data/${file}`, stage.path(file));
  assert.match((await stage.batch()).join(), /version 1/);
  swap('2');
  stage.remove('..2026_1');
  assert.match((await stage.batch()).join(), /version 2/);
  await stage.quiet();
});

test('files that the builder refuses: too large, a folder, an import that leads out', async () => {
  await using opened = await openStage({
    'large.plugin.ts': `// ${' '.repeat(1_000)}`,
    'out.plugin.ts': "import '../outside.ts';",
    'folder.plugin.ts/inside.txt': '',
  });
  const { stage } = opened;
  const told = await stage.batch();
  assert.match(told[0] ?? '', /^broken folder\.plugin\.ts: It is not a file/);
  assert.match(told[1] ?? '', /^broken large\.plugin\.ts: .*larger than the limit/);
  assert.match(told[2] ?? '', /^broken out\.plugin\.ts: .*leads out/);
  await stage.quiet();
});
