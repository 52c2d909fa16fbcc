import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RejectedVersion } from '../../src/hooks/points.ts';
import { PluginFolder, startWithFolder } from './folder.ts';

const head = "import { definePlugin } from 'sightline';\n";
const plugin = (members: string, before = '') =>
  `${head}${before}\nexport default definePlugin({\n${members}\n});\n`;
const named = "name: 'good', version: '2.0.0',";
const initialize = (body: string) => plugin(`${named}\nasync initialize(context) {\n${body}\n},`);

interface Kind {
  readonly source: string;
  readonly step: string;
  readonly message: RegExp;
  /** Of the file; undefined where what is wrong stands in no line. */
  readonly line?: number;
}

const kinds: Record<string, Kind> = {
  'does not compile': { source: 'const = 1;', step: 'build', message: /Expected identifier/, line: 1 },
  'imports a helper that is not there': {
    source: `\nimport './absent.ts';\n${plugin(named)}`,
    step: 'build',
    message: /absent/,
    line: 2,
  },
  'imports a name that its helper does not export': {
    source: `\n\nimport { absent } from './helper.ts';\nabsent();`,
    step: 'build',
    message: /No matching export .* "absent"/,
    line: 3,
  },
  'imports from outside its folder': {
    source: `import '../../outside.ts';`,
    step: 'build',
    message: /outside/,
    line: 1,
  },
  'imports the value of another plugin': {
    source: `import other from './other.plugin.ts';\nother.name;`,
    step: 'build',
    message: /import type/,
    line: 1,
  },
  'imports a package that is not installed': {
    source: `import 'not-a-package-of-anybody';`,
    step: 'evaluate',
    message: /not-a-package-of-anybody/,
    line: 1,
  },
  'imports a name that a package does not export': {
    source: `\nimport { absent } from 'node:fs';\nabsent();`,
    step: 'evaluate',
    message: /does not provide an export named 'absent'/,
    line: 2,
  },
  'throws while it is evaluated': {
    source: `\n\nthrow new Error('no luck');`,
    step: 'evaluate',
    message: /no luck/,
    line: 3,
  },
  'rejects while it is evaluated': {
    source: `\nawait Promise.reject(new Error('no luck'));\nexport {};`,
    step: 'evaluate',
    message: /no luck/,
    line: 2,
  },
  'never ends while it is evaluated': {
    source: 'await new Promise(() => undefined);\nexport {};',
    step: 'evaluate',
    message: /no answer within 150 ms/,
  },
  'exports nothing': { source: 'const a = 1;', step: 'shape', message: /it has no default export/ },
  'exports something else': {
    source: `export default { ${named} };`,
    step: 'shape',
    message: /its default export is something else/,
  },
  'has a name that cannot be one': {
    source: plugin("name: 'Not A Name', version: '1.0.0', initialize() {},"),
    step: 'shape',
    message: /name: expected lower case letters/,
  },
  'has a version that is none': {
    source: plugin("name: 'good', version: 'two', initialize() {},"),
    step: 'shape',
    message: /version: expected a semantic version/,
  },
  'has a range that is none': {
    source: plugin(`${named} dependencies: { a: 'newest' }, initialize() {},`),
    step: 'shape',
    message: /dependencies.a: expected a semver range/,
  },
  'has a member that nobody knows': {
    source: plugin(`${named} initialise() {}, initialize() {},`),
    step: 'shape',
    message: /initialise is unknown; known are name, version/,
  },
  'does not initialize': {
    source: plugin(named),
    step: 'shape',
    message: /initialize: expected a function/,
  },
  'has a config that does not fit': {
    source: plugin(
      `${named} config: z.object({ size: z.number('expected a number') }), initialize() {},`,
      "import { z } from 'zod';",
    ),
    step: 'config',
    message: /plugins.config.good.size: expected a number/,
  },
  'needs a plugin that is not there': {
    source: plugin(`${named} dependencies: { absent: '^1.0.0' }, initialize() {},`),
    step: 'dependencies',
    message: /good 2.0.0 needs absent \^1.0.0, and no 'absent' is active/,
  },
  'throws in initialize': {
    source: initialize("throw new Error('no database');"),
    step: 'initialize',
    message: /no database/,
    line: 6,
  },
  'never ends in initialize': {
    source: initialize('await new Promise(() => undefined);'),
    step: 'initialize',
    message: /no answer within 150 ms/,
  },
  'watches a hook point that nobody knows': {
    source: initialize("context.registerHook('exchange.over', () => undefined);"),
    step: 'initialize',
    message: /Unknown hook point 'exchange.over'; expected one of exchange.started/,
    line: 6,
  },
  'registers a middleware that does nothing': {
    source: initialize("context.registerMiddleware({ name: 'idle', beforequery() {} });"),
    step: 'initialize',
    message: /has none of beforeQuery, onChunk, afterResponse, onError/,
    line: 6,
  },
  'uses what it did not declare': {
    source: initialize("context.use('tenant');"),
    step: 'initialize',
    message: /'tenant' is not among the dependencies of 'good'/,
    line: 6,
  },
};

describe('a version that', () => {
  for (const [what, { source, step, message, line }] of Object.entries(kinds)) {
    it(`${what} is rejected with its place, and the one before it goes on`, async () => {
      await using folder = await PluginFolder.create();
      await folder.savePlugin(
        'good',
        `registerMiddleware({ name: 'good', beforeQuery: () => Reply.json(200, { version }) });`,
      );
      await folder.saveFile('helper.ts', 'export const there = 1;');
      await folder.savePlugin('other', '');
      await using service = await startWithFolder(folder, { limits: { pluginInitializeTimeoutMs: 150 } });
      const problems: RejectedVersion[] = [];
      service.hooks.registerHook('plugin.rejected', ({ problem }) => problems.push(problem));
      await folder.save('good', source);
      await service.plugins.scan();
      const [problem] = problems;
      assert.equal(problems.length, 1);
      assert.equal(problem?.step, step);
      assert.match(problem?.message ?? '', message);
      assert.equal(problem?.place?.file, folder.file('good'));
      assert.equal(problem?.place?.line, line);
      const response = await fetch(`${service.dataUrl}/v1/chat/completions`, { method: 'POST', body: '{}' });
      assert.deepEqual(await response.json(), { version: '1.0.0' });
    });
  }
});
