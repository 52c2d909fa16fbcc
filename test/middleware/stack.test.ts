import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { DeadlineError } from '../../src/exchange/deadline.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { middlewareError } from '../../src/middleware/middleware-error.ts';
import { MiddlewareStack } from '../../src/middleware/stack.ts';
import { sampleExchange } from '../exchange/samples.ts';

const options = { timeoutMs: 1_000, onFailure: () => undefined };

describe('a stack of middleware', () => {
  it('refuses two of one name', () => {
    const list = [{ name: 'a' }, { name: 'b' }, { name: 'a' }];
    assert.throws(() => new MiddlewareStack(list, options), /Two middleware are named 'a'/);
  });

  it('keeps its order, whatever becomes of the list that it was made from', () => {
    const list: Middleware[] = [{ name: 'a' }, { name: 'b' }];
    const stack = new MiddlewareStack(list, options);
    list.reverse();
    assert.deepEqual(
      stack.list.map(({ name }) => name),
      ['a', 'b'],
    );
    assert.throws(() => (stack.list as Middleware[]).pop(), TypeError);
  });

  it('has no passage where it is empty: such an exchange pays nothing', () => {
    assert.equal(new MiddlewareStack([], options).enter(sampleExchange()), undefined);
    assert.ok(new MiddlewareStack([{ name: 'a' }], options).enter(sampleExchange()));
  });

  it('reports without ever throwing', () => {
    const onFailure = () => {
      throw new Error('the log is full');
    };
    new MiddlewareStack([], { ...options, onFailure }).report('a', new SightlineError('internal'));
  });
});

describe('what a middleware throws', () => {
  it('becomes an error that names it, with the thrown thing as its cause', () => {
    const thrown = new Error('the lookup failed');
    const error = middlewareError('guard', thrown);
    assert.equal(error.code, 'middleware_failed');
    assert.equal(error.message, "Middleware 'guard' failed.");
    assert.equal(error.culprit, 'guard');
    assert.equal(error.cause, thrown);
  });

  it('keeps the code and the message of a refusal', () => {
    const error = middlewareError('guard', new SightlineError('blocked', { message: 'No cards, please.' }));
    assert.equal(error.code, 'blocked');
    assert.equal(error.message, 'No cards, please.');
    assert.equal(error.culprit, 'guard');
  });

  it('keeps the first culprit', () => {
    const first = new SightlineError('blocked', { culprit: 'inner' });
    assert.equal(middlewareError('outer', first), first);
  });

  it('says so where it gave no answer in time', () => {
    const error = middlewareError('guard', new DeadlineError('no answer within 30 ms'));
    assert.equal(error.message, "Middleware 'guard' gave no answer within 30 ms.");
    assert.equal(error.code, 'middleware_failed');
  });
});
