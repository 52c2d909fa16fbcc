import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { openWorkplace } from './workplace.ts';

/** A plugin of these lines in its definition, after so many lines of its own. */
const plugin = (definition: string, before = '') =>
  `import { definePlugin } from 'sightline';\n${before}export default definePlugin({\n${definition}\n});\n`;
const usual = `  name: 'x', version: '1.0.0', initialize() {},`;

/** What is wrong, the plugin, and what is said behind the name of its file. */
const broken = [
  ['a syntax error', plugin(`  name: 'x' version: '1.0.0',`), /^:3:\d+: Expected "}" but found "version"/],
  [
    'an error of its module, whose place survives that types are taken away',
    plugin(usual, 'interface Gone {\n  readonly a: 1;\n}\nconst one: Gone = missing;\nvoid one;\n'),
    /^:5:19: ReferenceError: missing is not defined/,
  ],
  [
    'no default export',
    `export const x = 1;\n`,
    /^: Expected "export default definePlugin.* no default export/,
  ],
  [
    'another default export',
    `export default { name: 'x' };\n`,
    /^: Expected "export default definePlugin.* something else/,
  ],
  ['a bad name', plugin(usual.replace(`'x'`, `'X Y'`)), /^: .*name: expected lower case letters/],
  [
    'a bad version',
    plugin(usual.replace('1.0.0', 'one')),
    /^: .*version: expected a semantic version such as "1\.0\.0"/,
  ],
  [
    'a bad range',
    plugin(`${usual} dependencies: { y: 'new' },`),
    /^: .*dependencies\.y: expected a semver range/,
  ],
  [
    'an unknown key',
    plugin(`${usual} dependency: {},`),
    /^: .*dependency is unknown; known are name, version/,
  ],
  [
    'no initialize',
    plugin(`  name: 'x', version: '1.0.0',`),
    /^: .*initialize: expected a function initialize\(context\)/,
  ],
  [
    'a helper that is not there',
    plugin(usual, `import { a } from './gone.ts';\nvoid a;\n`),
    /^:2:19: Cannot find '\.\/gone\.ts'/,
  ],
  [
    'a package that is not there',
    plugin(usual, `import gone from 'not-installed';\nvoid gone;\n`),
    /^:2:1: .*Cannot find package 'not-installed'/,
  ],
  [
    'a name that a package lacks',
    plugin(usual, `import { gone } from 'sightline';\nvoid gone;\n`),
    /^:2:1: .*gone/,
  ],
  [
    'a path out of the folder',
    plugin(usual, `import { a } from '../up.ts';\nvoid a;\n`),
    /^:2:19: '\.\.\/up\.ts' leads out of the plugin folder/,
  ],
  ['a module that never ends', plugin(usual, 'for (;;);\n'), /^: Its module gave no answer within 5000 ms/],
  ['a module that ends the process', plugin(usual, 'process.exit(0);\n'), /^: Its module ended the process/],
  [
    'an isolation that is no literal',
    plugin(`${usual} isolation: how,`, `const how = ['worker'][0] as 'worker';\n`),
    /^: Write "isolation: 'worker'" as a literal/,
  ],
] as const;

const fileOf = (what: string) => `${what.replaceAll(/\W+/g, '-')}.plugin.ts`;

