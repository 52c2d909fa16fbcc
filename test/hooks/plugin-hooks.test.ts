import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Breaker } from '../../src/exchange/breaker.ts';
import type { HookRun } from '../../src/hooks/hook-run.ts';
import type { HookRunnerOptions } from '../../src/hooks/hook-runner.ts';
import { HookSystem } from '../../src/hooks/hook-system.ts';
import { sampleExchange } from '../exchange/samples.ts';

const started = { exchange: sampleExchange().view };
const never = () => new Promise<never>(() => undefined);
const broken = () => {
  throw new Error('broken');
};
const values = (results: readonly object[]) => results.map((one) => ('value' in one ? one.value : one));

function createHooks(options: Partial<HookRunnerOptions> = {}, parent?: HookSystem) {
  const told: string[] = [];
  const runs: HookRun[] = [];
  const hooks = new HookSystem(
    {
      timeoutMs: 10_000,
      pendingMax: 1_000,
      onFailure: (point, owner, failure, _error, frames) =>
        told.push([point, owner, failure, frames].filter(Boolean).join(' ')),
      onSkipped: (point, owner) => told.push(`${point} ${owner} skipped again`),
      onRun: (run) => runs.push(run),
      ...options,
    },
    parent,
  );
  const execute = () => hooks.executeHooks('exchange.started', started);
  return { hooks, told, runs, execute };
}

function createPlugin(frames: (error: Error) => string = () => 'at tenant.plugin.ts:3:5') {
  const clock = { at: 0 };
  const breaker = new Breaker({ failuresMax: 2, openMs: 100, now: () => clock.at });
  const plugin = { name: 'tenant', version: '1.2.0', frames };
  return { plugin, breaker, clock };
}

describe('hooks with a parent', () => {
  const parent = () => createHooks().hooks;

  it('run those of the parent as well: by priority, ties with the parent first', async () => {
    const base = parent();
    const { hooks, execute } = createHooks({}, base);
    const register = (on: HookSystem, name: string, priority?: number) =>
      on.registerHook('exchange.started', () => name, { priority });
    register(hooks, 'child 50');
    register(base, 'parent 50');
    register(hooks, 'child 90', 90);
    register(base, 'parent 10', 10);
    register(base, 'parent 50 again');
    register(hooks, 'child 50 again');
    register(hooks, 'child -1', -1);
    const expected = [
      'child 90',
      'parent 50',
      'parent 50 again',
      'child 50',
      'child 50 again',
      'parent 10',
      'child -1',
    ];
    assert.deepEqual(values(await execute()), expected);
    assert.deepEqual(values(await execute()), expected);
    const inParent = await base.executeHooks('exchange.started', started);
    assert.deepEqual(values(inParent), ['parent 50', 'parent 50 again', 'parent 10']);
  });

  it('see what the parent gains and loses later', async () => {
    const base = parent();
    const { hooks, execute } = createHooks({}, base);
    hooks.registerHook('exchange.started', () => 'child');
    assert.deepEqual(values(await execute()), ['child']);
    const remove = base.registerHook('exchange.started', () => 'parent', { priority: 60 });
    assert.deepEqual(values(await execute()), ['parent', 'child']);
    remove();
    assert.deepEqual(values(await execute()), ['child']);
  });

  it('say whether anybody watches, here or there', () => {
    const base = parent();
    const { hooks } = createHooks({}, base);
    assert.equal(hooks.has('reply.chunk'), false);
    const remove = base.registerHook('reply.chunk', () => undefined);
    assert.deepEqual([hooks.has('reply.chunk'), hooks.has('reply.head')], [true, false]);
    remove();
    const removeOwn = hooks.registerHook('reply.chunk', () => undefined);
    assert.deepEqual([hooks.has('reply.chunk'), base.has('reply.chunk')], [true, false]);
    removeOwn();
    assert.equal(hooks.has('reply.chunk'), false);
  });

  it('have one bound of callbacks under way with it', async () => {
    const base = createHooks({ pendingMax: 1 }).hooks;
    const { hooks, told, execute } = createHooks({ pendingMax: 1 }, base);
    const gate = Promise.withResolvers<void>();
    base.registerHook('exchange.ended', () => gate.promise);
    const running = base.executeHooks('exchange.ended', started);
    hooks.registerHook('exchange.started', () => 'child');
    await execute();
    assert.deepEqual(told, ['exchange.started service skipped']);
    gate.resolve();
    await running;
    assert.deepEqual(values(await execute()), ['child']);
  });

  it('are idle when each callback has answered or missed its deadline', async () => {
    const base = parent();
    const { hooks, execute } = createHooks({ timeoutMs: 2 }, base);
    await hooks.idle();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ended: string[] = [];
    hooks.registerHook('exchange.started', () => gates[0]?.promise);
    hooks.registerHook('exchange.started', never);
    base.registerHook('exchange.started', () => void ended.push('the last callback'), { priority: 1 });
    void execute();
    const idle = hooks.idle().then(() => ended.push('idle'));
    gates[0]?.resolve();
    await idle;
    assert.deepEqual(ended, ['the last callback', 'idle']);
  });
});

