import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { evaluate } from '../../../src/plugins/evaluate/evaluate.ts';
import { Timers } from '../../../src/plugins/evaluate/timers.ts';
import { pluginFolder } from '../compile/plugin-folder.ts';

const tick = () => new Promise((resolve) => setTimeout(resolve, 2));

function create(onError?: (error: unknown) => void) {
  const timers = new Timers(onError);
  return { timers, ...(timers.functions as unknown as typeof globalThis) };
}

describe('the timers of a plugin', () => {
  it('are real ones, with their values', async () => {
    const { timers, setTimeout: later, setInterval: often, setImmediate: soon } = create();
    const timer = later((a: number, b: number) => seen.push(a + b), 1, 1, 2);
    const seen: number[] = [];
    assert.equal(timer.constructor, setTimeout(() => undefined, 0).constructor);
    assert.equal(timer.unref().hasRef(), false);
    timer.ref();
    await new Promise<void>((resolve) => soon((value: () => void) => value(), resolve));
    await new Promise<void>((resolve) => {
      let n = 0;
      const interval = often(() => {
        seen.push(10);
        if (++n === 2) resolve(clearInterval(interval));
      }, 1);
    });
    assert.deepEqual(seen.slice().sort(), [10, 10, 3]);
    assert.equal(await promisify(later)(1, 'value'), 'value');
    assert.throws(() => later('code' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.equal(timers.pending, 1);
    timers.dispose();
  });

  it('give their callback the timer as this', async () => {
    const { setTimeout: later } = create();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const timer = later(function (this: unknown) {
      resolve(this);
    }, 1);
    assert.equal(await promise, timer);
  });

  it('are forgotten when they have fired or were cleared, in whichever way', async () => {
    const { timers, setTimeout: later, setInterval: often, setImmediate: soon, ...own } = create();
    await new Promise((resolve) => later(resolve, 1));
    await new Promise((resolve) => soon(resolve));
    assert.equal(timers.pending, 0);
    const set = () => later(() => assert.fail(), 1);
    own.clearTimeout(set());
    own.clearInterval(set());
    own.clearTimeout(Number(set()));
    own.clearTimeout(String(Number(set())));
    set().close();
    set()[Symbol.dispose]();
    own.clearInterval(often(() => assert.fail(), 1));
    often(() => assert.fail(), 1).close();
    own.clearImmediate(soon(() => assert.fail()));
    soon(() => assert.fail())[Symbol.dispose]();
    own.clearTimeout(undefined);
    own.clearTimeout(null as never);
    own.clearTimeout('text');
    own.clearImmediate({} as never);
    assert.equal(timers.pending, 0);
    await tick();
  });

  it('end with the plugin, and later ones never fire', async () => {
    const { timers, setTimeout: later, setInterval: often, setImmediate: soon } = create();
    const never = () => assert.fail('it fired');
    let fires = 0;
    const fired = await new Promise<NodeJS.Timeout>((resolve) => {
      const timer = later(() => resolve(fires++ === 0 ? timer : never()), 0);
    });
    later(never, 1);
    often(never, 1);
    soon(never);
    timers.dispose();
    timers.dispose();
    assert.equal(typeof later(never, 0).ref, 'function');
    often(never, 1).unref();
    soon(never);
    // One that is started again by itself.
    fired.refresh();
    assert.equal(timers.pending, 0);
    await tick();
  });

  it('tell of what a callback throws or rejects with, where somebody listens', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const errors: unknown[] = [];
    const own = create((error) => errors.push(error) === 2 && resolve());
    own.setTimeout(() => {
      throw new Error('thrown');
    }, 0);
    own.setImmediate(async () => {
      throw new Error('rejected');
    });
    await promise;
    assert.deepEqual(errors.map((error) => (error as Error).message).sort(), ['rejected', 'thrown']);
  });

  it('are those that its code sees, in every file', async (t) => {
    const folder = await pluginFolder(t, {
      'lib/old.cjs': 'exports.timer = setInterval(() => { throw new Error("old"); }, 1);',
      'a.plugin.ts': `
        import { timer } from './lib/old.cjs';
        const own = setInterval(() => { throw new Error('own'); }, 1);
        setTimeout(() => { throw new Error('late'); }, 1);
        export default [timer, own]; export const more = () => setTimeout(() => { throw new Error('more'); }, 0);`,
    });
    const module = await folder.evaluate();
    module.dispose();
    module.dispose();
    (module.exports.more as () => void)();
    await tick();
  });

  it('can throw without an end of the process, in TypeScript lines', async (t) => {
    const folder = await pluginFolder(t, {
      'a.plugin.ts': `interface A {}\nsetTimeout(() => { throw new Error('late'); }, 0);`,
    });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const module = await evaluate(await folder.build(), { onTimerError: resolve });
    assert.deepEqual(module.placeOf(await promise), {
      file: folder.path('a.plugin.ts'),
      line: 2,
      column: 26,
    });
  });
});
