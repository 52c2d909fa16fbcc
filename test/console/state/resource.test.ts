import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '../../../src/console/page/state/api.ts';
import { Resource } from '../../../src/console/page/state/resource.ts';

interface Call {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly answer: (answer: unknown) => Promise<void>;
  readonly fail: (thrown: unknown) => Promise<void>;
}

function open() {
  const calls: Call[] = [];
  const resource = new Resource<string>((path, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const after = async (settle: (value: unknown) => void, value: unknown) => {
      settle(value);
      await new Promise(setImmediate);
    };
    calls.push({
      path,
      signal,
      answer: (answer) => after(resolve, answer),
      fail: (thrown) => after(reject, thrown),
    });
    return promise as Promise<never>;
  });
  const state = () => ({
    data: resource.data.peek(),
    error: resource.error.peek()?.message,
    isLoading: resource.isLoading.peek(),
  });
  return { calls, resource, state };
}

describe('what a path answers', () => {
  it('is asked for one call at a time, and once more for all that asked meanwhile', async () => {
    const { calls, resource, state } = open();
    resource.want('/a');
    assert.deepEqual(state(), { data: undefined, error: undefined, isLoading: true });
    for (let more = 0; more < 5; more += 1) resource.want('/a');
    assert.equal(calls.length, 1);
    await calls[0]?.answer('one');
    assert.deepEqual(state(), { data: 'one', error: undefined, isLoading: false });
    assert.equal(calls.length, 2);
    await calls[1]?.answer('two');
    assert.equal(resource.data.peek(), 'two');
    assert.equal(calls.length, 2);
  });

  it('stays until another path has answered, and the call that nobody waits for is aborted', async () => {
    const { calls, resource, state } = open();
    resource.want('/a');
    await calls[0]?.answer('a');
    resource.want('/a');
    resource.want('/b');
    assert.equal(calls[1]?.signal.aborted, true);
    assert.deepEqual(state(), { data: 'a', error: undefined, isLoading: true });
    await calls[1]?.answer('late');
    await calls[2]?.answer('b');
    assert.deepEqual(state(), { data: 'b', error: undefined, isLoading: false });
  });

  it('stays beside an error, until one more call succeeds', async () => {
    const { calls, resource, state } = open();
    resource.want('/a');
    await calls[0]?.answer('a');
    resource.want('/a');
    await calls[1]?.fail(new ApiError(503, { code: 'stopping', message: 'It stops.' }));
    assert.deepEqual(state(), { data: 'a', error: 'It stops.', isLoading: false });
    resource.want('/a');
    await calls[2]?.answer('b');
    assert.deepEqual(state(), { data: 'b', error: undefined, isLoading: false });
  });

  it('is aborted where nobody wants it any more, and can be wanted again', async () => {
    const { calls, resource, state } = open();
    resource.want('/a');
    resource.close();
    await calls[0]?.fail(calls[0].signal.reason);
    assert.deepEqual(state(), { data: undefined, error: undefined, isLoading: false });
    resource.want('/a');
    await calls[1]?.answer('a');
    assert.equal(resource.data.peek(), 'a');
  });

  it('is an error also where something else than the service threw', async () => {
    const { calls, resource, state } = open();
    resource.want('/a');
    await calls[0]?.fail(new TypeError('odd'));
    assert.equal(state().error, 'TypeError: odd');
  });
});
