import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { Chunk } from '../../src/exchange/chunk.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { seededRandom } from '../dialects/recordings.ts';
import { type LeaseStage, startLeases } from './leases.ts';

const never = () => new Promise<never>(() => undefined);
const broken = () => {
  throw new Error('broken');
};
const later = async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
};
const limits = { middlewareTimeoutMs: 30, replyIdleTimeoutMs: 80, replyHeadTimeoutMs: 80 };
const slow: Middleware = { name: 'slow', beforeQuery: later, afterResponse: later, onError: later };
const reader: Middleware = { name: 'reader', onChunk: () => undefined };

/** Every lease was given back once, and none while a callback ran. */
async function check({ lease, inFlight }: LeaseStage, exchanges = lease.acquired): Promise<void> {
  await lease.even();
  assert.deepEqual(lease.faults, []);
  assert.deepEqual([lease.acquired, lease.released, inFlight.size], [exchanges, exchanges, 0]);
}

// Timeouts of the upstream are noticed once a second: all wait for theirs together.
describe('the lease of an exchange', { concurrency: true }, () => {
  const models = [
    'gpt-4o',
    'sim-status-500',
    'sim-close',
    'sim-garbage',
    'sim-truncate-2',
    'sim-no-head',
    'sim-stall-2',
    'sim-error-event-2',
  ];
  const stacks: Record<string, readonly Middleware[]> = {
    'no middleware': [],
    'middleware that takes its time': [slow, { ...slow, name: 'slower' }],
    'middleware that reads the stream': [slow, reader],
    'middleware that hangs on the way in': [slow, { name: 'hanging', beforeQuery: never }],
    'middleware that hangs on the way out': [{ ...slow, afterResponse: never, onError: never }, reader],
    'middleware that throws on the way in': [slow, { name: 'broken', beforeQuery: broken }],
    'middleware that throws on a chunk': [slow, { name: 'broken', onChunk: broken }],
    'middleware that throws on the way out': [
      slow,
      { name: 'broken', afterResponse: broken, onError: broken },
    ],
    'middleware that refuses': [
      slow,
      { name: 'guard', beforeQuery: () => Promise.reject(new SightlineError('blocked')) },
    ],
    'middleware that answers': [slow, { name: 'cache', beforeQuery: () => Reply.json(200, { hit: true }) }],
    'middleware that answers with a stream': [
      { ...slow, onChunk: () => undefined },
      {
        name: 'cache',
        beforeQuery: () => Reply.events([new Chunk({ event: '', data: '{}' }, undefined, false)]),
      },
    ],
    'middleware that repairs': [slow, { name: 'repair', onError: async () => Reply.json(200, {}) }],
    'middleware whose repair cannot be sent': [
      { ...slow, afterResponse: () => Promise.reject(new Error('broken')) },
      { name: 'repair', onError: async () => Reply.json(200, {}) },
    ],
  };

  for (const [what, middleware] of Object.entries(stacks)) {
    it(`is given back once, when all is over, with ${what}`, async () => {
      await using stage = await startLeases({ middleware, limits });
      const all = models.flatMap((model) => [stage.ask(model, true), stage.ask(model, false)]);
      await Promise.all(all);
      await check(stage, models.length * 2);
    });
  }

  it('is held while an afterResponse is at work on a stream that the client has', async () => {
    const gate = Promise.withResolvers<undefined>();
    const entered = Promise.withResolvers<void>();
    const afterResponse = () => {
      entered.resolve();
      return gate.promise;
    };
    await using stage = await startLeases({ middleware: [{ name: 'meter', afterResponse }] });
    const asked = stage.ask('gpt-4o', true);
    await entered.promise;
    assert.equal(stage.lease.released, 0);
    gate.resolve(undefined);
    await asked;
    await check(stage, 1);
  });

  it('is held while an onError runs of an exchange whose client has gone', async () => {
    const gate = Promise.withResolvers<undefined>();
    const entered = Promise.withResolvers<void>();
    const onError = () => {
      entered.resolve();
      return gate.promise;
    };
    await using stage = await startLeases({ middleware: [{ name: 'meter', onError }] });
    const { request } = stage.begin('sim-no-head', true);
    await stage.simulator.journal.waitForReceived(() => true);
    request.destroy();
    await entered.promise;
    assert.deepEqual([stage.inFlight.size, stage.lease.released], [0, 0]);
    gate.resolve(undefined);
    await check(stage, 1);
  });

  it('is given back at the deadline of a callback that never answers', async () => {
    const middleware = [{ ...slow, onError: never }];
    await using stage = await startLeases({ middleware, limits: { middlewareTimeoutMs: 20 } });
    const { request } = stage.begin('sim-no-head', true);
    await stage.simulator.journal.waitForReceived(() => true);
    request.destroy();
    await check(stage, 1);
  });

  it('is given back where telemetry fails at the end', async () => {
    for (const middleware of [[], [slow]]) {
      await using stage = await startLeases({ middleware, recorder: { end: broken } });
      assert.equal(await stage.ask('gpt-4o', false), 200);
      await check(stage, 1);
    }
  });

  it('is given back where the service stops in the middle', async () => {
    for (const [model, middleware] of [
      ['sim-no-head', [{ ...slow, onError: never }]],
      ['sim-stall-2', [slow, reader]],
      ['gpt-4o', [{ name: 'hanging', beforeQuery: never }, slow]],
      ['gpt-4o', [slow, { name: 'hanging', afterResponse: never }]],
    ] as const) {
      await using stage = await startLeases({ middleware, limits: { middlewareTimeoutMs: 30 } });
      const begun = new Promise<void>((resolve) => {
        const point = model === 'gpt-4o' ? 'exchange.started' : 'attempt.started';
        stage.hooks.registerHook(point, () => resolve());
      });
      const { closed } = stage.begin(model, true);
      await begun;
      stage.inFlight.failAll(new SightlineError('stopping'));
      await check(stage, 1);
      await closed;
    }
  });

  it('is acquired before anybody is told that the exchange has begun', async () => {
    await using stage = await startLeases({});
    const seen: number[] = [];
    stage.hooks.registerHook('exchange.started', () => seen.push(stage.lease.acquired));
    stage.hooks.registerHook('exchange.ended', () => seen.push(stage.lease.released));
    await stage.ask('gpt-4o', false);
    await check(stage, 1);
    assert.deepEqual(seen, [1, 0]);
  });
});

