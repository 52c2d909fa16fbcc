import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { defineMessageType, type MessageContext, type MessageType } from '../../src/messages/message-type.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import type { JsonObject } from '../../src/wire/json.ts';
import { Endings } from '../support/endings.ts';
import { startService, type TestServiceOptions } from '../support/service.ts';
import { startBackend } from './backend.ts';
import { factsOf } from './session-facts.ts';
import { chat, type Sent, StreamClient } from './stream-client.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
});
after(() => simulator.close());

const start = (limits: object = {}, options: TestServiceOptions = {}) =>
  startService({ config: { upstreams: { default: simulator.url }, limits }, ...options });

const named = { headers: { 'x-request-id': 'session' } };

/** With an id for its exchange. */
const query = (id: string, model: string, more: Sent = {}) =>
  chat(id, model, { headers: { 'x-request-id': id }, ...more });

/** More than twice as many as may come in a second: a new second begins at any time. */
function flood(client: StreamClient, count: number): void {
  for (let n = 0; n < count; n += 1) client.socket.ping();
}

/** Three queries: one whose reply has begun, one that waits for a grant, one that waits for its upstream. */
async function askThree(client: StreamClient): Promise<void> {
  client.send(query('begun', 'sim-stall-1'), query('held', 'sim-tokens-400', { window: 1 }));
  client.send(query('waiting', 'sim-no-head'));
  for (const id of ['begun', 'held'])
    await client.until((message) => message.type === 'chunk' && message.id === id);
  await simulator.journal.waitForReceived((entry) => entry.requestId === 'waiting');
}

const gentle: Middleware = { name: 'gentle', onError: () => setImmediate() };

describe('a connection that is closed by the service', () => {
  for (const [what, options] of [
    ['', {}],
    [', also where middleware leaves it first', { middleware: [gentle] }],
  ] as const) {
    it(`has told of each of its queries how it ended${what}`, async () => {
      await using service = await start({ clientMessagesPerSecondMax: 50 }, options);
      const endings = new Endings(service);
      await using client = await StreamClient.open(service, named);
      const facts = factsOf(service);
      await askThree(client);
      flood(client, 120);
      assert.deepEqual(await client.closed, { code: 1008, reason: 'The client sends too many messages.' });
      for (const id of ['begun', 'held', 'waiting']) {
        const { error } = client.of(id);
        assert.deepEqual([error?.code, error?.outcome], ['too_many_messages', 'blocked'], id);
        assert.equal((await endings.of(id)).outcome, 'blocked', id);
      }
      assert.equal((await endings.of('session')).outcome, 'blocked');
      assert.deepEqual(facts.outcomes, { blocked: 3 });
    });
  }

  it('has told of them when the service stops, too', async () => {
    await using service = await start({ drainTimeoutMs: 30 }, { middleware: [gentle] });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service, named);
    await askThree(client);
    const stopped = service.stop();
    assert.equal((await client.closed).code, 1012);
    for (const id of ['begun', 'held', 'waiting']) {
      assert.equal(client.of(id).error?.code, 'stopping', id);
      assert.equal((await endings.of(id)).outcome, 'failed', id);
    }
    await stopped;
  });

  it('does not wait for those who take too long to leave', async () => {
    const gate = Promise.withResolvers<void>();
    const slow: Middleware = { name: 'slow', onError: () => gate.promise };
    await using service = await start(
      { clientMessagesPerSecondMax: 50, closeTimeoutMs: 20 },
      { middleware: [slow] },
    );
    await using client = await StreamClient.open(service, named);
    await askThree(client);
    flood(client, 120);
    assert.equal((await client.closed).code, 1008);
    assert.equal(client.of('begun').error?.code, 'too_many_messages');
    assert.equal(client.of('waiting').error, undefined);
    gate.resolve();
  });

  it('is cut off where its client does not answer while the service stops', async () => {
    for (const runs of [true, false]) {
      const service = await start({ drainTimeoutMs: 30, closeTimeoutMs: 600_000 });
      const endings = new Endings(service);
      const client = await StreamClient.open(service, named);
      if (runs) {
        client.send(query('running', 'sim-stall-1'));
        await client.until(({ type }) => type === 'chunk');
      }
      const facts = factsOf(service);
      client.raw.pause();
      await service.stop();
      assert.equal(service.inFlight.size, 0);
      // What was closed in order has not failed because its client was slow to say so.
      assert.equal((await endings.of('session')).outcome, runs ? 'failed' : 'completed');
      assert.deepEqual([facts.close?.by, facts.close?.code], ['sightline', 1012]);
      client.raw.resume();
      await client.closed;
    }
  });

  it('changes nothing about what it has told before', async () => {
    const large = JSON.stringify({ text: 'x'.repeat(16 * 1024 * 1024) });
    await using backend = await startBackend((_request, response) => {
      response.setHeader('content-type', 'application/json').end(large);
    });
    await using service = await startService({
      config: {
        upstreams: { default: backend.url },
        limits: { clientMessagesPerSecondMax: 50, sendBufferBytesMax: 64 * 1024 * 1024 },
      },
    });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service, named);
    const facts = factsOf(service);
    client.raw.pause();
    client.send(query('large', 'm', { path: '/large' }));
    // Its response has been written, and waits for the client to read it.
    while (facts.received.upstream.messages === 0) await setImmediate();
    flood(client, 120);
    while (facts.received.client.frames < 51) await setImmediate();
    client.raw.resume();
    assert.equal((await client.closed).code, 1008);
    assert.equal(client.of('large').response?.outcome, 'completed');
    assert.equal((await endings.of('large')).outcome, 'completed');
    assert.equal((await endings.of('session')).outcome, 'blocked');
  });
});

describe('a message that is being handled', () => {
  /** A message type whose handler answers when the gate opens. */
  function slowType(answer: (context: MessageContext) => JsonObject | null) {
    const gate = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    const type: MessageType = defineMessageType({
      type: 'slow',
      schema: z.looseObject({}),
      handle: async (_message, context) => {
        called.resolve();
        await gate.promise;
        return answer(context);
      },
    });
    return { messageTypes: [type], called: called.promise, open: gate.resolve };
  }

  it('is answered before a service that stops closes its connection', async () => {
    const { called, open, ...options } = slowType((context) => {
      context.send({ type: 'done' });
      return null;
    });
    await using service = await start({}, options);
    await using client = await StreamClient.open(service);
    client.send({ type: 'slow' });
    await called;
    const stopped = service.stop();
    open();
    await client.until(({ type }) => (type as string) === 'done');
    assert.equal((await client.closed).code, 1012);
    await stopped;
  });

  it('asks for nothing any more where its connection has failed', async () => {
    const { called, open, ...options } = slowType(() => ({ ...chat('late', 'sim-tokens-1') }));
    await using service = await start({ messageBytesMax: 1_000 }, options);
    const endings = new Endings(service);
    const client = await StreamClient.open(service, named);
    const facts = factsOf(service);
    client.raw.cork();
    client.send({ type: 'slow' });
    for (let n = 0; n < 50; n += 1) client.send({ type: 'ping', id: 'x'.repeat(100) });
    client.raw.uncork();
    const closing = once(client.raw, 'data');
    await called;
    open();
    await closing;
    await client.closed;
    assert.equal((await endings.of('session')).outcome, 'blocked');
    assert.equal(facts.turns, 0);
  });
});
