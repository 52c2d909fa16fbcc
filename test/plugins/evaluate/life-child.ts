/*
 * Run with --expose-gc: evaluates each plugin, lets go of it, and tells whether its module is alive: before
 * and after what it left behind in the process was taken away, too.
 */
import { setImmediate } from 'node:timers/promises';
import { PluginBuilder } from '../../../src/plugins/compile/builder.ts';
import { evaluate } from '../../../src/plugins/evaluate/evaluate.ts';

const [folder = '', ...files] = process.argv.slice(2);
const left: { values: unknown[]; timer?: NodeJS.Timeout } = { values: [] };
Object.assign(globalThis, { left });

/** In a function of its own, so that nothing of the module stays on the stack. */
async function load(builder: PluginBuilder, file: string) {
  const { life, frames, dispose, exports } = await evaluate(await builder.build(file));
  if (typeof exports.use === 'function') exports.use();
  dispose();
  // An old version's owner keeps this, and must not hold it back.
  return { life, frames };
}

async function isAlive(life: WeakRef<object>): Promise<boolean> {
  for (let round = 0; round < 4; round++) {
    await setImmediate();
    globalThis.gc?.();
  }
  return life.deref() !== undefined;
}

const builder = new PluginBuilder({ folder, fileBytesMax: 100_000 });
const kept: unknown[] = [];
for (const file of files) {
  const { life, frames } = await load(builder, file);
  kept.push(frames);
  const before = await isAlive(life);
  left.values.length = 0;
  process.removeAllListeners('SIGUSR2');
  clearInterval(left.timer);
  delete left.timer;
  process.stdout.write(`${JSON.stringify([before, await isAlive(life)])}\n`);
}
await builder.close();
