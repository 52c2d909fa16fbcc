import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PluginBuildError, PluginBuilder } from '../../../src/plugins/compile/builder.ts';
import { evaluate } from '../../../src/plugins/evaluate/evaluate.ts';
import { pluginFolder } from './plugin-folder.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('what a build tells', () => {
  it('is the hash of each file that was compiled, and one over all', async (t) => {
    const files = { 'a.plugin.ts': `import './lib/b'; export default 1;`, 'lib/b.ts': 'export {};' };
    const folder = await pluginFolder(t, files);
    const first = await folder.build();
    assert.deepEqual(
      new Map([...first.inputs].sort()),
      new Map(Object.entries(files).map(([name, text]) => [folder.path(name), sha256(text)])),
    );
    assert.equal((await folder.build()).hash, first.hash);
    await folder.write({ 'lib/b.ts': 'export {}; ' });
    assert.notEqual((await folder.build()).hash, first.hash);
  });

  it('can be sent to a thread', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': 'export default 5;' });
    const module = await evaluate(structuredClone(await folder.build()));
    assert.equal(module.exports.default, 5);
  });

  it('is the same when builds run at once', async (t) => {
    const files = Array.from({ length: 12 }, (_, n) => [
      `p${n}.plugin.ts`,
      `import { h } from './h'; export default h + ${n};`,
    ]);
    const folder = await pluginFolder(t, { 'h.ts': 'export const h = 100;', ...Object.fromEntries(files) });
    const modules = await Promise.all(files.map(([name]) => folder.evaluate(name)));
    assert.deepEqual(
      modules.map(({ exports }) => exports.default),
      files.map((_, n) => 100 + n),
    );
  });
});

