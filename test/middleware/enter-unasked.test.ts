import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { Breaker } from '../../src/exchange/breaker.ts';
import { Chunk } from '../../src/exchange/chunk.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { MiddlewareStack, type StackEntry } from '../../src/middleware/stack.ts';
import { sampleExchange } from '../exchange/samples.ts';

function noted(log: string[], name: string, onFailure: 'fail' | 'continue' = 'fail'): Middleware {
  return {
    name,
    onFailure,
    beforeQuery: () => void log.push(`${name} in`),
    onChunk: () => void log.push(`${name} chunk`),
    afterResponse: () => void log.push(`${name} out`),
    onError: ({ code }) => void log.push(`${name} error ${code}`),
  };
}

function enter(list: readonly StackEntry[]) {
  const stack = new MiddlewareStack(list, { timeoutMs: 1_000, onFailure: () => undefined });
  const passage = stack.enter(sampleExchange());
  assert.ok(passage);
  return passage;
}

function open(): Breaker {
  const breaker = new Breaker({ failuresMax: 1, openMs: 60_000 });
  breaker.failed('on_chunk', new Error('no'));
  return breaker;
}

const chunk = new Chunk({ event: '', data: '{}' });
const sent = new Reply({ status: 200, headers: [], isSent: true });

describe('a passage that nobody asked for', () => {
  it('enters everybody without a query, and leaves them in reverse', async () => {
    const log: string[] = [];
    const list = ['a', 'b'].map((name) => ({ name, middleware: noted(log, name) }));
    const passage = enter(list);
    passage.enterUnasked();
    assert.equal(passage.changesChunks, true);
    assert.deepEqual(passage.onChunk(chunk), [chunk]);
    await passage.afterResponse(sent);
    await passage.abandon(new SightlineError('client_aborted'));
    assert.deepEqual(log, ['b chunk', 'a chunk', 'b out', 'a out']);
  });

  it('passes over what is out of order and may be skipped', async () => {
    const log: string[] = [];
    const passage = enter([
      { name: 'a', middleware: noted(log, 'a') },
      { name: 'b', middleware: noted(log, 'b', 'continue'), breaker: open() },
    ]);
    passage.enterUnasked();
    passage.onChunk(chunk);
    await passage.afterResponse(sent);
    assert.deepEqual(log, ['a chunk', 'a out']);
  });

  it('fails closed at what must not be skipped; who was entered before is left', async () => {
    const log: string[] = [];
    const passage = enter([
      { name: 'a', middleware: noted(log, 'a') },
      { name: 'b', middleware: noted(log, 'b'), breaker: open() },
      { name: 'c', middleware: noted(log, 'c') },
    ]);
    assert.throws(
      () => passage.enterUnasked(),
      (thrown) =>
        thrown instanceof SightlineError && thrown.code === 'breaker_open' && thrown.culprit === 'b',
    );
    assert.equal(await passage.onError(new SightlineError('breaker_open')), undefined);
    assert.deepEqual(log, ['a error breaker_open']);
  });
});
