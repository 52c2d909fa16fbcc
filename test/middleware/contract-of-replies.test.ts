import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { Chunk } from '../../src/exchange/chunk.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { parseEvents } from '../simulator/client.ts';
import { readUntil } from '../support/chat-client.ts';
import { startProxy } from './proxy.ts';
import { apis, askIn, errorIn, fate, withProxy } from './witness.ts';

for (const api of apis) {
  const ask = askIn(api);

  describe(`what middleware can do to replies of ${api.name}`, () => {
    it('changes, splits and drops the events of a stream', async () => {
      let events = 0;
      const middle: Middleware = {
        name: 'middle',
        onChunk(chunk) {
          events += 1;
          if (events === 2) return null;
          if (events === 3) return [chunk, new Chunk({ event: 'added', data: '{}' })];
          return chunk.isFinal ? chunk.with({ data: `${chunk.data} ` }) : undefined;
        },
      };
      await using plain = await startProxy({});
      const before = parseEvents((await ask(plain, { stream: true })).bytes.toString());
      await withProxy(middle, async (proxy, outer, inner) => {
        const answer = await ask(proxy, { stream: true });
        const after = parseEvents(answer.bytes.toString());
        const [first, , third, ...rest] = before;
        const last = rest.pop();
        const changed = { event: last?.event, data: `${last?.data} ` };
        assert.deepEqual(after, [first, third, { event: 'added', data: '{}' }, ...rest, changed]);
        assert.equal((await fate(proxy, answer.id, outer, inner)).outcome, 'completed');
      });
    });

    it('changes a whole reply, also a compressed one', async () => {
      const middle: Middleware = {
        name: 'middle',
        afterResponse: async (reply) => reply.with({ payload: { ...reply.payload, extra: true } }),
      };
      await withProxy(middle, async (proxy, outer, inner) => {
        const headers = { 'accept-encoding': 'gzip', 'x-simulator-encoding': 'gzip' };
        const answer = await proxy.ask(api.query, { path: api.path, headers });
        assert.equal(JSON.parse(answer.bytes.toString()).extra, true);
        assert.equal(answer.headers['content-encoding'], undefined);
        assert.equal(answer.headers['content-length'], String(answer.bytes.length));
        assert.equal((await fate(proxy, answer.id, outer, inner)).outcome, 'completed');
      });
    });

    it('changes only the head of a compressed reply, and the body still reads', async () => {
      const middle: Middleware = {
        name: 'middle',
        afterResponse: (reply) => reply.with({ status: 203, headers: [...reply.headers, 'x-seen', 'yes'] }),
      };
      await withProxy(middle, async (proxy) => {
        const headers = { 'accept-encoding': 'gzip', 'x-simulator-encoding': 'gzip' };
        const answer = await proxy.ask(api.query, { path: api.path, headers });
        assert.deepEqual([answer.status, answer.headers['x-seen']], [203, 'yes']);
        assert.equal(answer.headers['content-encoding'], undefined);
        assert.ok(JSON.parse(answer.bytes.toString()).id);
      });
    });

    it('fails closed where a middleware throws after a whole reply', async () => {
      const middle: Middleware = {
        name: 'middle',
        afterResponse: () => Promise.reject(new Error('broken')),
      };
      await withProxy(middle, async (proxy, outer, inner) => {
        const answer = await ask(proxy, {});
        assert.equal(answer.status, 500);
        assert.equal(errorIn(answer.bytes).message, "Middleware 'middle' failed.");
        assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
          outcome: 'failed',
          outer: 'in, middleware_failed',
          inner: 'in, reply 200',
        });
      });
    });

    it('changes nothing where a middleware throws after a stream', async () => {
      const middle: Middleware = {
        name: 'middle',
        afterResponse: () => Promise.reject(new Error('broken')),
      };
      await withProxy(middle, async (proxy, outer, inner) => {
        const answer = await ask(proxy, { stream: true });
        assert.ok(answer.isClean);
        assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
          outcome: 'completed',
          outer: 'in, streamed',
          inner: 'in, streamed',
        });
      });
    });

    for (const [how, error, expected] of [
      ['refuses it', new SightlineError('blocked', { message: 'No more of this.' }), 'blocked'],
      ['throws', new Error('broken'), 'middleware_failed'],
    ] as const) {
      it(`breaks a stream off in the middle where a middleware ${how}, with an event that says so`, async () => {
        let events = 0;
        const middle: Middleware = {
          name: 'middle',
          onChunk() {
            events += 1;
            if (events === 5) throw error;
          },
        };
        await withProxy(middle, async (proxy, outer, inner) => {
          const answer = await ask(proxy, { stream: true });
          assert.equal(answer.status, 200);
          assert.equal(answer.isClean, false);
          const sent = parseEvents(answer.bytes.toString());
          assert.equal(sent.length, 5);
          const { code, message } = errorIn(sent.at(-1)?.data ?? '');
          assert.equal(code, expected);
          assert.equal(message, expected === 'blocked' ? 'No more of this.' : "Middleware 'middle' failed.");
          assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
            outcome: expected === 'blocked' ? 'blocked' : 'failed',
            outer: `in, ${expected}`,
            inner: `in, ${expected}`,
          });
        });
      });
    }

    it('tells everybody of a stream that breaks off upstream', async () => {
      await withProxy({ name: 'idle', onChunk: () => undefined }, async (proxy, outer, inner) => {
        const answer = await ask(proxy, { stream: true, model: 'sim-truncate-3' });
        assert.equal(answer.isClean, false);
        assert.deepEqual(await fate(proxy, answer.id, outer, inner), {
          outcome: 'upstream_truncated',
          outer: 'in, upstream_truncated',
          inner: 'in, upstream_truncated',
        });
      });
    });

    for (const onChunk of [undefined, () => undefined]) {
      const way = onChunk ? 'reads the stream' : 'lets it pass';
      it(`leaves everybody once where the client hangs up in the middle of a stream, and somebody ${way}`, async () => {
        await withProxy({ name: 'middle', ...(onChunk && { onChunk }) }, async (proxy, outer, inner) => {
          const query = { ...api.query, stream: true, model: 'sim-stall-3' };
          const { id, request, head } = proxy.begin(query, { path: api.path });
          await readUntil(await head, 'delta');
          request.destroy();
          assert.deepEqual(await fate(proxy, id, outer, inner), {
            outcome: 'client_aborted',
            outer: 'in, client_aborted',
            inner: 'in, client_aborted',
          });
        });
      });
    }
  });
}
