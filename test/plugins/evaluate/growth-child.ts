/* Run with --expose-gc and a small heap: evaluates ever new code, and tells how much each round left behind. */
import { setImmediate } from 'node:timers/promises';
import type { PluginBuild } from '../../../src/plugins/compile/build.ts';
import { PluginBuilder } from '../../../src/plugins/compile/builder.ts';
import { evaluate } from '../../../src/plugins/evaluate/evaluate.ts';

const [folder = '', file = '', rounds = ''] = process.argv.slice(2);

async function round(build: PluginBuild, number: number): Promise<void> {
  const code = build.code.replaceAll('ROUND', String(number));
  const module = await evaluate({ ...build, code });
  try {
    (module.exports.boom as () => void)();
  } catch (error) {
    module.frames(error as Error);
  }
  module.dispose();
}

async function heapBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await setImmediate();
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

const builder = new PluginBuilder({ folder, fileBytesMax: 100_000 });
const build = await builder.build(file);
const count = Number(rounds);
for (let i = 0; i < count; i++) await round(build, i);
const before = await heapBytes();
for (let i = 0; i < count; i++) await round(build, count + i);
process.stdout.write(String(((await heapBytes()) - before) / count));
await builder.close();
