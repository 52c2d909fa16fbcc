import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { createKey, Reply } from '../../../src/index.ts';
import { type EvaluatedModule, evaluate } from '../../../src/plugins/evaluate/evaluate.ts';
import { pluginFolder } from '../compile/plugin-folder.ts';

describe('what a plugin imports', () => {
  it("is the service's own sightline, in every folder and every kind of import", async (t) => {
    const folder = await pluginFolder(t, { 'lib/old.cjs': `module.exports = require('sightline').Reply;` });
    const source = `
      import { createKey, Reply } from 'sightline'; import * as all from 'sightline'; import old from './lib/old.cjs';
      const name = 'sightline';
      export default [createKey, Reply, all.Reply, old, (await import('sightline')).Reply, (await import(name)).Reply];`;
    assert.deepEqual(await folder.run(source), [createKey, Reply, Reply, Reply, Reply, Reply]);
  });

  it("is one of Sightline's packages where the folder does not have it, and shared with the service", async (t) => {
    const folder = await pluginFolder(t, {
      'lib/old.cjs': `module.exports = require('yaml').parse('a: 1');`,
    });
    const source = `import { z } from 'zod'; import old from './lib/old.cjs'; export default [z, (await import('zod')).z, old];`;
    assert.deepEqual(await folder.run(source), [z, z, { a: 1 }]);
  });

  it("is the folder's own copy of a package before Sightline's", async (t) => {
    const folder = await pluginFolder(t, {
      'node_modules/zod/package.json': '{"name":"zod","type":"module","exports":"./index.js"}',
      'node_modules/zod/index.js': 'export const z = "of the folder"; export default 1;',
    });
    assert.equal(await folder.run(`import { z } from 'zod'; export default z;`), 'of the folder');
  });

  it('is found as soon as it is installed', async (t) => {
    const folder = await pluginFolder(t);
    const source = `import { late } from 'late'; export default late;`;
    assert.match((await folder.failed(source)).message, /Cannot find package 'late'/);
    await folder.write({
      'node_modules/late/package.json': '{"name":"late","type":"module","exports":"./index.js"}',
      'node_modules/late/index.js': 'export const late = "here";',
    });
    assert.equal(await folder.run(source), 'here');
  });

  it('runs before the plugin does, whatever order the files have', async (t) => {
    const folder = await pluginFolder(t, {
      'node_modules/first/package.json': '{"name":"first","type":"module","exports":"./index.js"}',
      'node_modules/first/index.js':
        'globalThis.seenByFirst = globalThis.seen?.length ?? "nothing"; export {};',
      'h.ts': `(globalThis as any).seen = [1];`,
    });
    const source = `import './h'; import 'first'; export default (globalThis as any).seenByFirst;`;
    assert.equal(await folder.run(source), 'nothing');
    Reflect.deleteProperty(globalThis, 'seen');
    Reflect.deleteProperty(globalThis, 'seenByFirst');
  });

  it('can be handed on under other names', async (t) => {
    const folder = await pluginFolder(t);
    await folder.write({
      'a.plugin.ts': `
        export { z as "a name, in } text" } from 'zod'; export * from 'node:path'; export * as url from 'node:url';
        export const join = 'own'; export default 1; export let later = 1; export const grow = () => { later++; };`,
    });
    const { exports } = await folder.evaluate();
    assert.equal(exports['a name, in } text'], z);
    assert.equal(exports.join, 'own');
    assert.equal(exports.sep, '/');
    assert.equal(typeof (exports.url as { pathToFileURL: unknown }).pathToFileURL, 'function');
    assert.equal(exports.default, 1);
    (exports.grow as () => void)();
    assert.equal(exports.later, 2);
  });

  it('may have the names of what the evaluator hands in', async (t) => {
    const folder = await pluginFolder(t);
    const source = `
      import { setTimeout, setImmediate as clearTimeout } from 'node:timers/promises';
      import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url); class setInterval {} function clearInterval() { return 4; }
      const __sightline = 5, __life = 6, $a0000 = 7;
      export default [await setTimeout(1, 1), await clearTimeout(2), typeof new setInterval(), clearInterval(),
        __sightline, __life, $a0000, require('node:path').sep];`;
    assert.deepEqual(await folder.run(source), [1, 2, 'object', 4, 5, 6, 7, '/']);
  });

  it('is told from text that only looks like an import', async (t) => {
    const folder = await pluginFolder(t);
    const source = `
      // import { a } from 'nowhere'; import('nowhere'); export default 2;
      const text = "import x from 'y'; export { z }; import.meta"; const pattern = /import\\('x'\\)|export \\{/;
      const template = \`import.meta.url \${'import("a")'} \${import.meta.filename.length > 0}\`;
      const object = { import: 1, export: 2, meta: { import: () => 3 } };
      export default [text, pattern.source, template, object.import, object.meta.import()];`;
    const expected = [
      "import x from 'y'; export { z }; import.meta",
      "import\\('x'\\)|export \\{",
      'import.meta.url import("a") true',
      1,
      3,
    ];
    assert.deepEqual(await folder.run(source), expected);
  });
});

