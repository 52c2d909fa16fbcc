import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeError, SightlineError } from '../../src/errors.ts';
import { DeadlineError } from '../../src/exchange/deadline.ts';
import { middlewareError } from '../../src/middleware/middleware-error.ts';
import { MiddlewareStack, type StackEntry, stackEntry } from '../../src/middleware/stack.ts';
import { sampleExchange } from '../exchange/samples.ts';

const options = { timeoutMs: 1_000, onFailure: () => undefined };

describe('a stack of middleware', () => {
  it('refuses two of one name', () => {
    const list = [{ name: 'a' }, { name: 'b' }, { name: 'a' }].map(stackEntry);
    assert.throws(() => new MiddlewareStack(list, options), /Two middleware are named 'a'/);
  });

  it('keeps its order, whatever becomes of the list that it was made from', () => {
    const list = [{ name: 'a' }, { name: 'b' }].map(stackEntry);
    const stack = new MiddlewareStack(list, options);
    list.reverse();
    assert.deepEqual(
      stack.list.map(({ name }) => name),
      ['a', 'b'],
    );
    assert.throws(() => (stack.list as StackEntry[]).pop(), TypeError);
  });

  it('has no passage where it is empty: such an exchange pays nothing', () => {
    assert.equal(new MiddlewareStack([], options).enter(sampleExchange()), undefined);
    assert.ok(new MiddlewareStack([stackEntry({ name: 'a' })], options).enter(sampleExchange()));
  });

  it('reports without ever throwing', () => {
    const onFailure = () => {
      throw new Error('the log is full');
    };
    new MiddlewareStack([], { ...options, onFailure }).report('a', new SightlineError('internal'));
  });
});

describe('what a middleware throws', () => {
  const guard = { name: 'guard' };

  it('becomes an error that names it, with the thrown thing as its cause', () => {
    const thrown = new Error('the lookup failed');
    const error = middlewareError(guard, thrown);
    assert.equal(error.code, 'middleware_failed');
    assert.equal(error.message, "Middleware 'guard' failed.");
    assert.equal(error.culprit, 'guard');
    assert.equal(error.cause, thrown);
  });

  it('keeps the code and the message of a refusal', () => {
    const error = middlewareError(guard, new SightlineError('blocked', { message: 'No cards, please.' }));
    assert.equal(error.code, 'blocked');
    assert.equal(error.message, 'No cards, please.');
    assert.equal(error.culprit, 'guard');
  });

  it('keeps the first culprit', () => {
    const first = new SightlineError('blocked', { culprit: 'inner' });
    assert.equal(middlewareError({ name: 'outer' }, first), first);
  });

  it('says so where it gave no answer in time', () => {
    const error = middlewareError(guard, new DeadlineError('no answer within 30 ms'));
    assert.equal(error.message, "Middleware 'guard' gave no answer within 30 ms.");
    assert.equal(error.code, 'middleware_failed');
  });

  it('names the plugin with its version, and the middleware where that has a name of its own', () => {
    const owner = { name: 'tenant', version: '1.2.0', frames: () => '' };
    const culprit = (name: string) => middlewareError({ name, owner }, new Error('broken')).culprit;
    assert.equal(culprit('tenant'), 'tenant@1.2.0');
    assert.equal(culprit('tenant/guard'), 'tenant@1.2.0/guard');
    assert.equal(culprit('guard'), 'tenant@1.2.0/guard');
  });

  it("carries the frames of the plugin's own source, which no client sees", () => {
    const frames = '    at tag (/plugins/tenant.plugin.ts:12:7)';
    const owner = { name: 'tenant', version: '1.2.0', frames: () => frames };
    const error = middlewareError({ name: 'tenant', owner }, new TypeError('the lookup failed'));
    assert.equal(error.frames, frames);
    assert.equal(error.message, "Middleware 'tenant' failed.");
    assert.deepEqual(describeError(error), {
      code: 'middleware_failed',
      culprit: 'tenant@1.2.0',
      error: 'TypeError: the lookup failed',
      stack: `TypeError\n${frames}`,
    });
  });

  it('has its plain stack where the frames cannot be had', () => {
    const fail = () => {
      throw new Error('no source map');
    };
    for (const frames of [fail, () => '']) {
      const owner = { name: 'tenant', version: '1.2.0', frames };
      const error = middlewareError({ name: 'tenant', owner }, new Error('broken'));
      assert.equal(error.frames, undefined);
      assert.match(JSON.stringify(describeError(error)), /stack\.test\.ts/);
    }
  });

  it('asks for no frames of what is no fault of the plugin', () => {
    const owner = { name: 'tenant', version: '1.2.0', frames: () => assert.fail('it was asked') };
    const entry = { name: 'tenant', owner };
    for (const thrown of ['text', new SightlineError('blocked'), new DeadlineError('no answer')])
      assert.equal(middlewareError(entry, thrown).frames, undefined);
  });
});
