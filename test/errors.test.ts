import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeError, type ErrorCode, SightlineError } from '../src/errors.ts';

describe('an error for the log', () => {
  it('has the text and the frames of what was caught, and who is at fault', () => {
    const cause = new TypeError('the lookup failed');
    const described = describeError(new SightlineError('middleware_failed', { culprit: 'guard', cause }));
    assert.deepEqual(Object.keys(described), ['code', 'culprit', 'error', 'stack']);
    assert.equal(described.error, 'TypeError: the lookup failed');
    assert.ok('stack' in described && /^TypeError\n +at .*errors\.test\.ts/.test(described.stack));
    assert.ok(!described.stack.includes('the lookup failed'));
  });

  it('has no text of a syntax error, which can quote a prompt', () => {
    let thrown: unknown;
    try {
      JSON.parse('my secret');
    } catch (error) {
      thrown = error;
    }
    assert.ok(!JSON.stringify(describeError(thrown)).includes('secret'));
  });

  it('can be had of anything that somebody throws', () => {
    const fail = () => {
      throw new Error('a getter that fails');
    };
    const hostile = [
      Object.assign(new Error('broken'), { stack: 42 }),
      Object.assign(new Error('broken'), { stack: undefined }),
      Object.assign(new Error('broken'), { name: Symbol('name'), message: {} }),
      Object.defineProperties(new Error('broken'), { stack: { get: fail }, message: { get: fail } }),
      undefined,
      null,
      Object.create(null),
      'text',
    ];
    for (const thrown of hostile) {
      assert.ok(describeError(thrown).error);
      assert.ok(describeError(new SightlineError('middleware_failed', { cause: thrown })).error);
    }
  });

  it('is that of a fault of our own where a plugin invents a code', () => {
    const error = new SightlineError('nonsense' as ErrorCode);
    assert.deepEqual([error.code, error.status, error.outcome], ['internal', 500, 'failed']);
  });
});
