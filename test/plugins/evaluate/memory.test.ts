import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RunningProcess } from '../../support/run-process.ts';
import { pluginFolder } from '../compile/plugin-folder.ts';

async function runChild(
  name: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  await using child = new RunningProcess(process.execPath, ['--expose-gc', ...flags, script, ...args], {});
  const { code } = await child.exited;
  assert.equal(child.stderr, '');
  assert.equal(code, 0);
  return child.stdout;
}

/** Each plugin, and whether it is alive once the service has let go of it. None is when that is undone. */
const plugins: Readonly<Record<string, { source: string; isAlive: boolean }>> = {
  empty: { source: '', isAlive: false },
  plain: { source: `import { h } from './h.ts'; export default { h, f() { return h; } };`, isAlive: false },
  'own timers': {
    source: 'setInterval(() => 1, 1e6); setTimeout(() => 1, 1e6); export default 1;',
    isAlive: false,
  },
  failing: {
    source: `export const use = () => { try { throw new Error('x'); } catch (e) { left.values.push((e as Error).stack); } };`,
    isAlive: false,
  },
  data: { source: 'left.values.push({ a: [1] });', isAlive: false },
  'awaited package': {
    source: `import 'zod'; const { z } = await import('zod'); export const use = () => void z.string();`,
    isAlive: false,
  },
  'global interval': { source: 'left.timer = globalThis.setInterval(() => 1, 1e6);', isAlive: true },
  listener: { source: `process.on('SIGUSR2', () => undefined);`, isAlive: true },
  'listener that use set': {
    source: `export const use = () => void process.on('SIGUSR2', function named() {});`,
    isAlive: true,
  },
  'CommonJS helper': { source: `import './old.cjs';`, isAlive: true },
  'lazy helper': { source: `await import('./lazy.ts');`, isAlive: true },
  method: { source: 'class A { m() {} } left.values.push(new A().m);', isAlive: true },
  'static method': { source: 'left.values.push((class { static m() {} }).m);', isAlive: true },
  instance: { source: 'class A {} left.values.push(new A());', isAlive: true },
  getter: { source: 'left.values.push({ get a() { return 1; } });', isAlive: true },
  'bound function': { source: 'left.values.push(function () {}.bind(null));', isAlive: true },
  generator: { source: 'left.values.push((function* () { yield 1; })());', isAlive: true },
  'nested closure': {
    source: 'const make = () => () => () => 1; left.values.push(make()());',
    isAlive: true,
  },
  'default parameter': {
    source: 'const make = (f = () => 1) => f; left.values.push(make());',
    isAlive: true,
  },
  'waiting promise': {
    source:
      'const wait = async () => { await new Promise((r) => left.values.push(r)); return 1; }; void wait();',
    isAlive: true,
  },
};

describe('the life of an evaluated module', () => {
  it('is as long as that of any closure of it, and no longer', async (t) => {
    const names = Object.keys(plugins);
    const files = names.map((name) => [
      `${name}.plugin.ts`,
      `declare const left: any;\n${plugins[name]?.source}`,
    ]);
    const folder = await pluginFolder(t, {
      'h.ts': 'export const h = () => 1;',
      'lazy.ts': 'declare const left: any; left.values.push(() => 1);',
      'old.cjs': 'left.values.push(() => 1);',
      ...Object.fromEntries(files),
    });
    const output = await runChild('life-child.ts', [
      folder.root,
      ...files.map(([file = '']) => folder.path(file)),
    ]);
    const told = output
      .trimEnd()
      .split('\n')
      .map((line, n) => [names[n], ...JSON.parse(line)]);
    assert.deepEqual(
      told,
      names.map((name) => [name, plugins[name]?.isAlive, false]),
    );
  });

  it('leaves less than 1 KB behind', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `
        import { z } from 'zod'; import { definePlugin } from 'sightline'; import { h } from './h.ts';
        const schema = z.object({ a: z.string() }); const text = 'ROUND';
        setInterval(() => text, 1000);
        export const boom = () => { throw new Error(text); };
        export default definePlugin({ name: 'a', version: '1.0.0', config: schema, initialize: () => h(text) });`,
      'h.ts': `export const h = (x: string) => [x, () => import('zod'), import.meta.url];`,
    });
    const output = await runChild(
      'growth-child.ts',
      [folder.root, folder.path('a.plugin.ts'), '1500'],
      ['--max-old-space-size=64'],
    );
    assert.ok(Number(output) < 1_024, `${output} bytes a round`);
  });
});
