import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { pluginFolder } from './plugin-folder.ts';

/** A package as npm would have put it into the folder. */
const pad = {
  'node_modules/pad/package.json':
    '{"name":"pad","version":"1.0.0","type":"module","exports":{".":"./index.js","./*":"./*"}}',
  'node_modules/pad/index.js':
    'export const pad = (text) => "<" + text + ">"; export let loads = 1; export default "pad";',
  'node_modules/pad/lib/deep.js':
    'import { pad } from "../index.js"; export const deep = pad("deep"); export { pad };',
  'node_modules/pad/data.json': '{"from":"json"}',
};
/** And one of the older kind. */
const old = {
  'node_modules/old/package.json': '{"name":"old","version":"1.0.0","main":"main.js"}',
  'node_modules/old/main.js': 'exports.old = () => "old"; exports.file = __filename;',
};

describe('TypeScript in a plugin', () => {
  it('has enums and constant enums', async (t) => {
    const folder = await pluginFolder(t);
    const source = `enum Level { low, high = 7 } const enum Way { up = 'u' } export default [Level[7], Level.low, Way.up];`;
    assert.deepEqual(await folder.run(source), ['high', 0, 'u']);
  });

  it('has standard decorators', async (t) => {
    const folder = await pluginFolder(t);
    const source = `
      function twice(method: (n: number) => number, _context: ClassMethodDecoratorContext) {
        return function (this: unknown, n: number) { return method.call(this, n) * 2; };
      }
      class Price { @twice of(n: number) { return n + 1; } }
      export default new Price().of(4);`;
    assert.equal(await folder.run(source), 10);
  });

  it("has the older decorators where the folder's tsconfig asks for them", async (t) => {
    const folder = await pluginFolder(t, {
      'tsconfig.json':
        '{ "compilerOptions": { /* as Angular and Nest have them */ "experimentalDecorators": true } }',
    });
    const source = `
      const seen: string[] = [];
      function note(target: object, name: string) { seen.push(name, String(arguments.length)); }
      class Price { @note of() {} }
      export default [new Price() instanceof Price, ...seen];`;
    assert.deepEqual(await folder.run(source), [true, 'of', '3']);
    assert.ok((await folder.build()).inputs.has(folder.path('tsconfig.json')));
  });

  it('has the tsconfig that another one extends, which counts among its files', async (t) => {
    const folder = await pluginFolder(t, {
      'tsconfig.json': '{ "extends": "./config/base", /* once */ "include": ["."] }',
      'config/base.json': '{ "extends": ["../tsconfig.json", "./paths.json", "no-package"] }',
      'config/paths.json': '{ "compilerOptions": { "paths": { "one": ["../one.ts"] } } }',
      'one.ts': 'export const one = 1;',
      'a.plugin.ts': `import { one } from 'one'; export default one;`,
    });
    await folder.write({ 'config/base.json': '{ "extends": ["./paths.json"] }' });
    const build = await folder.build();
    assert.deepEqual(
      [...build.inputs.keys()].sort(),
      ['a.plugin.ts', 'config/base.json', 'config/paths.json', 'one.ts', 'tsconfig.json'].map((name) =>
        folder.path(name),
      ),
    );
    await folder.write({
      'config/base.json': '{ "extends": ["../tsconfig.json", "./paths.json", "no-package"] }',
    });
    // A circle ends nowhere, and is no reason to wait for ever.
    assert.equal((await folder.evaluate()).exports.default, 1);
  });

  it('takes no tsconfig from above the folder', async (t) => {
    const folder = await pluginFolder(t, {
      '../tsconfig.json':
        '{ "compilerOptions": { "verbatimModuleSyntax": true, "paths": { "zod": ["./nowhere"] } } }',
    });
    const source = `import { z, type ZodType, infer as gone } from 'zod'; export default typeof (z as unknown as gone);`;
    assert.equal(await folder.run(source), 'object');
  });

  it('has imports without an extension, and of a folder', async (t) => {
    const folder = await pluginFolder(t, {
      'lib/index.ts': `export { three } from './three'; export * as all from './three.js';`,
      'lib/three.ts': 'export const three: number = 3;',
    });
    const source = `import { three, all } from './lib'; import { three as same } from './lib/'; export default [three, all.three, same];`;
    assert.deepEqual(await folder.run(source), [3, 3, 3]);
  });

  it('has JSON, also by name and with an attribute', async (t) => {
    const folder = await pluginFolder(t, { 'rates.json': '{"cent": 3, "eur": {"usd": 1.1}}' });
    const source = `
      import rates from './rates.json' with { type: 'json' };
      import plain, { cent } from './rates.json';
      export default [rates.eur.usd, plain.cent, cent];`;
    assert.deepEqual(await folder.run(source), [1.1, 3, 3]);
  });

  it('has namespaces and parameter properties', async (t) => {
    const folder = await pluginFolder(t);
    const source = `
      namespace Money { export const sign = '€'; export namespace Inner { export const n = 2; } }
      class Price { constructor(readonly amount: number, private unit = Money.sign) {} text() { return this.amount + this.unit; } }
      export default new Price(Money.Inner.n).text();`;
    assert.equal(await folder.run(source), '2€');
  });

  it("has tsconfig's paths, to local files and to a package", async (t) => {
    const folder = await pluginFolder(t, {
      ...pad,
      'tsconfig.json': `{ "compilerOptions": { "paths": {
        "@lib/*": ["./lib/*"], "padding": ["./node_modules/pad/index.js"], "sightline": ["./no/types.ts"] } } }`,
      'lib/one.ts': 'export const one = 1;',
    });
    const source = `
      import { one } from '@lib/one'; import { pad } from 'padding'; import { pad as same } from 'pad';
      import { Reply } from 'sightline';
      export default [one, pad('x'), pad === same, typeof Reply];`;
    assert.deepEqual(await folder.run(source), [1, '<x>', true, 'function']);
    assert.deepEqual([...(await folder.build()).inputs.keys()].sort(), [
      folder.path('a.plugin.ts'),
      folder.path('lib/one.ts'),
      folder.path('tsconfig.json'),
    ]);
  });

  it('has a path to a file of a local package, which stays the one that Node knows', async (t) => {
    const folder = await pluginFolder(t, pad);
    const source = `
      import { deep, pad } from './node_modules/pad/lib/deep.js'; import { pad as same } from 'pad';
      import { pad as third } from 'pad/lib/deep.js'; import data from 'pad/data.json' with { type: 'json' };
      export default [deep, pad === same, pad === third, data.from];`;
    assert.deepEqual(await folder.run(source), ['<deep>', true, true, 'json']);
    assert.deepEqual([...(await folder.build()).inputs.keys()], [folder.path('a.plugin.ts')]);
  });

  it('has packages of a helper in a folder with packages of its own', async (t) => {
    const folder = await pluginFolder(t, {
      'lib/node_modules/only-here/package.json':
        '{"name":"only-here","type":"module","exports":"./index.js"}',
      'lib/node_modules/only-here/index.js': 'export const here = "here";',
      'lib/helper.ts': `export { here } from 'only-here'; export const later = () => import('only-here');`,
    });
    const source = `import { here, later } from './lib/helper'; export default [here, (await later()).here];`;
    assert.deepEqual(await folder.run(source), ['here', 'here']);
  });

  it('has dynamic imports, of a local file and of a package', async (t) => {
    const folder = await pluginFolder(t, { 'lib/lazy.ts': 'export const lazy = "lazy"; export default 1;' });
    const source = `
      const { lazy, default: one } = await import('./lib/lazy');
      const name = 'zod';
      export default [lazy, one, (await import('zod')).z, (await import(name)).z];`;
    assert.deepEqual(await folder.run(source), ['lazy', 1, z, z]);
    assert.ok((await folder.build()).inputs.has(folder.path('lib/lazy.ts')));
  });

  it('has await at its top, also in a helper', async (t) => {
    const folder = await pluginFolder(t, { 'slow.ts': 'export const slow = await Promise.resolve("slow");' });
    const source = `import { slow } from './slow.ts'; const two = await Promise.resolve(2); export default [slow, two];`;
    assert.deepEqual(await folder.run(source), ['slow', 2]);
  });

  it('has CommonJS helpers that require local files, builtins and packages', async (t) => {
    const folder = await pluginFolder(t, {
      ...old,
      'lib/one.cjs': `
        const two = require('./two.js'); const path = require('node:path'); const { old, file } = require('old');
        module.exports = { two: two.two, join: path.join('a', 'b'), old: old(), file, schema: typeof require('zod').z.object };`,
      'lib/two.js': 'exports.two = 2; exports.isStrict = this === undefined;',
    });
    const source = `import one from './lib/one.cjs'; import { two } from './lib/two.js'; export default { ...one, again: two };`;
    const file = folder.path('node_modules/old/main.js');
    assert.deepEqual(await folder.run(source), {
      two: 2,
      again: 2,
      join: 'a/b',
      old: 'old',
      file,
      schema: 'function',
    });
  });

  it('tells CommonJS helpers their own place', async (t) => {
    const folder = await pluginFolder(t, {
      'lib/place.cjs': `'use strict';\nmodule.exports = [__filename, __dirname];`,
      'lib/own.js': `import { fileURLToPath } from 'node:url';\nconst __filename = fileURLToPath(import.meta.url);\nexport default __filename;`,
    });
    const source = `import place from './lib/place.cjs'; import own from './lib/own.js'; export default [...place, own];`;
    const expected = [folder.path('lib/place.cjs'), folder.path('lib'), folder.path('lib/own.js')];
    assert.deepEqual(await folder.run(source), expected);
  });

  it('tells them wherever they ask, and leaves alone who has names like these', async (t) => {
    const folder = await pluginFolder(t, {
      'lib/late.cjs':
        'const p = require("node:path")\nmodule.exports = function () { return p.join(__dirname, "x") }',
      'lib/dir.js': `export const __dirname = 'own';`,
      'lib/user.js': `import { __dirname } from './dir.js'; export default [__dirname, ((__filename) => __filename)(1)];`,
      'lib/boom.cjs': `const here = __filename; module.exports = () => { throw new Error(here); };`,
    });
    const source = `
      import late from './lib/late.cjs'; import user from './lib/user.js'; export { default as boom } from './lib/boom.cjs';
      export default [late(), ...user];`;
    assert.deepEqual(await folder.run(source), [folder.path('lib/x'), 'own', 1]);
    const { exports, placeOf } = await folder.evaluate();
    assert.throws(exports.boom as () => void, (error: Error) => {
      assert.deepEqual(placeOf(error), { file: folder.path('lib/boom.cjs'), line: 1, column: 57 });
      return true;
    });
  });

  it('has import = require, and modules that export one thing', async (t) => {
    const folder = await pluginFolder(t, { 'one.ts': 'const one = { one: 1 }; export = one;' });
    const source = `
      import fs = require('node:fs'); import { existsSync } from 'node:fs'; import one = require('./one.ts');
      export default [fs.existsSync === existsSync, one.one];`;
    assert.deepEqual(await folder.run(source), [true, 1]);
  });

  it('has import.meta of each file, in the entry and in helpers', async (t) => {
    const folder = await pluginFolder(t, { ...pad, 'lib/where.ts': 'export default import.meta;' });
    const source = `
      import where from './lib/where.ts';
      const { url, filename, dirname } = import.meta;
      export default { url, filename, dirname, where: [where.url, where.filename, where.dirname],
        resolved: [import.meta.resolve('./lib/x.txt'), where.resolve('./x.txt'), import.meta.resolve('pad'), import.meta.resolve('fs')] };`;
    const url = (name: string) => pathToFileURL(folder.path(name)).href;
    const expected = {
      url: url('a.plugin.ts'),
      filename: folder.path('a.plugin.ts'),
      dirname: folder.root,
      where: [url('lib/where.ts'), folder.path('lib/where.ts'), folder.path('lib')],
      resolved: [url('lib/x.txt'), url('lib/x.txt'), url('node_modules/pad/index.js'), 'node:fs'],
    };
    assert.deepEqual(await folder.run(source), expected);
  });

  it('has type imports of another plugin, which do not bring it along', async (t) => {
    const folder = await pluginFolder(t, { 'tenant.plugin.ts': 'throw new Error("must not run");' });
    const source = `
      import type tenant from './tenant.plugin.ts'; import other from './tenant.plugin.ts';
      export default (undefined as unknown as typeof tenant & typeof other) ?? 'alone';`;
    assert.equal(await folder.run(source), 'alone');
    assert.deepEqual([...(await folder.build()).inputs.keys()], [folder.path('a.plugin.ts')]);
  });

  it('has helpers that import each other and the plugin itself', async (t) => {
    const folder = await pluginFolder(t, {
      'even.ts': `import { odd } from './odd'; import { base } from './a.plugin.ts'; export const even = (n: number): boolean => n === base ? true : odd(n - 1);`,
      'odd.ts': `import { even } from './even'; export const odd = (n: number): boolean => n !== 0 && even(n - 1);`,
    });
    const source = `import { even } from './even'; export const base = 0; export default [even(4), even(3)];`;
    assert.deepEqual(await folder.run(source), [true, false]);
  });

  it('has resources that end with their block', async (t) => {
    const folder = await pluginFolder(t);
    const source = `const seen: string[] = []; { using one = { [Symbol.dispose]() { seen.push('gone'); } }; } export default seen;`;
    assert.deepEqual(await folder.run(source), ['gone']);
  });
});

describe('plugins in JavaScript', () => {
  it('can be modules, with either ending', async (t) => {
    const folder = await pluginFolder(t, { 'lib/one.js': 'export const one = 1;' });
    const source = `#!/usr/bin/env node\nimport { one } from './lib/one.js';\nexport { one as default };`;
    assert.equal(await folder.run(source, 'a.plugin.js'), 1);
    assert.equal(await folder.run(source, 'b.plugin.mjs'), 1);
  });

  it('can be CommonJS', async (t) => {
    const folder = await pluginFolder(t);
    const source = `const { definePlugin } = require('sightline'); module.exports = { is: typeof definePlugin };`;
    assert.deepEqual(await folder.run(source, 'a.plugin.js'), { is: 'function' });
  });
});
