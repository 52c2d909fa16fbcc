import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type PendingCall, PendingCalls } from '../../../src/plugins/worker/pending-calls.ts';

/** Calls with a deadline of 10 ms, and a thread that begins them when it is told to. */
function watch() {
  const begun = new Int32Array(new SharedArrayBuffer(4));
  const hung = Promise.withResolvers<PendingCall | undefined>();
  const calls = new PendingCalls<PendingCall>({
    timeoutMs: 10,
    callsMax: 2,
    begun,
    onHang: (culprit) => hung.resolve(culprit),
  });
  // The watch itself is no reason to stay; the test is.
  const stay = setInterval(() => undefined, 1_000);
  return {
    calls,
    begin: (id: number) => Atomics.store(begun, 0, id),
    add: (what: string) => calls.add((call) => call, what),
    hung: hung.promise,
    [Symbol.dispose]() {
      calls.takeAll();
      clearInterval(stay);
    },
  };
}

describe('the watch over the calls of a worker', () => {
  it('names the call that has begun and gives no answer', async () => {
    using watched = watch();
    const first = watched.add('first');
    watched.begin(first.id);
    watched.add('second');
    assert.equal((await watched.hung)?.what, 'first');
  });

  it('names nobody where the thread hangs outside of calls', async () => {
    using watched = watch();
    watched.add('first');
    assert.equal(await watched.hung, undefined);
  });

  it('names the call in whose way others stand', async () => {
    using watched = watch();
    const first = watched.add('first');
    const second = watched.add('second');
    watched.begin(first.id);
    watched.calls.take(first.id);
    watched.begin(second.id);
    assert.equal((await watched.hung)?.what, 'second');
  });

  it('is over with the answer', async () => {
    using watched = watch();
    const first = watched.add('first');
    watched.begin(first.id);
    assert.equal(watched.calls.take(first.id), first);
    assert.equal(watched.calls.take(first.id), undefined);
    const second = watched.add('second');
    const from = performance.now();
    watched.begin(second.id);
    assert.equal((await watched.hung)?.what, 'second');
    assert.ok(performance.now() - from >= 9);
  });

  it('reads answers that have come before it judges', async () => {
    using watched = watch();
    const { id } = watched.add('first');
    watched.begin(id);
    const from = performance.now();
    while (performance.now() - from < 30);
    // As answers do: after the timers, before the judgement.
    process.nextTick(() => watched.calls.take(id));
    await setImmediate();
    await setImmediate();
    assert.equal(watched.calls.size, 0);
    assert.equal(await Promise.race([watched.hung, 'nobody']), 'nobody');
  });

  it('is full with as many as are allowed', () => {
    using watched = watch();
    watched.add('first');
    assert.equal(watched.calls.isFull, false);
    watched.add('second');
    assert.equal(watched.calls.isFull, true);
  });
});
