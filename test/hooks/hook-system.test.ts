import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookFailure } from '../../src/hooks/hook-run.ts';
import { HookSystem } from '../../src/hooks/hook-system.ts';
import type { HookPoint } from '../../src/hooks/points.ts';
import { sampleExchange } from '../exchange/samples.ts';
import { startService } from '../support/service.ts';

interface Failure {
  readonly point: HookPoint;
  readonly owner: string;
  readonly failure: HookFailure;
  readonly message: string;
}

function createHooks(options: { timeoutMs?: number; pendingMax?: number } = {}) {
  const failures: Failure[] = [];
  const hooks = new HookSystem({
    timeoutMs: 10_000,
    pendingMax: 1_000,
    ...options,
    onFailure: (point, owner, failure, { message }) => failures.push({ point, owner, failure, message }),
  });
  return { hooks, failures };
}

const started = { exchange: sampleExchange().view };
const values = (results: readonly object[]) => results.map((one) => ('value' in one ? one.value : one));
const never = () => new Promise<never>(() => undefined);

describe('the order of hooks', () => {
  it('has higher priorities first, 50 where none is given, and ties in the order of registration', async () => {
    const { hooks } = createHooks();
    const register = (name: string, priority?: number) =>
      hooks.registerHook('exchange.started', () => name, priority === undefined ? {} : { priority });
    register('a: 50');
    register('b: 10', 10);
    register('c: 90', 90);
    register('d: 50 by default');
    register('e: 50', 50);
    register('f: -1', -1);
    register('g: 90', 90);
    register('h: 50.5', 50.5);
    const results = values(await hooks.executeHooks('exchange.started', started));
    assert.equal(results.map((name) => String(name).charAt(0)).join(''), 'cghadebf');
  });

  it('waits for a callback before it runs the next one, and gives back results in that order', async () => {
    const { hooks } = createHooks();
    const seen: string[] = [];
    hooks.registerHook('exchange.started', async () => {
      seen.push('first begins');
      await new Promise((resolve) => setImmediate(resolve));
      seen.push('first ends');
      return 1;
    });
    hooks.registerHook('exchange.started', () => {
      seen.push('second');
      return 2;
    });
    hooks.registerHook('exchange.started', () => undefined);
    assert.deepEqual(values(await hooks.executeHooks('exchange.started', started)), [1, 2, undefined]);
    assert.deepEqual(seen, ['first begins', 'first ends', 'second']);
  });

  it('lets a watcher that answers at once see the moment that it watches', () => {
    const { hooks } = createHooks();
    const seen: string[] = [];
    hooks.registerHook('exchange.started', () => seen.push('watched'));
    hooks.registerHook('exchange.started', () => seen.push('watched too'));
    hooks.notify('exchange.started', started);
    seen.push('went on');
    assert.deepEqual(seen, ['watched', 'watched too', 'went on']);
  });

  it('gives every callback the payload itself, at its own point only', async () => {
    const { hooks } = createHooks();
    const got: unknown[] = [];
    hooks.registerHook('exchange.started', (payload) => got.push(payload));
    hooks.registerHook('exchange.ended', () => got.push('the other point'));
    await hooks.executeHooks('exchange.started', started);
    assert.equal(got.length, 1);
    assert.equal(got[0], started);
  });
});

