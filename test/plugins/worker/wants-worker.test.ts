import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wantsWorker } from '../../../src/plugins/worker/wants-worker.ts';
import { pluginFolder } from '../compile/plugin-folder.ts';

const plugin = (field: string, before = '') => `
import { definePlugin } from 'sightline';
${before}
export default definePlugin({
  name: 'sample',
  ${field}
  version: '1.0.0',
  initialize() {},
});
`;

const yes: Readonly<Record<string, string>> = {
  'a literal': plugin(`isolation: 'worker',`),
  'in double quotes': plugin(`isolation: "worker",`),
  'with a quoted key': plugin(`'isolation': 'worker',`),
  'as const': plugin(`isolation: 'worker' as const,`),
  'behind a comment, and before one': plugin(`/* here */ isolation: /* there */ 'worker', // as said`),
  'behind a regular expression with quotes': plugin(`isolation: 'worker',`, `export const re = /["'\`]/g;`),
  'behind a regular expression after a parenthesis': plugin(
    `isolation: 'worker',`,
    `export const is = (text: string) => { if (text) return /['"]/.test(text); return 4 / 2 / 1; };`,
  ),
  'behind templates within templates': plugin(
    `isolation: 'worker',`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
    'export const t = (a: string) => `${`{${a + `}`}"`} \\` ${{ a }.a}\'`;',
  ),
  'first of its object': plugin('').replace(`name: 'sample',`, `isolation: 'worker', name: 'sample',`),
};

const no: Readonly<Record<string, string>> = {
  nothing: plugin(''),
  none: plugin(`isolation: 'none',`),
  'a comment': plugin(`// isolation: 'worker',\n  /* isolation: "worker", */`),
  'a comment that stays in the bundle': plugin(
    '',
    `export const x = [/* { isolation: "worker" } */ 1, /* @__PURE__ */ Math.max(1)];`,
  ),
  'a text': plugin(`description: '{ isolation: "worker" }',`),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
  'a template': plugin('description: `{ isolation: "worker" } ${1} , isolation: "worker"`,'),
  'a regular expression': plugin('', `export const re = /{ isolation: "worker" }/;`),
  'a conditional': plugin(
    '',
    `declare const a: boolean, isolation: string; export const b = () => a ? isolation : 'worker';`,
  ),
  'another key': plugin('', `export const options = { poolIsolation: 'worker' };`),
  'a longer text': plugin('', `export const options = { isolation: 'worker-thread' };`),
};

describe('the wish for a worker is read without running the code', () => {
  for (const [expected, sources] of [
    [true, yes],
    [false, no],
  ] as const) {
    for (const [what, text] of Object.entries(sources)) {
      it(`${expected ? 'found' : 'not found'}: ${what}`, async (test) => {
        const folder = await pluginFolder(test, { 'a.plugin.ts': text });
        assert.equal(wantsWorker(await folder.build()), expected);
      });
    }
  }

  it('costs little for large code, also where quotes and braces do not match', () => {
    const code = `${'/"{`${'.repeat(20_000)} isolation: "worker"`;
    assert.equal(typeof wantsWorker({ code }), 'boolean');
  });
});