describe("a plugin's hook", () => {
  it('is told of with its run: what it took, and how it ended', async () => {
    const { hooks, runs, told, execute } = createHooks({ timeoutMs: 2 });
    const { plugin } = createPlugin();
    const callbacks = [() => 1, async () => 2, broken, () => Promise.reject(new Error('later')), never];
    for (const callback of callbacks) hooks.registerHook('exchange.started', callback, { plugin });
    await execute();
    assert.deepEqual(
      runs.map(({ failure, error, frames }) => [failure, error?.message, frames]),
      [
        [undefined, undefined, undefined],
        [undefined, undefined, undefined],
        ['threw', 'broken', 'at tenant.plugin.ts:3:5'],
        ['threw', 'later', 'at tenant.plugin.ts:3:5'],
        ['timed_out', 'no answer within 2 ms', undefined],
      ],
    );
    for (const run of runs) {
      assert.ok(run.durationMs >= 0 && run.startedAt > 0);
      assert.equal(run.plugin, plugin);
      assert.equal(run.payload, started);
      assert.equal(run.point, 'exchange.started');
    }
    assert.deepEqual(told, [
      'exchange.started tenant threw at tenant.plugin.ts:3:5',
      'exchange.started tenant threw at tenant.plugin.ts:3:5',
      'exchange.started tenant timed_out',
    ]);
  });

  it('costs nothing of the kind where it belongs to no plugin', async () => {
    const { hooks, runs, execute } = createHooks();
    hooks.registerHook('exchange.started', () => 1, { owner: 'somebody' });
    hooks.registerHook('exchange.started', broken);
    await execute();
    assert.deepEqual(runs, []);
  });

  it('harms nobody where telling of it fails, or its frames cannot be had', async () => {
    const { hooks, told, execute } = createHooks({ onRun: broken });
    const { plugin } = createPlugin(broken);
    hooks.registerHook('exchange.started', broken, { plugin });
    hooks.registerHook('exchange.started', () => 'still here', { plugin });
    assert.equal(values(await execute()).at(-1), 'still here');
    assert.deepEqual(told, ['exchange.started tenant threw']);
  });

  it('is skipped while its breaker is open: told once, then only counted', async () => {
    const { hooks, told, runs, execute } = createHooks();
    const { plugin, breaker } = createPlugin(() => '');
    hooks.registerHook('exchange.started', broken, { plugin, breaker });
    for (let i = 0; i < 5; i += 1) await execute();
    assert.deepEqual(told, [
      'exchange.started tenant threw',
      'exchange.started tenant threw',
      'exchange.started tenant skipped',
      'exchange.started tenant skipped again',
      'exchange.started tenant skipped again',
    ]);
    assert.equal(runs.length, 2, 'what was skipped has not run');
    const [result] = await execute();
    assert.ok(result && 'error' in result);
    assert.match(result.error.message, /breaker is open/);
  });

  it('may try again when the time is over, and is told of again where that fails', async () => {
    const { hooks, told, execute } = createHooks();
    const { plugin, breaker, clock } = createPlugin(() => '');
    let isBroken = true;
    hooks.registerHook('exchange.started', () => (isBroken ? broken() : 'works'), { plugin, breaker });
    for (let i = 0; i < 4; i += 1) await execute();
    told.length = 0;
    clock.at += 100;
    for (let i = 0; i < 3; i += 1) await execute();
    assert.deepEqual(told, [
      'exchange.started tenant threw',
      'exchange.started tenant skipped',
      'exchange.started tenant skipped again',
    ]);
    isBroken = false;
    clock.at += 100;
    assert.deepEqual(values(await execute()), ['works']);
    assert.equal(breaker.state, 'closed');
  });

  it('that answers after its deadline is no success to its breaker', async () => {
    const { hooks, execute } = createHooks({ timeoutMs: 2 });
    const { plugin, breaker } = createPlugin();
    const late = Promise.withResolvers<void>();
    hooks.registerHook('exchange.started', () => late.promise, { plugin, breaker });
    await execute();
    await execute();
    assert.equal(breaker.state, 'open');
    late.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(breaker.state, 'open');
  });

  it('is counted by its point: one that works does not hide one that fails', async () => {
    const { hooks, execute } = createHooks();
    const { plugin, breaker } = createPlugin();
    hooks.registerHook('exchange.started', broken, { plugin, breaker });
    hooks.registerHook('exchange.ended', () => undefined, { plugin, breaker });
    for (let i = 0; i < 2; i += 1) {
      await hooks.executeHooks('exchange.ended', started);
      await execute();
    }
    assert.equal(breaker.state, 'open');
  });
});