describe('what a build refuses', () => {
  it('says where a file does not compile, and how much else is wrong', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': `const é = 'é'; let x: = 1;\nexport default 1;` });
    const error = await folder.refused();
    assert.equal(error.step, 'build');
    assert.equal(error.message, 'Unexpected "="');
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 1, column: 23 });
    assert.deepEqual([...error.inputs.keys()], [folder.path('a.plugin.ts')]);

    await folder.write({
      'a.plugin.ts': `import './x';\nimport './y';\nimport { no } from './lib/h';no;`,
      'lib/h.ts': 'export const h = 1;',
    });
    const several = await folder.refused();
    assert.match(several.message, /^Cannot find '.\/x' from .*\(and 1 more\)$/);
    assert.deepEqual(several.missing, [folder.path('x'), folder.path('y')]);
    assert.deepEqual([...several.inputs.keys()].sort(), [
      folder.path('a.plugin.ts'),
      folder.path('lib/h.ts'),
    ]);
  });

  it('says which name a helper does not export', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `\nimport { no } from './h';\nexport default no;`,
      'h.ts': 'export const h = 1;',
    });
    const error = await folder.refused();
    assert.match(error.message, /No matching export in "h.ts" for import "no"/);
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 2, column: 10 });
  });

  it('names the place in the helper where the helper is wrong', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `import './lib/h';`,
      'lib/h.ts': '\n\n  return return',
    });
    assert.deepEqual((await folder.refused()).place, { file: folder.path('lib/h.ts'), line: 3, column: 10 });
  });

  it('names a missing import, and where it would be looked for', async (t) => {
    const folder = await pluginFolder(t, {
      'lib/a.plugin.ts': `export default 1;\nimport { x } from '../shared/x.js'; x;`,
    });
    const error = await folder.refused('lib/a.plugin.ts');
    assert.match(
      error.message,
      /^Cannot find '..\/shared\/x.js' from .*plugins\/lib. Expected a file of that name/,
    );
    assert.deepEqual(error.missing, [folder.path('shared/x.js')]);
    assert.deepEqual(error.place, { file: folder.path('lib/a.plugin.ts'), line: 2, column: 19 });
    await folder.write({ 'shared/x.ts': 'export const x = 1;' });
    assert.equal((await folder.build('lib/a.plugin.ts')).inputs.size, 2);
  });

  it('is a plugin that is not there', async (t) => {
    const folder = await pluginFolder(t);
    const error = await folder.refused();
    assert.match(error.message, /a.plugin.ts does not exist/);
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts') });
    assert.deepEqual(error.missing, [folder.path('a.plugin.ts')]);
  });

  it('is a file outside the folder, however it is written', async (t) => {
    const folder = await pluginFolder(t, {
      '../outside.ts': 'export const secret = 1;',
      '../plugins-too/x.ts': 'export {};',
    });
    const outside = join(folder.root, '../outside.ts');
    for (const specifier of [
      '../outside',
      '../outside.ts',
      './lib/../../outside.ts',
      outside,
      `file://${outside}`,
      '../plugins-too/x',
      '../not-there',
    ]) {
      await folder.write({ 'a.plugin.ts': `import '${specifier}';` });
      const error = await folder.refused();
      assert.ok(
        error.message.startsWith(`'${specifier}' leads out of the plugin folder ${folder.root}`),
        error.message,
      );
      assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 1, column: 8 });
    }
    assert.match((await folder.refused('../outside.ts')).message, /not inside the plugin folder/);
  });

  it("is not a name that begins with two dots, as Kubernetes' folders do", async (t) => {
    const folder = await pluginFolder(t, {
      '..2026_11_23/a.plugin.ts': `import { h } from './h.ts'; import { i } from '..i.ts'; export default h;`,
      '..2026_11_23/h.ts': 'export const h = 1;',
    });
    await writeFile(folder.path('..2026_11_23/a.plugin.ts'), `import { h } from './h.ts'; export default h;`);
    await symlink('..2026_11_23', folder.path('..data'));
    await symlink('..data/a.plugin.ts', folder.path('a.plugin.ts'));
    await symlink('..data/h.ts', folder.path('h.ts'));
    assert.deepEqual([...(await folder.build()).inputs.keys()].sort(), [
      folder.path('a.plugin.ts'),
      folder.path('h.ts'),
    ]);
    assert.equal((await folder.evaluate('..data/a.plugin.ts')).exports.default, 1);
    await folder.write({ '..2027/a.plugin.ts': 'export default 2;' });
    await symlink('..2027', folder.path('..new'));
    await rename(folder.path('..new'), folder.path('..data'));
    assert.equal((await folder.evaluate()).exports.default, 2);
  });

  it('is not a symlink inside the folder, wherever it leads; nor a folder that is one', async (t) => {
    const folder = await pluginFolder(t, {
      '../real/h.ts': `export { i as default } from './i';`,
      '../real/i.ts': 'export const i = 3;',
    });
    await symlink('../real', folder.path('lib'));
    await folder.write({ 'a.plugin.ts': `export { default } from './lib/h';` });
    assert.equal((await folder.evaluate()).exports.default, 3);

    const link = `${folder.root}-link`;
    await symlink(folder.root, link);
    const builder = new PluginBuilder({ folder: link, fileBytesMax: 1_000 });
    const build = await builder.build(join(link, 'a.plugin.ts'));
    assert.deepEqual(
      [...build.inputs.keys()].sort(),
      ['a.plugin.ts', 'lib/h.ts', 'lib/i.ts'].map((name) => join(link, name)),
    );
  });

  it('is a file above the limit', async (t) => {
    const folder = await pluginFolder(
      t,
      { 'a.plugin.ts': `import './big';`, 'big.ts': `//${'x'.repeat(998)}` },
      { fileBytesMax: 1_000 },
    );
    await folder.build();
    await folder.write({ 'big.ts': `//${'x'.repeat(999)}` });
    const error = await folder.refused();
    assert.match(error.message, /big.ts is larger than the limit of 1000 bytes/);
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 1, column: 8 });
  });

  it('is a pipe, which nobody waits for', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': `import './h';` });
    execFileSync('mkfifo', [folder.path('h.ts')]);
    assert.match((await folder.refused()).message, /h\.ts is not a file/);
  });

  it('is a URL that leads to no file', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': `\nimport 'file://host/x.ts';` });
    const { message, place } = await folder.refused();
    assert.match(message, /'file:\/\/host\/x\.ts' is the URL of no file/);
    assert.deepEqual(place, { file: folder.path('a.plugin.ts'), line: 2, column: 8 });
  });

  it('is what is no source, such as a folder or a picture', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': `import './a.png';`, 'a.png': 'x' });
    assert.match(
      (await folder.refused()).message,
      /a.png cannot be compiled. Expected a file that ends in one of .ts/,
    );
    await mkdir(folder.path('b.plugin.ts'));
    assert.match((await folder.refused('b.plugin.ts')).message, /is not a file|EISDIR/);
  });

  it('is the value of another plugin, which would double its state', async (t) => {
    const folder = await pluginFolder(t, {
      'tenant.plugin.ts': 'export default 1;',
      'lib/h.ts': `export { default } from '../tenant.plugin.ts';`,
    });
    for (const source of [
      `import tenant from './tenant.plugin.ts'; export default tenant;`,
      `import './tenant.plugin';`,
      `await import('./tenant.plugin.ts');`,
      `import './lib/h';`,
    ]) {
      await folder.write({ 'a.plugin.ts': source });
      const { message } = await folder.refused();
      assert.match(message, /is another plugin.* Expected 'import type'.* context.use\('tenant'\)/);
    }
  });

  it('is a tsconfig that cannot be read, with its place', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': 'export default 1;',
      'tsconfig.json': '{ "compilerOptions": {,} }',
    });
    const error = await folder.refused();
    assert.equal(error.place?.file, folder.path('tsconfig.json'));
    assert.ok(error.inputs.has(folder.path('tsconfig.json')));
  });
});