describe('leases of clients that hang up at any moment', () => {
  const points = [
    'exchange.started',
    'query.ready',
    'attempt.started',
    'reply.head',
    'reply.first_token',
    'reply.chunk',
    'attempt.ended',
  ] as const;
  const callbacks = [
    undefined,
    () => undefined,
    later,
    never,
    broken,
    () => Promise.reject(new Error('broken')),
  ];

  async function run(seed: number): Promise<void> {
    const random = seededRandom(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const middleware = Array.from({ length: 3 }, (_, i) => ({
      name: `m${i}`,
      onFailure: pick(['fail', 'continue'] as const),
      beforeQuery: pick([undefined, () => undefined, later, later, never]),
      onChunk: pick([undefined, undefined, () => undefined, broken]),
      afterResponse: pick(callbacks),
      onError: pick(callbacks),
    })) as unknown as Middleware[];
    await using stage = await startLeases({ middleware, limits });
    for (const point of points) {
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      const remove = stage.hooks.registerHook(point, () => resolve());
      const { request, closed } = stage.begin(pick(['gpt-4o', 'sim-stall-3', 'sim-gzip']), random() < 0.7);
      request.on('response', (response) => response.on('error', () => undefined).resume());
      await Promise.race([reached, closed]);
      request.destroy();
      await closed;
      remove();
    }
    // One who went at once may never have been seen.
    await check(stage);
  }

  it('are all given back, whatever the middleware does', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, seed) => run(seed)));
  });
});
