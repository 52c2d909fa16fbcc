import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openWorkplace } from './workplace.ts';

const guard = `
import { writeFileSync } from 'node:fs';
import { definePlugin } from 'sightline';
import { z } from 'zod';
export default definePlugin({
  name: 'guard', version: '1.0.0',
  config: z.object({ size: z.number('expected a size') }),
  initialize() { writeFileSync('initialized', ''); },
});
`;

async function check(files: Readonly<Record<string, string>>) {
  const place = await openWorkplace(files);
  return Object.assign(await place.run(['--check'], { OTEL_TRACES_EXPORTER: 'none' }), {
    folder: place.folder,
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  });
}

describe('sightline --check, of the plugins of the folder,', () => {
  it('accepts those that are right, and initializes none', async () => {
    await using ran = await check({
      'sightline.yaml': 'plugins: { required: [guard], config: { guard: { size: 3 } } }',
      'plugins/guard.plugin.ts': guard,
    });
    assert.deepEqual([ran.code, ran.stderr], [0, '']);
    assert.match(ran.stdout, /the configuration is valid/);
    assert.ok(!existsSync(join(ran.folder, 'initialized')));
  });

  it('says which one is required and not there', async () => {
    await using ran = await check({ 'sightline.yaml': 'plugins: { required: [nope] }' });
    assert.equal(ran.code, 1);
    assert.match(
      ran.stderr,
      /^sightline: The plugins have a problem:\n {2}The required plugin 'nope' is not there/,
    );
    assert.equal(ran.stdout, '');
  });

  it('says which config its schema refuses, and what does not compile or lacks another', async () => {
    await using ran = await check({
      'sightline.yaml': 'plugins: { config: { guard: { size: large } } }',
      'plugins/guard.plugin.ts': guard,
      'plugins/broken.plugin.ts': 'export default 1 +;',
      'plugins/needy.plugin.ts': `import { definePlugin } from 'sightline';
export default definePlugin({ name: 'needy', version: '1.0.0', dependencies: { gone: '*' }, initialize() {} });`,
    });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^sightline: The plugins have 3 problems:$/m);
    assert.match(
      ran.stderr,
      /^ {2}plugins\/guard\.plugin\.ts: plugins\.config\.guard\.size: expected a size$/m,
    );
    assert.match(ran.stderr, /^ {2}plugins\/broken\.plugin\.ts:1:19: Unexpected ";"/m);
    assert.match(ran.stderr, /^ {2}plugins\/needy\.plugin\.ts: needy 1\.0\.0 needs gone \*/m);
  });

  it('warns of a config that is for nobody', async () => {
    await using ran = await check({
      'sightline.yaml': 'plugins: { config: { gaurd: { size: 3 } } }',
    });
    assert.equal(ran.code, 0);
    assert.match(
      ran.stderr,
      /^sightline: warning: plugins\.config\.gaurd is for a plugin that is not in .*plugins$/m,
    );
  });
});
