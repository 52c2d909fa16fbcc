import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { parseEvents } from '../simulator/client.ts';
import { startProxy } from './proxy.ts';
import { apis, askIn, chunksOf, errorIn, fate, Witness, withProxy } from './witness.ts';

for (const api of apis) {
  const ask = askIn(api);

  describe(`the contract of middleware over HTTP, for ${api.name}`, () => {
    for (const stream of [false, true]) {
      const kind = stream ? 'a stream' : 'a whole reply';

      it(`leaves ${kind} as it came where nobody changes it`, async () => {
        await using plain = await startProxy({});
        const before = await ask(plain, { stream });
        await withProxy({ name: 'idle', onChunk: () => undefined }, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream });
          assert.ok(answer.isClean && answer.bytes.equals(before.bytes));
          const out = stream ? 'in, streamed' : 'in, reply 200';
          assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
            outcome: 'completed',
            outer: out,
            inner: out,
          });
        });
      });

      it(`answers with ${kind}, and the upstream is not asked`, async () => {
        const cache: Middleware = {
          name: 'cache',
          beforeQuery: () => (stream ? Reply.events(chunksOf(api)) : Reply.json(200, api.reply('cached'))),
        };
        await withProxy(cache, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream });
          assert.equal(answer.status, 200);
          assert.ok(answer.isClean);
          if (stream) {
            assert.equal(answer.headers['content-type'], 'text/event-stream');
            const data = parseEvents(answer.bytes.toString()).map((event) => JSON.parse(event.data));
            assert.deepEqual(data, api.stream);
          } else {
            assert.deepEqual(JSON.parse(answer.bytes.toString()), api.reply('cached'));
          }
          assert.deepEqual(proxy.simulator.journal.entries(), []);
          assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
            outcome: 'completed',
            outer: 'in, reply 200',
            inner: '',
          });
        });
      });

      it(`changes the query of ${kind}`, async () => {
        const router: Middleware = {
          name: 'router',
          beforeQuery: async (query) => query.with({ payload: { ...query.payload, model: 'sim-tokens-3' } }),
        };
        await withProxy(router, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream });
          assert.equal(answer.status, 200);
          const [entry] = await proxy.simulator.journal.settled();
          assert.equal(entry?.modelRequested, 'sim-tokens-3');
          assert.equal((await fate(proxy, answer.id, outer, inner)).outcome, 'completed');
          assert.equal((await proxy.endings.of(answer.id)).query?.model, 'sim-tokens-3');
        });
      });

      it(`fails closed where a middleware throws before ${kind}, with an error that names it`, async () => {
        const broken: Middleware = {
          name: 'broken',
          beforeQuery: () => {
            throw new Error('the lookup failed');
          },
        };
        await withProxy(broken, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream });
          assert.equal(answer.status, 500);
          const { code, message } = errorIn(answer.bytes);
          assert.deepEqual([code, message], ['middleware_failed', "Middleware 'broken' failed."]);
          assert.ok(!answer.bytes.includes('lookup'));
          assert.deepEqual(proxy.simulator.journal.entries(), []);
          assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
            outcome: 'failed',
            outer: 'in, middleware_failed',
            inner: '',
          });
        });
      });

      it(`goes on to ${kind} without one that throws and declares onFailure: 'continue'`, async () => {
        const fail = () => {
          throw new Error('broken');
        };
        const broken: Middleware = { name: 'broken', onFailure: 'continue', beforeQuery: fail };
        await withProxy(broken, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream });
          assert.equal(answer.status, 200);
          assert.ok(answer.isClean);
          assert.equal((await fate(proxy, answer.id, outer, inner)).outcome, 'completed');
        });
      });

      it(`refuses ${kind} with the message of the middleware`, async () => {
        const guard: Middleware = {
          name: 'guard',
          beforeQuery: async () => {
            throw new SightlineError('blocked', { message: 'No card numbers, please.' });
          },
        };
        await withProxy(guard, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream });
          assert.equal(answer.status, 403);
          assert.equal(errorIn(answer.bytes).message, 'No card numbers, please.');
          assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
            outcome: 'blocked',
            outer: 'in, blocked',
            inner: '',
          });
        });
      });

      it(`repairs an upstream that cannot be had, with ${kind}`, async () => {
        const repair: Middleware = {
          name: 'repair',
          onError: async () => (stream ? Reply.events(chunksOf(api)) : Reply.json(200, api.reply('spare'))),
        };
        await withProxy(repair, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream, model: 'sim-close' });
          assert.equal(answer.status, 200);
          assert.ok(answer.bytes.includes(stream ? 'word' : 'spare'));
          assert.ok(answer.isClean);
          assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
            outcome: 'completed',
            outer: 'in, reply 200',
            inner: 'in, upstream_closed',
          });
          const { traceId } = await proxy.endings.of(answer.id);
          const spans = proxy.service.telemetry.traces.get(traceId ?? '')?.spans ?? [];
          const client = spans.find((span) => span.kind === 'CLIENT');
          assert.equal(client?.attributes[attribute.outcome], 'upstream_unreachable');
        });
      });

      it(`shows an error of the upstream instead of ${kind} to afterResponse`, async () => {
        const idle: Middleware = { name: 'idle', onChunk: () => assert.fail('this is no stream') };
        await withProxy(idle, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream, model: 'sim-status-429' });
          assert.equal(answer.status, 429);
          assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
            outcome: 'upstream_error',
            outer: 'in, reply 429',
            inner: 'in, reply 429',
          });
        });
      });

      it(`leaves everybody once where the client hangs up before ${kind}`, async () => {
        await withProxy({ name: 'idle' }, async (proxy, outer, inner) => {
          const query = { ...api.query, stream, model: 'sim-no-head' };
          const { id, request } = proxy.begin(query, { path: api.path });
          await proxy.simulator.journal.waitForReceived(() => true);
          request.destroy();
          assert.deepEqual(await fate(proxy, id, outer, inner), {
            outcome: 'client_aborted',
            outer: 'in, client_aborted',
            inner: 'in, client_aborted',
          });
        });
      });

      it(`leaves the one under way too where the client hangs up on it before ${kind}`, async () => {
        const entered = Promise.withResolvers<void>();
        const gate = Promise.withResolvers<void>();
        const slow = new Witness('slow');
        const middle: Middleware = {
          name: 'slow',
          beforeQuery: (query, exchange) => {
            slow.beforeQuery(query, exchange);
            entered.resolve();
            return gate.promise;
          },
          onError: (error, exchange) => slow.onError(error, exchange),
        };
        await withProxy(middle, async (proxy, outer, inner) => {
          const { id, request } = proxy.begin({ ...api.query, stream }, { path: api.path });
          await entered.promise;
          request.destroy();
          await proxy.endings.of(id);
          gate.resolve();
          assert.deepEqual(await fate(proxy, id, outer, inner), {
            outcome: 'client_aborted',
            outer: 'in, client_aborted',
            inner: '',
          });
          assert.deepEqual(slow.seen(id), ['in', 'client_aborted']);
          assert.deepEqual(proxy.simulator.journal.entries(), []);
        });
      });
    }
  });
}
