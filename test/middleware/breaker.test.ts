import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { Breaker } from '../../src/exchange/breaker.ts';
import { Chunk } from '../../src/exchange/chunk.ts';
import { Query } from '../../src/exchange/query.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { MiddlewareStack, type StackEntry, stackEntry } from '../../src/middleware/stack.ts';
import { sampleExchange, sampleQuery } from '../exchange/samples.ts';

const owner = { name: 'tenant', version: '1.2.0', frames: () => '' };
const broken = () => {
  throw new Error('broken');
};
const event = (data: string) => new Chunk({ event: '', data }, undefined, false);
const query = sampleQuery();
const failure = new SightlineError('upstream_timeout');

/** A plugin's middleware behind a breaker that opens at the second failure, and the way through it. */
function guard(
  callbacks: Omit<Middleware, 'name'>,
  around: readonly Middleware[] = [],
  timeoutMs: number = 10_000,
) {
  const clock = { at: 0 };
  const breaker = new Breaker({ failuresMax: 2, openMs: 100, now: () => clock.at });
  const entry: StackEntry = {
    name: 'tenant',
    middleware: { name: 'tenant', ...callbacks },
    owner,
    breaker,
  };
  const reported: SightlineError[] = [];
  const stack = new MiddlewareStack([...around.map(stackEntry), entry], {
    timeoutMs,
    onFailure: (_, error) => reported.push(error),
  });
  const enter = () => {
    const exchange = sampleExchange();
    const passage = stack.enter(exchange);
    assert.ok(passage);
    return { exchange, passage };
  };
  const open = () => {
    breaker.failed('test', new Error('no'));
    breaker.failed('test', new Error('no'));
  };
  return { breaker, clock, enter, open, reported };
}

const settled = (running: Promise<unknown>) => running.catch((thrown: unknown) => thrown);

describe('a middleware whose breaker is open', () => {
  it('fails the exchange closed before it runs, with an error that names plugin and middleware', async () => {
    const log: string[] = [];
    const outer: Middleware = { name: 'outer', onError: ({ code }) => void log.push(code) };
    const { enter, open } = guard({ beforeQuery: () => assert.fail('it was called') }, [outer]);
    open();
    const { passage, exchange } = enter();
    const error = await settled(passage.beforeQuery(query));
    assert.ok(error instanceof SightlineError);
    assert.equal(error.code, 'breaker_open');
    assert.equal(error.status, 503);
    assert.equal(error.culprit, 'tenant@1.2.0');
    assert.equal(error.message, "Middleware 'tenant' is out of order after repeated failures.");
    await passage.onError(error);
    assert.deepEqual(log, ['breaker_open']);
    assert.deepEqual(
      exchange.middlewareRuns.map(({ middleware }) => middleware),
      ['outer'],
    );
  });

  it('fails it before the upstream is asked also where it has only a way out', async () => {
    const { enter, open } = guard({ afterResponse: () => undefined });
    open();
    assert.equal(
      ((await settled(enter().passage.beforeQuery(query))) as SightlineError).code,
      'breaker_open',
    );
  });

  it("is not entered at all where it declares onFailure: 'continue'", async () => {
    const calls: string[] = [];
    const note = (name: string) => () => void calls.push(name);
    const { enter, open, reported } = guard({
      onFailure: 'continue',
      beforeQuery: note('in'),
      onChunk: note('chunk'),
      afterResponse: note('out'),
      onError: note('error'),
    });
    open();
    const { passage } = enter();
    assert.equal(await passage.beforeQuery(query), query);
    assert.deepEqual([passage.changesChunks, passage.readsReplies], [false, false]);
    passage.onChunk(event('a'));
    await passage.afterResponse(Reply.json(200, {}));
    await passage.onError(failure);
    assert.deepEqual(calls, []);
    assert.deepEqual(reported, []);
  });

  it('and which was entered before fails a stream and a reply closed', async () => {
    const { enter, open } = guard({ onChunk: () => undefined, afterResponse: () => undefined });
    const { passage } = enter();
    await passage.beforeQuery(query);
    open();
    assert.throws(() => passage.onChunk(event('a')), { code: 'breaker_open', culprit: 'tenant@1.2.0' });
    await assert.rejects(passage.afterResponse(Reply.json(200, {})), { code: 'breaker_open' });
  });

  it('and which was entered before is passed over where it may be, with chunks and reply as they are', async () => {
    let calls = 0;
    const change = () => {
      calls += 1;
      return null;
    };
    const { enter, open } = guard({
      onFailure: 'continue',
      onChunk: change,
      afterResponse: () => void change(),
    });
    const { passage } = enter();
    await passage.beforeQuery(query);
    open();
    const chunk = event('a');
    assert.deepEqual(passage.onChunk(chunk), [chunk]);
    const reply = Reply.json(200, {});
    assert.equal(await passage.afterResponse(reply), reply);
    assert.equal(calls, 0);
  });

  it('changes nothing of a reply that the client has already, and floods no log', async () => {
    const { enter, open, reported } = guard({ afterResponse: () => assert.fail('it was called') });
    const { passage } = enter();
    await passage.beforeQuery(query);
    open();
    const reply = new Reply({ status: 200, headers: [], isSent: true });
    assert.equal(await passage.afterResponse(reply), reply);
    assert.deepEqual(reported, []);
  });

  it('is passed over by onError: the first error is the one that tells', async () => {
    const log: string[] = [];
    const outer: Middleware = { name: 'outer', onError: ({ code }) => void log.push(code) };
    const { enter, open } = guard({ onError: () => Reply.json(200, {}) }, [outer]);
    const { passage } = enter();
    await passage.beforeQuery(query);
    open();
    assert.equal(await passage.onError(failure), undefined);
    assert.deepEqual(log, ['upstream_timeout']);
  });
});