describe('registration of hooks', () => {
  it('refuses an unknown point and names the known ones', () => {
    const { hooks } = createHooks();
    const register = (point: string) => hooks.registerHook(point as HookPoint, () => undefined);
    assert.throws(
      () => register('exchange.begun'),
      /Unknown hook point 'exchange\.begun'.*exchange\.started/,
    );
    assert.throws(() => register('constructor'), /Unknown hook point 'constructor'/);
  });

  it('refuses a priority that cannot be sorted', () => {
    const { hooks } = createHooks();
    const register = (priority: number) =>
      hooks.registerHook('exchange.started', () => undefined, { priority });
    assert.throws(() => register(Number.NaN), /must be a finite number, not NaN/);
    assert.throws(() => register(Number.POSITIVE_INFINITY), /finite/);
  });

  it('returns a remover that removes this registration only, and does nothing when called again', async () => {
    const { hooks } = createHooks();
    const callback = () => 'called';
    const remove = hooks.registerHook('exchange.started', callback);
    hooks.registerHook('exchange.started', callback);
    remove();
    remove();
    assert.deepEqual(values(await hooks.executeHooks('exchange.started', started)), ['called']);
    hooks.registerHook('exchange.started', callback);
    remove();
    assert.equal((await hooks.executeHooks('exchange.started', started)).length, 2);
  });

  it('while the point is executed counts from the next execution on', async () => {
    const { hooks } = createHooks();
    const seen: string[] = [];
    let removeLast = () => {};
    hooks.registerHook('exchange.started', () => {
      seen.push('first');
      hooks.registerHook('exchange.started', () => seen.push('new'), { priority: 99 });
      removeLast();
    });
    removeLast = hooks.registerHook('exchange.started', () => seen.push('last'));
    await hooks.executeHooks('exchange.started', started);
    assert.deepEqual(seen.splice(0), ['first', 'last']);
    await hooks.executeHooks('exchange.started', started);
    assert.deepEqual(seen, ['new', 'first']);
  });

  it('says whether anybody watches a point', () => {
    const { hooks } = createHooks();
    assert.equal(hooks.has('reply.chunk'), false);
    const remove = hooks.registerHook('reply.chunk', () => undefined);
    assert.equal(hooks.has('reply.chunk'), true);
    assert.equal(hooks.has('reply.head'), false);
    remove();
    assert.equal(hooks.has('reply.chunk'), false);
  });
});

describe('a hook that fails', () => {
  it('is told with its owner, and the others still run', async () => {
    const { hooks, failures } = createHooks();
    hooks.registerHook('exchange.started', () => 'before');
    hooks.registerHook(
      'exchange.started',
      () => {
        throw new Error('at once');
      },
      { owner: 'plugin-a' },
    );
    hooks.registerHook('exchange.started', () => Promise.reject(new Error('later')), { owner: 'plugin-b' });
    hooks.registerHook('exchange.started', async () => 'after');
    const results = await hooks.executeHooks('exchange.started', started);
    assert.deepEqual(
      results.map((one) => ('error' in one ? `${one.owner}: ${one.error.message}` : one.value)),
      ['before', 'plugin-a: at once', 'plugin-b: later', 'after'],
    );
    assert.deepEqual(failures, [
      { point: 'exchange.started', owner: 'plugin-a', failure: 'threw', message: 'at once' },
      { point: 'exchange.started', owner: 'plugin-b', failure: 'threw', message: 'later' },
    ]);
  });

  it('may throw anything at all', async () => {
    const { hooks, failures } = createHooks();
    const things = ['text', 7, undefined, null, Symbol('s'), {}, Object.create(null), () => 'f', 10n];
    for (const thing of things) {
      hooks.registerHook('exchange.started', () => {
        throw thing;
      });
      hooks.registerHook('exchange.started', () => Promise.reject(thing));
    }
    const results = await hooks.executeHooks('exchange.started', started);
    assert.equal(results.length, things.length * 2);
    for (const [i, result] of results.entries()) {
      assert.ok('error' in result && result.error instanceof Error);
      assert.equal(result.error.cause, things[i >> 1]);
    }
    assert.equal(failures[0]?.message, 'text');
    assert.equal(failures[8]?.message, 'Symbol(s)');
  });

  it('does not escape where telling of it fails too', async () => {
    const told: string[] = [];
    const hooks = new HookSystem({
      timeoutMs: 1,
      pendingMax: 10,
      onFailure: (_point, _owner, failure) => {
        told.push(failure);
        throw new Error('the log is full');
      },
    });
    hooks.registerHook('exchange.started', () => {
      throw new Error('at once');
    });
    hooks.registerHook('exchange.started', () => Promise.reject(new Error('later')));
    hooks.registerHook('exchange.started', never);
    hooks.registerHook('exchange.started', () => 'still here');
    const results = await hooks.executeHooks('exchange.started', started);
    assert.equal(values(results).at(-1), 'still here');
    assert.deepEqual(told, ['threw', 'threw', 'timed_out']);
  });

  it('leaves whoever notifies in peace', async () => {
    const { hooks, failures } = createHooks();
    hooks.registerHook('exchange.started', () => {
      throw new Error('at once');
    });
    hooks.registerHook('exchange.started', () => Promise.reject(new Error('later')));
    const { promise, resolve } = Promise.withResolvers<void>();
    hooks.registerHook('exchange.started', () => resolve());
    hooks.notify('exchange.started', started);
    await promise;
    assert.equal(failures.length, 2);
  });
});

