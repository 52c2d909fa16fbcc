import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Breaker, type BreakerState } from '../../src/exchange/breaker.ts';

function createBreaker(failuresMax = 3, openMs = 100) {
  const clock = { at: 1_000 };
  const states: BreakerState[] = [];
  const breaker = new Breaker({
    failuresMax,
    openMs,
    now: () => clock.at,
    onChange: (state) => states.push(state),
  });
  const fail = (times: number, kind = 'before_query') => {
    for (let i = 0; i < times; i += 1) breaker.failed(kind, new Error('no'));
  };
  return { breaker, clock, states, fail };
}

describe('a breaker', () => {
  it('opens at so many failures of one kind, one after the other', () => {
    const { breaker, fail, states } = createBreaker();
    fail(2);
    assert.deepEqual([breaker.state, breaker.isOpen, breaker.allows()], ['closed', false, true]);
    fail(1);
    assert.deepEqual([breaker.state, breaker.isOpen, breaker.allows()], ['open', true, false]);
    assert.deepEqual(states, ['open']);
  });

  it('knows what was thrown last, also while it is open', () => {
    const { breaker, fail } = createBreaker();
    fail(3);
    breaker.failed('on_chunk', 'x'.repeat(100_000));
    const { kind, message } = breaker.lastFailure ?? {};
    assert.deepEqual([kind, message], ['on_chunk', 'x'.repeat(500)]);
    breaker.failed('on_chunk', Object.create(null));
    assert.equal(breaker.lastFailure?.message, 'it threw something that cannot be told');
    breaker.succeeded('on_chunk');
    assert.equal(breaker.lastFailure?.kind, 'on_chunk');
  });

  it('forgets the failures of a kind that has worked', () => {
    const { breaker, fail } = createBreaker();
    for (let i = 0; i < 10; i += 1) {
      fail(2);
      breaker.succeeded('before_query');
    }
    assert.equal(breaker.state, 'closed');
  });

  it('lets no success of another kind hide the failures of one', () => {
    const { breaker, fail } = createBreaker();
    for (let i = 0; i < 3; i += 1) {
      for (let n = 0; n < 1_000; n += 1) breaker.succeeded('on_chunk');
      fail(1, 'after_response');
    }
    assert.equal(breaker.state, 'open');
  });

  it('does not add up failures of different kinds', () => {
    const { breaker, fail } = createBreaker();
    for (const kind of ['before_query', 'on_chunk', 'after_response', 'on_error']) fail(2, kind);
    assert.equal(breaker.state, 'closed');
  });

  it('lets one call try when its time is over, and a look takes no trial', () => {
    const { breaker, clock, fail } = createBreaker();
    fail(3);
    clock.at += 99;
    assert.deepEqual([breaker.isOpen, breaker.allows()], [true, false]);
    clock.at += 1;
    assert.deepEqual([breaker.isOpen, breaker.isOpen, breaker.state], [false, false, 'open']);
    assert.equal(breaker.allows(), true);
    assert.equal(breaker.state, 'half_open');
    assert.equal(breaker.allows(), false);
  });

  it('closes when the trial works, with nothing left of the failures before', () => {
    const { breaker, clock, fail, states } = createBreaker();
    fail(3);
    fail(2, 'on_chunk');
    clock.at += 100;
    breaker.allows();
    breaker.succeeded('on_error');
    assert.equal(breaker.state, 'closed');
    fail(2);
    fail(2, 'on_chunk');
    assert.equal(breaker.state, 'closed');
    fail(1);
    assert.deepEqual(states, ['open', 'half_open', 'closed', 'open']);
  });

  it('opens again for its whole time at the first failure of a trial', () => {
    const { breaker, clock, fail, states } = createBreaker();
    fail(3);
    clock.at += 150;
    breaker.allows();
    clock.at += 10;
    fail(1, 'on_chunk');
    assert.equal(breaker.state, 'open');
    clock.at += 99;
    assert.equal(breaker.allows(), false);
    clock.at += 1;
    assert.equal(breaker.allows(), true);
    assert.deepEqual(states, ['open', 'half_open', 'open', 'half_open']);
  });

  it('gives the place of a trial that never reports back to another one', () => {
    const { breaker, clock, fail, states } = createBreaker();
    fail(3);
    clock.at += 100;
    assert.equal(breaker.allows(), true);
    clock.at += 99;
    assert.equal(breaker.allows(), false);
    clock.at += 1;
    assert.equal(breaker.allows(), true);
    assert.equal(breaker.allows(), false);
    assert.deepEqual(states, ['open', 'half_open']);
  });

  it('while open hears nothing of calls that began before', () => {
    const { breaker, clock, fail } = createBreaker();
    fail(3);
    clock.at += 60;
    fail(1);
    breaker.succeeded('before_query');
    assert.equal(breaker.isOpen, true);
    clock.at += 40;
    assert.equal(breaker.allows(), true);
  });

  it('works on where whoever watches it throws', () => {
    const onChange = () => {
      throw new Error('the log is full');
    };
    const breaker = new Breaker({ failuresMax: 1, openMs: 1_000_000, onChange });
    breaker.failed('on_chunk', new Error('no'));
    assert.equal(breaker.isOpen, true);
  });
});