describe('the code of a plugin', () => {
  it('runs in strict mode, without a this', async (t) => {
    const folder = await pluginFolder(t);
    const source = `export default [typeof this, (function (this: unknown) { return typeof this; })(), typeof module];`;
    assert.deepEqual(await folder.run(source), ['undefined', 'undefined', 'undefined']);
  });

  it('may be empty', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': '' });
    assert.deepEqual(Object.keys((await folder.evaluate()).exports), []);
  });

  it('is one version apart from another', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': 'let n = 0; export const next = () => ++n;' });
    const build = await folder.build();
    const [one, two] = [await evaluate(build), await evaluate(build)];
    const next = ({ exports }: EvaluatedModule) => (exports.next as () => number)();
    assert.deepEqual([next(one), next(one), next(two)], [1, 2, 1]);
  });

  it('runs in a worker as well', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `import { z } from 'zod'; import { Reply } from 'sightline'; export default [typeof z, typeof Reply, (await import('zod')).z === z];`,
    });
    const url = new URL('../../../src/plugins/evaluate/evaluate.ts', import.meta.url).href;
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       process.on('warning', (warning) => parentPort.postMessage(String(warning)));
       import(${JSON.stringify(url)}).then(({ evaluate }) => evaluate(workerData)).then(
         ({ exports }) => parentPort.postMessage(exports.default), (error) => parentPort.postMessage(String(error)));`,
      { eval: true, workerData: await folder.build() },
    );
    const { promise, resolve } = Promise.withResolvers<unknown>();
    worker.once('message', resolve);
    worker.once('error', resolve);
    assert.deepEqual(await promise, ['object', 'function', true]);
    await worker.terminate();
  });
});

describe('an evaluation that fails', () => {
  it('names the place of what was thrown, in the file where it stands', async (t) => {
    const folder = await pluginFolder(t, {
      'lib/h.ts': `interface A { a: 1 }\n\nexport const h = (x?: A): never => {\n  throw new TypeError('é');\n};`,
    });
    const direct = await folder.failed(
      `interface B { b: 1 }\nconst x = (null as unknown as B).b;\nexport default x;`,
    );
    assert.equal(direct.step, 'evaluate');
    assert.match(direct.message, /^TypeError: Cannot read properties of null/);
    assert.deepEqual(direct.place, { file: folder.path('a.plugin.ts'), line: 2, column: 34 });
    assert.ok(direct.cause instanceof TypeError);

    const inHelper = await folder.failed(`import { h } from './lib/h';\nh();`);
    assert.equal(inHelper.message, 'TypeError: é');
    assert.deepEqual(inHelper.place, { file: folder.path('lib/h.ts'), line: 4, column: 9 });
  });

  it('names the place of a rejection that was awaited', async (t) => {
    const folder = await pluginFolder(t);
    const error = await folder.failed(
      `interface A {}\nconst no = async () => {\n  await null;\n  throw new Error('late');\n};\nawait no();`,
    );
    assert.equal(error.message, 'late');
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 4, column: 9 });
  });

  it('says so where what was thrown is no error', async (t) => {
    const folder = await pluginFolder(t);
    for (const [thrown, text] of [
      ["'no'", "'no'"],
      ['undefined', 'undefined'],
      ['{ get message() { throw 1; } }', '[Object]|message: '],
    ] as const) {
      const error = await folder.failed(`throw ${thrown};`);
      assert.match(error.message, new RegExp(`^It threw .*(${text}).*, which is not an Error`));
      assert.equal(error.place?.file, folder.path('a.plugin.ts'));
    }
    const hostile = `class Bad extends Error { get stack() { throw 1; } get message() { throw 2; } }\nthrow new Bad();`;
    assert.match((await folder.failed(hostile)).message, /cannot be read/);
  });

  it('names the import of a package that is nowhere, and where it was looked for', async (t) => {
    const folder = await pluginFolder(t, { 'lib/h.ts': `\nexport * from 'nowhere-to-be-found/deep';` });
    const error = await folder.failed(`interface A {}\nimport { x } from 'nowhere-to-be-found'; x;`);
    assert.ok(
      error.message.startsWith(
        `Cannot find package 'nowhere-to-be-found': it is neither in a node_modules folder at or above ${folder.root} nor among the packages of Sightline`,
      ),
      error.message,
    );
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 2, column: 1 });
    const inHelper = await folder.failed(`import './lib/h';`);
    assert.deepEqual(inHelper.place, { file: folder.path('lib/h.ts'), line: 2, column: 1 });
    const dynamic = await folder.failed(
      `interface A {}\nexport default await import('nowhere-to-be-found');`,
    );
    assert.match(dynamic.message, /Cannot find package 'nowhere-to-be-found'/);
    assert.equal(dynamic.place?.line, 2);
    await folder.write({ 'lib/old.cjs': `\nrequire('nowhere-to-be-found');` });
    const required = await folder.failed(`import './lib/old.cjs';`);
    assert.match(required.message, /Cannot find package 'nowhere-to-be-found'/);
    assert.deepEqual(required.place, { file: folder.path('lib/old.cjs'), line: 2, column: 1 });
  });

  it("names a missing export in Node's words", async (t) => {
    const folder = await pluginFolder(t);
    const error = await folder.failed(
      `interface A {}\nimport {\n  z,\n  nope,\n} from 'zod';\nexport default [z, nope];`,
    );
    assert.equal(error.message, "The requested module 'zod' does not provide an export named 'nope'");
    assert.equal(error.place?.line, 2);
    const ofUs = await folder.failed(
      `import { definePlugins } from 'sightline'; export default definePlugins;`,
    );
    assert.equal(
      ofUs.message,
      "The requested module 'sightline' does not provide an export named 'definePlugins'",
    );
    const noDefault = await folder.failed(`import sightline from 'sightline'; export default sightline;`);
    assert.equal(
      noDefault.message,
      "The requested module 'sightline' does not provide an export named 'default'",
    );
    assert.equal(await folder.run(`import type { definePlugins } from 'sightline'; export default 1;`), 1);
  });

  it('names the import of a package that throws, and of one that misses another', async (t) => {
    const folder = await pluginFolder(t, {
      'node_modules/bad/package.json':
        '{"name":"bad","type":"module","exports":{".":"./index.js","./deep":"./deep.js"}}',
      'node_modules/bad/index.js': 'throw new Error("bad package");',
      'node_modules/bad/deep.js': 'import "not-there-either";',
    });
    const error = await folder.failed(`\nimport 'bad';`);
    assert.equal(error.message, 'bad package');
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 2, column: 1 });
    const deep = await folder.failed(`\nimport 'bad/deep';`);
    assert.match(deep.message, /Cannot find package 'not-there-either' imported from .*deep.js/);
    assert.equal(deep.place?.line, 2);
    assert.match((await folder.failed(`import 'bad/no';`)).message, /bad/);
  });

  it('names what V8 finds wrong with the source and the compiler does not', async (t) => {
    const folder = await pluginFolder(t);
    const error = await folder.failed(`interface A {}\n\nexport default  /(/;`);
    assert.match(error.message, /SyntaxError: Invalid regular expression/);
    assert.deepEqual(error.place, { file: folder.path('a.plugin.ts'), line: 3, column: 17 });
  });

  it('refuses what is not for plugins', async (t) => {
    const folder = await pluginFolder(t, { 'old.cjs': `require('sightline/testing');` });
    const testing = /^'sightline\/testing' is for tests of plugins .* Expected 'sightline'/;
    for (const source of [
      `import 'sightline/testing';`,
      `await import('sightline/testing');`,
      `import './old.cjs';`,
    ]) {
      assert.match((await folder.failed(source)).message, testing);
    }
    assert.match(
      (await folder.failed(`import 'sightline/src/service.ts';`)).message,
      /is not exported by Sightline/,
    );
  });

  it('refuses local paths that are put together at run time: they would never be reloaded', async (t) => {
    const folder = await pluginFolder(t, {
      'h.ts': 'export const h = 1;',
      'old.cjs': `const x = './h'; require(x + '.ts');`,
    });
    const error = await folder.failed(
      `\nconst name: string = './h';\nexport default await import(name + '.ts');`,
    );
    assert.match(
      error.message,
      /^import\(\) of '.\/h.ts', which was put together at run time, would never be reloaded/,
    );
    assert.equal(error.place?.line, 3);
    assert.match((await folder.failed(`import './old.cjs';`)).message, /^require\(\) of '.\/h.ts'/);
  });

  it('can be given up, and its timers with it', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `setInterval(() => { throw new Error('still there'); }, 1); await new Promise(() => undefined);`,
    });
    const controller = new AbortController();
    const pending = evaluate(await folder.build(), { signal: controller.signal });
    setImmediate(() => controller.abort(new Error('too slow')));
    await assert.rejects(pending, { name: 'PluginProblem', step: 'evaluate', message: 'too slow' });
  });
});

describe('an evaluation that was given up', () => {
  it('does not begin the code after its imports', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `import 'zod'; (globalThis as any).ranGivenUp = true;`,
    });
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(evaluate(await folder.build(), { signal }), { message: 'too late' });
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!('ranGivenUp' in globalThis));
  });
});