describe('an asynchronous hook', () => {
  it('may return what another library calls a promise', async () => {
    const { hooks, failures } = createHooks();
    const thenable = (then: unknown) => ({ then });
    hooks.registerHook('exchange.started', () =>
      thenable((resolve: (value: string) => void) => resolve('ok')),
    );
    hooks.registerHook('exchange.started', () =>
      thenable((_: unknown, reject: (error: Error) => void) => reject(new Error('refused'))),
    );
    hooks.registerHook('exchange.started', () =>
      thenable(() => {
        throw new Error('broken');
      }),
    );
    hooks.registerHook('exchange.started', () => thenable('no function'));
    const results = await hooks.executeHooks('exchange.started', started);
    assert.deepEqual(values(results)[0], 'ok');
    assert.deepEqual(
      failures.map(({ message }) => message),
      ['refused', 'broken'],
    );
    assert.deepEqual(values(results)[3], thenable('no function'));
  });

  it('has a deadline, after which its answer reaches nobody', async () => {
    const { hooks, failures } = createHooks({ timeoutMs: 5 });
    const late = Promise.withResolvers<string>();
    const lateError = Promise.withResolvers<string>();
    hooks.registerHook('exchange.started', () => late.promise, { owner: 'slow' });
    hooks.registerHook('exchange.started', () => lateError.promise, { owner: 'slower' });
    hooks.registerHook('exchange.started', () => 'next');
    const results = await hooks.executeHooks('exchange.started', started);
    const before = structuredClone(failures);
    assert.deepEqual(before, [
      { point: 'exchange.started', owner: 'slow', failure: 'timed_out', message: 'no answer within 5 ms' },
      { point: 'exchange.started', owner: 'slower', failure: 'timed_out', message: 'no answer within 5 ms' },
    ]);
    assert.equal(values(results).at(-1), 'next');
    late.resolve('too late');
    lateError.reject(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(failures, before);
    assert.ok(results[0] && 'error' in results[0]);
  });

  it('is skipped and told of where too many are under way, until one of them ends', async () => {
    const { hooks, failures } = createHooks({ pendingMax: 2 });
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let runs = 0;
    hooks.registerHook('exchange.started', () => gates[runs++]?.promise, { owner: 'slow' });
    const running = gates.map(() => hooks.executeHooks('exchange.started', started));
    const [skipped] = await hooks.executeHooks('exchange.started', started);
    assert.ok(skipped && 'error' in skipped);
    assert.equal(runs, 2);
    assert.deepEqual(
      failures.map(({ owner, failure }) => `${owner} ${failure}`),
      ['slow skipped'],
    );
    for (const gate of gates) gate.resolve();
    await Promise.all(running);
    await hooks.executeHooks('exchange.started', started);
    assert.equal(runs, 3);
    assert.equal(failures.length, 1);
  });
});

describe('a hook point that nobody watches', () => {
  it('does not look at its payload', () => {
    const { hooks } = createHooks();
    const payload = new Proxy(started, {
      get: () => assert.fail('the payload was read'),
      ownKeys: () => assert.fail('the payload was read'),
    });
    hooks.notify('exchange.started', payload);
  });

  it('costs an exchange no payload', async (t) => {
    await using service = await startService();
    const notify = t.mock.method(HookSystem.prototype, 'notify');
    const ask = async () => {
      const response = await fetch(`${service.dataUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'sim-tokens-3',
          stream: true,
          messages: [{ role: 'user', content: 'Hi' }],
        }),
      });
      await response.text();
      await service.inFlight.empty();
    };
    await ask();
    assert.equal(notify.mock.callCount(), 0);
    const remove = service.hooks.registerHook('reply.head', () => undefined);
    await ask();
    remove();
    await ask();
    assert.deepEqual(
      notify.mock.calls.map((call) => call.arguments[0]),
      ['reply.head'],
    );
  });
});