describe('sightline plugin check', () => {
  it('says what a plugin is, what it needs, and what was checked', async () => {
    await using place = await openWorkplace({
      'plugins/x.plugin.ts': plugin(
        `  name: 'x', version: '1.2.3', dependencies: { tenant: '^1.0.0' }, optionalDependencies: { log: '*' },
  config: z.object({ size: z.number() }), initialize() { throw new Error('is not run'); },`,
        `import { z } from 'zod';\nimport { size } from './helper.ts';\nvoid size;\n`,
      ),
      'plugins/helper.ts': 'export const size = 1;',
      // Governs the build, and is no file of the plugin.
      'plugins/tsconfig.json': '{}',
      'sightline.yaml': 'plugins: { config: { x: { size: 3 } } }',
    });
    const { code, stdout, stderr } = await place.run(['plugin', 'check', 'plugins/x.plugin.ts']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^plugins\/x\.plugin\.ts: ok$/m);
    assert.match(stdout, /plugin +x 1\.2\.3$/m);
    assert.match(stdout, /needs +tenant \^1\.0\.0, log \* \(optional\)$/m);
    assert.match(stdout, /config +plugins\.config\.x of sightline\.yaml, which its schema accepts$/m);
    assert.match(stdout, /checked +that it compiles \(2 files\) .* not its initialize$/m);
  });

  describe('exits with 1 and says where, and what was expected, of', () => {
    let stderr = '';
    before(async () => {
      const files = broken.map(([what, source]) => [`${fileOf(what)}`, source]);
      await using place = await openWorkplace({
        ...Object.fromEntries(files),
        'sightline.yaml': 'limits: { pluginInitializeTimeoutMs: 5000 }',
      });
      const ran = await place.run(['plugin', 'check', ...broken.map(([what]) => fileOf(what))]);
      assert.equal(ran.code, 1);
      assert.equal(ran.stdout, '');
      stderr = ran.stderr;
    });

    for (const [what, , expected] of broken) {
      it(what, () => {
        const lines = stderr.split('\n').filter((line) => line.startsWith(fileOf(what)));
        assert.equal(lines.length, 1, stderr);
        assert.match(lines[0]?.slice(fileOf(what).length) ?? '', expected);
      });
    }

    it('all of them without a stack', () => {
      assert.doesNotMatch(stderr, /^\s+at /m);
    });
  });

  it('needs no secrets but those of plugins', async () => {
    const config = `
upstreams: { default: { url: "\${UPSTREAM_URL}" } }
alerts: { webhooks: ["\${ALERT_WEBHOOK}"] }
plugins: { config: { x: { key: "\${X_KEY}" } } }
`;
    const source = plugin(
      `${usual} config: z.object({ key: z.string().min(4, 'expected 4 characters') }),`,
      `import { z } from 'zod';\n`,
    );
    await using place = await openWorkplace({ 'sightline.yaml': config, 'plugins/x.plugin.ts': source });
    const args = ['plugin', 'check', 'plugins/x.plugin.ts'];
    const [right, wrong, unset] = await Promise.all([
      place.run(args, { X_KEY: 'long' }),
      place.run(args, { X_KEY: 's' }),
      place.run(args),
    ]);
    assert.deepEqual([right.code, right.stderr], [0, '']);
    assert.match(right.stdout, /plugins\.config\.x of sightline\.yaml, which its schema accepts/);
    assert.match(wrong.stderr, /plugins\.config\.x\.key: expected 4 characters/);
    assert.match(unset.stderr, /plugins\.config\.x\.key needs the variable X_KEY, which is not set/);
    assert.doesNotMatch(unset.stderr, /ALERT_WEBHOOK|UPSTREAM_URL/);
  });

  it('says which key of the configuration its schema refuses', async () => {
    await using place = await openWorkplace({
      'plugins/x.plugin.ts': plugin(
        `${usual} config: z.object({ size: z.number('expected a size') }),`,
        `import { z } from 'zod';\n`,
      ),
      'sightline.yaml': 'plugins: { config: { x: { size: large } } }',
    });
    const { code, stderr } = await place.run(['plugin', 'check', 'plugins/x.plugin.ts']);
    assert.equal(code, 1);
    assert.match(stderr, /^plugins\/x\.plugin\.ts: plugins\.config\.x\.size: expected a size$/m);
  });

  it('takes for config what was written, and not what every object has', async () => {
    const schema = `config: z.strictObject({ size: z.number().default(1) }),`;
    await using place = await openWorkplace({
      'x.plugin.ts': plugin(
        `${usual.replace(`'x'`, `'constructor'`)} ${schema}`,
        `import { z } from 'zod';\n`,
      ),
    });
    const { code, stderr } = await place.run(['plugin', 'check', 'x.plugin.ts']);
    assert.equal(code, 0, stderr);
  });

  it('runs nothing of a plugin for a worker in the process itself', async () => {
    const guarded = `import { isMainThread } from 'node:worker_threads';\nif (isMainThread) throw new Error('no');\n`;
    await using place = await openWorkplace({
      'x.plugin.ts': plugin(`${usual} isolation: 'worker',`, guarded),
    });
    const { code, stdout, stderr } = await place.run(['plugin', 'check', 'x.plugin.ts']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /plugin +x 1\.0\.0, in a worker$/m);
  });

  it('checks several at once, and whether they fit together', async () => {
    const named = (name: string, version: string, needs = '') =>
      plugin(`  name: '${name}', version: '${version}', ${needs} initialize() {},`);
    await using place = await openWorkplace({
      'a.plugin.ts': named('a', '1.0.0', `dependencies: { b: '^2.0.0', elsewhere: '*' },`),
      'b.plugin.ts': named('b', '1.0.0'),
      'again.plugin.ts': named('b', '1.0.0'),
      'good.plugin.ts': named('good', '1.0.0'),
    });
    const both = await place.run(['plugin', 'check', 'a.plugin.ts', 'b.plugin.ts', 'good.plugin.ts']);
    assert.equal(both.code, 1);
    assert.match(both.stderr, /^a\.plugin\.ts: a 1\.0\.0 needs b \^2\.0\.0, and b 1\.0\.0 is here\.$/m);
    assert.match(both.stdout, /^good\.plugin\.ts: ok$/m);
    const twice = await place.run(['plugin', 'check', 'b.plugin.ts', 'again.plugin.ts']);
    assert.equal(twice.code, 1);
    assert.match(twice.stderr, /^again\.plugin\.ts: b\.plugin\.ts is named 'b' too/m);
  });

  it('refuses files that no service would load', async () => {
    await using place = await openWorkplace({ 'x.ts': plugin(usual) });
    const wrong = await place.run(['plugin', 'check', 'x.ts']);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^x\.ts: Expected a name that ends in \.plugin\.ts/);
    const folder = await place.run(['plugin', 'check', '.']);
    assert.equal(folder.code, 1);
    assert.match(folder.stderr, /: It is a folder; expected files, such as \*\.plugin\.ts in it\.$/m);
    const missing = await place.run(['plugin', 'check', 'y.plugin.ts']);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^y\.plugin\.ts: /);
  });
});
