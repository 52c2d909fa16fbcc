import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const reporter = fileURLToPath(new URL('reporter.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'sightline-reporter-'));
after(() => rmSync(root, { recursive: true }));

/** Runs these test files with the reporter, in a runner of their own. */
function run(files: Record<string, string>, environment: NodeJS.ProcessEnv = {}) {
  const cwd = mkdtempSync(join(root, 'case-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
  // Told by this variable that it is inside a test, the inner runner would not report by itself.
  const { NODE_TEST_CONTEXT: _outer, ...inherited } = process.env;
  const command = ['--test', `--test-reporter=${reporter}`, '*.test.mjs'];
  const env = { ...inherited, ...environment };
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { cwd, env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return { output: stdout, status };
}

const imports = `import test, { before, describe, it } from 'node:test'; import assert from 'node:assert/strict';\n`;

test('what passes is a dot per file and a closing line', () => {
  const { output, status } = run({
    'a.test.mjs': `${imports} describe('group', () => { it('one', () => console.log('noise')); it('two', () => {}); });`,
    'b.test.mjs': `${imports} test('parent', async (t) => { t.diagnostic('noise'); await t.test('child', () => {}); });`,
  });
  assert.equal(output, '..\n\n3 passed, 0 failed\n');
  assert.equal(status, 0);
});

test('a failure is shown with its path of names, place, difference and cause', () => {
  const { output, status } = run({
    'a.test.mjs': `${imports}
describe('group', () => {
  it('passes', () => {});
  it('differs', () => assert.deepEqual({ a: 1 }, { a: 2 }));
  it('has words', () => assert.equal(1, 2, 'my words'));
  it('throws', () => { throw new TypeError('outer', { cause: new Error('inner') }); });
});`,
  });
  assert.equal(status, 1);
  assert.match(
    output,
    /^✖ group › differs\n {2}a\.test\.mjs:5:3\n\n {2}AssertionError.*\n(.*\n)*? {2}\+ {3}a: 1\n {2}- {3}a: 2\n/m,
  );
  assert.match(output, /^✖ group › has words\n(.*\n)*? {2}actual: 1\n {2}expected: 2\n/m);
  assert.match(
    output,
    /^✖ group › throws\n(.*\n)*? {2}TypeError: outer\n(.*\n)*? {4}\[cause\]: Error: inner\n/m,
  );
  assert.doesNotMatch(output, /node:/);
  assert.match(output, /\n\n1 passed, 3 failed\n$/);
});

test('what breaks outside the tests is a failure, with what the file printed', () => {
  const { output, status } = run({
    'a.test.mjs': `throw new Error('at import');`,
    'b.test.mjs': `${imports} test('late', () => { setTimeout(() => { throw new Error('afterwards') }, 5) });`,
    'c.test.mjs': `${imports} describe('group', () => { before(() => { throw new Error('hook') }); it('never', () => {}) });`,
    'd.test.mjs': `${imports} test('slow', { timeout: 10 }, () => new Promise((r) => setTimeout(r, 200)));`,
    'e.test.mjs': `const nothing = 1;`,
    'f.test.mjs': `${imports} test('exits', () => {}); setTimeout(() => process.exit(3), 20);`,
    'g.test.mjs': `process.kill(process.pid, 'SIGKILL');`,
  });
  assert.equal(status, 1);
  assert.match(output, /^✖ a\.test\.mjs\n(.*\n)*? {2}What it printed:\n(.*\n)*? {2}Error: at import\n/m);
  assert.match(output, /^✖ b\.test\.mjs\n(.*\n)*?.*Error: afterwards/m);
  assert.match(output, /^✖ group › never\n(.*\n)*?.*cancelled\n/m);
  assert.match(output, /^✖ group\n(.*\n)*? {2}Error: hook\n/m);
  assert.match(output, /^✖ slow\n(.*\n)*? {2}test timed out after 10ms\n/m);
  assert.match(output, /^✖ e\.test\.mjs\n(.*\n)*? {2}This file holds no test\.\n/m);
  assert.match(output, /^✖ f\.test\.mjs\n(.*\n)*? {2}Its process ended with exit code 3\.\n/m);
  assert.match(output, /^✖ g\.test\.mjs\n(.*\n)*? {2}Its process was ended by SIGKILL\.\n/m);
  assert.match(output, /\n\n2 passed, 8 failed\n$/);
});

test('what is skipped is listed with its reason', () => {
  const { output, status } = run({
    'a.test.mjs': `${imports} describe('group', () => { it('one', { skip: 'no engine' }, () => {}); });
describe.skip('whole', () => {});
test('todo', { todo: 'later' }, () => assert.fail());
test('runs', () => {});`,
  });
  assert.equal(status, 0);
  assert.equal(
    output,
    `.

SKIPPED, and so not tested:
- group › one (skipped: no engine; a.test.mjs:2:28)
- whole (skipped: no reason given; a.test.mjs:3:10)
- todo (todo: later; a.test.mjs:4:1)

1 passed, 0 failed, 3 skipped
`,
  );
});

test('no test at all is no success', () => {
  const { output, status } = run({});
  assert.equal(output, '\nNO TEST WAS RUN\n\n0 passed, 0 failed\n');
  assert.equal(status, 1);
});

test('a file that never ends is named, and ended', () => {
  const environment = { REPORTER_STALL_MS: '2000' };
  const hanging = run(
    { 'a.test.mjs': `${imports} test('hangs', () => new Promise(() => {}));` },
    environment,
  );
  assert.match(
    hanging.output,
    /^✖ a\.test\.mjs\n\n {2}Interrupted while these ran:\n {2}- hangs\n\n0 passed, 1 failed\n$/m,
  );
  assert.equal(hanging.status, 1);
  const alive = run(
    { 'a.test.mjs': `${imports} test('ends', () => {}); setInterval(() => {}, 1000);` },
    environment,
  );
  assert.match(alive.output, /something keeps it alive.*\n\n1 passed, 1 failed\n$/m);
  assert.equal(alive.status, 1);
});
