import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadlineError, isThenable, withDeadline } from '../../src/exchange/deadline.ts';

describe('a deadline', () => {
  it('lets what comes in time pass, whatever it is', async () => {
    assert.equal(await withDeadline(Promise.resolve(1), 10_000), 1);
    await assert.rejects(withDeadline(Promise.reject(new Error('no')), 10_000), /^Error: no$/);
  });

  it('ends the waiting for what does not', async () => {
    const late = Promise.withResolvers<number>();
    await assert.rejects(withDeadline(late.promise, 2), new DeadlineError('no answer within 2 ms'));
    late.reject(new Error('this reaches nobody'));
  });

  it('leaves no timer behind', async () => {
    await withDeadline(Promise.resolve(1), 10_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!process.getActiveResourcesInfo().includes('Timeout'));
  });

  it('is for promises, and for what other libraries call one', () => {
    const then = () => undefined;
    for (const thing of [Promise.resolve(), { then }]) assert.ok(isThenable(thing));
    for (const thing of [undefined, null, 1, 'then', {}, [], () => 1]) assert.ok(!isThenable(thing));
  });
});
