import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EvaluatedModule, evaluate } from '../../../src/plugins/evaluate/evaluate.ts';
import { pluginFolder } from '../compile/plugin-folder.ts';

/** What the exported function throws. */
async function thrownBy(module: EvaluatedModule, name: string): Promise<Error> {
  try {
    const call = module.exports[name] as () => unknown;
    await call();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  assert.fail(`${name} did not throw`);
}

describe('stacks', () => {
  const source = `interface Thing { a: number }
export function outer(thing?: Thing) {
  return [1].map(() => inner(thing));
}
function inner(_: unknown): never { throw new Error('first line\\n    at message (x.ts:1:1)'); }
export class Price { of() { outer(); } }
export const late = async () => { await null; outer(); };
export const host = (call: () => void) => call();
export const price = () => new Price().of();
`;

  it('tell TypeScript lines, without the message', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': source });
    const module = await folder.evaluate();
    const file = folder.path('a.plugin.ts');
    const lines = module.frames(await thrownBy(module, 'price')).split('\n');
    assert.deepEqual(lines.slice(0, 6), [
      `    at inner (${file}:5:43)`,
      `    at ${file}:3:24`,
      '    at Array.map (<anonymous>)',
      `    at outer (${file}:3:14)`,
      `    at Price.of (${file}:6:29)`,
      `    at price (${file}:9:40)`,
    ]);
    assert.match(lines[6] ?? '', /^ {4}at thrownBy \(file:.*stacks.test.ts:\d+:\d+\)$/);
    assert.deepEqual(module.placeOf(await thrownBy(module, 'late')), { file, line: 5, column: 43 });
  });

  it('name the file alone for what the compiler added', async (t) => {
    const folder = await pluginFolder(t, {
      'old.cjs': 'module.exports = { get a() { throw new Error("x"); } };',
      'a.plugin.ts': `import old from './old.cjs'; export const use = () => old.a;`,
    });
    const module = await folder.evaluate();
    const build = await folder.build();
    // No mapping at all, and one without a source.
    for (const mappings of ['', ';;;;;A,A,A']) {
      const bare = await evaluate({
        ...build,
        map: JSON.stringify({ version: 3, sources: [], names: [], mappings }),
      });
      assert.deepEqual(bare.placeOf(await thrownBy(bare, 'use')), { file: folder.path('a.plugin.ts') });
    }
    assert.deepEqual(module.placeOf(await thrownBy(module, 'use'))?.file, folder.path('old.cjs'));
  });

  it('leave frames outside the plugin as they are, and those of another version', async (t) => {
    const folder = await pluginFolder(t, { 'a.plugin.ts': source });
    const build = await folder.build();
    const [one, two] = [await evaluate(build), await evaluate(build)];
    const error = await thrownBy(one, 'outer');
    assert.equal(two.placeOf(error), undefined);
    assert.match(two.frames(error).split('\n')[0] ?? '', /at inner \(file:.*a.plugin.ts\?v=\d+:\d+:\d+\)/);
    const own = new Error('of the host');
    assert.equal(one.frames(own), (own.stack ?? '').split('\n').slice(1).join('\n'));
    assert.equal(one.placeOf('text'), undefined);
    assert.equal(one.placeOf(Object.assign(new Error('x'), { stack: 7 })), undefined);
  });

  it('name code at the top of a file by its place alone', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `\nexport const error = new Error('x');\nawait null;\nexport const later = new Error('y');`,
    });
    const { exports, frames } = await folder.evaluate();
    const first = (name: string) => frames(exports[name] as Error).split('\n')[0];
    assert.equal(first('error'), `    at ${folder.path('a.plugin.ts')}:2:22`);
    assert.equal(first('later'), `    at ${folder.path('a.plugin.ts')}:4:22`);
  });
});