describe('paths with unusual characters', () => {
  it('lead to the file in builds, in places and in stacks', async (t) => {
    const folder = await pluginFolder(t, {}, { name: "pl ug#in?s (%41é) it's" });
    await folder.write({
      'li b#?%20/h ü.ts': `export const where = import.meta.url;\nexport function boom() { throw new Error('x'); }`,
      'a b#é%3F.plugin.ts': `import { boom, where } from './li b#?%20/h ü.ts'; import 'zod'; export { boom, where };`,
    });
    const module = await folder.evaluate('a b#é%3F.plugin.ts');
    assert.equal(
      module.exports.where,
      (await import('node:url')).pathToFileURL(folder.path('li b#?%20/h ü.ts')).href,
    );
    assert.throws(module.exports.boom as () => void, (error: Error) => {
      assert.deepEqual(module.placeOf(error), { file: folder.path('li b#?%20/h ü.ts'), line: 2, column: 32 });
      return true;
    });
  });
});

describe("esbuild's process", () => {
  /** Children of this process that run esbuild. */
  async function esbuildChildren(): Promise<number[]> {
    const list = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
    const found: number[] = [];
    for (const pid of list.split(' ').filter(Boolean).map(Number)) {
      if ((await readlink(`/proc/${pid}/exe`).catch(() => '')).includes('esbuild')) found.push(pid);
    }
    return found;
  }

  it('may die: the next build starts another', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': 'export default 1;' });
    await folder.build();
    const [pid] = await esbuildChildren();
    assert.ok(pid);
    process.kill(pid, 'SIGKILL');
    await folder.build();
    const [next] = await esbuildChildren();
    assert.ok(next && next !== pid);
  });

  it('may die in the middle of a build, which is begun again', async (t) => {
    const big = Array.from({ length: 20_000 }, (_, n) => `export const x${n} = ${n};`).join('\n');
    const folder = await pluginFolder(t, { 'warm.plugin.ts': '', 'a.plugin.ts': big });
    await folder.build('warm.plugin.ts');
    const [pid] = await esbuildChildren();
    if (pid === undefined) assert.fail('esbuild does not run');
    const builds = [folder.build(), folder.build()];
    process.kill(pid, 'SIGKILL');
    for (const build of await Promise.all(builds)) assert.ok(build.code.includes('x19999'));
  });

  it('may be ended by another builder of the same process', async (t) => {
    const [one, two] = [
      await pluginFolder(t, { 'a.plugin.ts': '' }),
      await pluginFolder(t, { 'a.plugin.ts': '' }),
    ];
    await one.build();
    const builds = [two.build(), two.build()];
    await one.close();
    assert.equal((await Promise.all(builds)).length, 2);
  });

  it('goes on where code compiles and cannot be read all the same', async (t) => {
    // The lexer takes the slash after a labelled block for a division.
    const unreadable = 'const f = () => {\n};\nlabel: {\n}\n/"/.exec("");\nexport default f;';
    const folder = await pluginFolder(t, { 'a.plugin.ts': 'export default 1;', 'b.plugin.ts': unreadable });
    await folder.build();
    const [pid] = await esbuildChildren();
    const builds = Array.from({ length: 8 }, () => folder.build());
    await folder.refused('b.plugin.ts');
    await Promise.all(builds);
    assert.deepEqual(await esbuildChildren(), [pid]);
  });

  it('leaves no build waiting when the builder is closed', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': `import './h';`, 'h.ts': '' });
    for (const ms of [0, 1, 2, 4]) {
      const builder = new PluginBuilder({ folder: folder.root, fileBytesMax: 1_000 });
      await builder.build(folder.path('a.plugin.ts'));
      const builds = Array.from({ length: 4 }, () => builder.build(folder.path('a.plugin.ts')));
      const ends = Promise.allSettled(builds);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await builder.close();
      await ends;
    }
  });

  it('ends when the builder is closed, and then nothing is built any more', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': 'export default 1;' });
    await folder.build();
    await folder.close();
    await folder.close();
    await assert.rejects(folder.build(), PluginBuildError);
  });
});