describe('what a breaker hears of its middleware', () => {
  it('is a failure where it throws, gives back something else or misses its deadline', async () => {
    const never = () => new Promise<never>(() => undefined);
    for (const callback of [broken, () => 42, never] as (() => unknown)[]) {
      const { breaker, enter } = guard({ beforeQuery: callback as () => undefined }, [], 2);
      await settled(enter().passage.beforeQuery(query));
      assert.equal(breaker.state, 'closed');
      await settled(enter().passage.beforeQuery(query));
      assert.equal(breaker.state, 'open');
    }
  });

  it("is a failure also where it declares onFailure: 'continue', in each phase", async () => {
    const callbacks: Record<string, () => never> = {
      onChunk: broken,
      afterResponse: broken,
      onError: broken,
    };
    for (const [name, callback] of Object.entries(callbacks)) {
      const { breaker, enter } = guard({ onFailure: 'continue', [name]: callback });
      for (let i = 0; i < 2; i += 1) {
        const { passage } = enter();
        await passage.beforeQuery(query);
        if (name === 'onChunk') passage.onChunk(event('a'));
        if (name === 'onError') await passage.onError(failure);
        else await passage.afterResponse(Reply.json(200, {}));
      }
      assert.equal(breaker.state, 'open', name);
    }
  });

  it('is no failure where it refuses, or the body that it has to read is broken', async () => {
    const malformed = new Query({ method: 'POST', target: '/', headers: [], body: Buffer.from('{"a": }') });
    const refuse = () => {
      throw new SightlineError('blocked');
    };
    for (const beforeQuery of [refuse, (given: Query) => void given.payload]) {
      const { breaker, enter } = guard({ beforeQuery });
      breaker.failed('before_query', new Error('no'));
      await assert.rejects(enter().passage.beforeQuery(malformed));
      breaker.failed('before_query', new Error('no'));
      assert.equal(breaker.state, 'closed', 'it worked, so the failures are not one after the other');
    }
  });

  it('is nothing of what answers after its deadline', async () => {
    const late = Promise.withResolvers<undefined>();
    let calls = 0;
    const { breaker, enter, open, clock } = guard(
      { onFailure: 'continue', beforeQuery: () => (calls++ === 0 ? late.promise : undefined) },
      [],
      2,
    );
    await enter().passage.beforeQuery(query);
    open();
    clock.at += 100;
    breaker.allows();
    late.resolve(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(breaker.state, 'half_open');
  });

  it('closes it again when its time is over and the middleware works', async () => {
    let isBroken = true;
    const beforeQuery = () => (isBroken ? broken() : undefined);
    const { breaker, clock, enter } = guard({ beforeQuery });
    const codes: string[] = [];
    const ask = async () => {
      const answer = await settled(enter().passage.beforeQuery(query));
      codes.push(answer instanceof SightlineError ? answer.code : 'passed');
    };
    for (let i = 0; i < 3; i += 1) await ask();
    clock.at += 100;
    await ask();
    await ask();
    isBroken = false;
    clock.at += 100;
    await ask();
    await ask();
    assert.deepEqual(codes, [
      'middleware_failed',
      'middleware_failed',
      'breaker_open',
      'middleware_failed',
      'breaker_open',
      'passed',
      'passed',
    ]);
    assert.equal(breaker.state, 'closed');
  });

  it('lets one exchange try while the others are kept away', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { clock, enter, open } = guard({ beforeQuery: () => gate.promise });
    open();
    clock.at += 100;
    const trial = enter().passage.beforeQuery(query);
    await assert.rejects(enter().passage.beforeQuery(query), { code: 'breaker_open' });
    gate.resolve(undefined);
    assert.equal(await trial, query);
    assert.equal(await enter().passage.beforeQuery(query), query);
  });
});
