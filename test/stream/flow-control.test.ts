import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import type { ChunkMessage } from '../../src/stream/protocol.ts';
import { Endings } from '../support/endings.ts';
import { Random } from '../support/random.ts';
import { sha256 } from '../support/raw-http.ts';
import { startService } from '../support/service.ts';
import { startBackend } from './backend.ts';
import { bytesOf, chat, StreamClient } from './stream-client.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
});
after(() => simulator.close());

const start = (limits: object = {}, url = simulator.url) =>
  startService({ config: { upstreams: { default: url }, limits } });

const sizeOf = ({ text = '', base64 }: ChunkMessage) =>
  base64 === undefined ? Buffer.byteLength(text) : Buffer.from(base64, 'base64').length;

/** Everything that the server had to say until now has come. */
async function caughtUp(client: StreamClient): Promise<void> {
  const id = `ping ${client.messages.length}`;
  client.send({ type: 'ping', id });
  await client.until((message) => message.type === 'pong' && message.id === id);
}

describe('a window', () => {
  it('is never exceeded, and whatever is granted is used', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = new Random(seed);
      const whole = Buffer.from(
        Array.from({ length: 5_000 }, () => random.pick(['a', 'é', '😀', '\xff'])).join(''),
        random.chance(0.5) ? 'utf8' : 'latin1',
      );
      await using backend = await startBackend((_request, response) => {
        for (let at = 0; at < whole.length; at += 700) response.write(whole.subarray(at, at + 700));
        response.end();
      });
      await using service = await start({}, backend.url);
      await using client = await StreamClient.open(service);
      let granted = random.integer(1, 2_000);
      let taken = 0;
      client.socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.type !== 'chunk') return;
        taken += sizeOf(message);
        assert.ok(taken <= granted, `seed ${seed}: ${taken} of ${granted}`);
        if (taken < granted || taken === whole.length) return;
        const bytes = random.integer(1, 3_000);
        granted += bytes;
        client.send({ type: 'window', id: 1, bytes });
      });
      const answer = await client.ask({ id: 1, path: '/x', reply: 'bytes', window: granted });
      assert.equal(answer.response?.status, 200);
      assert.equal(sha256(bytesOf(answer)), sha256(whole), `seed ${seed}`);
    }
  });

  it('lets an event through whole, and the next one when all of its message is granted', async () => {
    const events = ['a', 'b', 'c'].map((letter) => `data: ${letter.repeat(94)}\n\n`);
    await using backend = await startBackend((_request, response) => {
      response.setHeader('content-type', 'text/event-stream').end(events.join(''));
    });
    await using service = await start({}, backend.url);
    await using client = await StreamClient.open(service);
    client.send({ type: 'query', id: 1, path: '/x', window: 1 });
    const chunksAfter = async (bytes: number) => {
      client.send({ type: 'window', id: 1, bytes });
      await caughtUp(client);
      return client.of(1).chunks.length;
    };
    await client.until(({ type }) => type === 'chunk');
    await caughtUp(client);
    assert.equal(client.of(1).chunks.length, 1);
    const bytesOfChunk = (i: number) => Buffer.byteLength(JSON.stringify(client.of(1).chunks[i]));
    // One byte was granted at first; as long as the first message is not covered, nothing follows.
    assert.equal(await chunksAfter(bytesOfChunk(0) - 1), 1);
    assert.equal(await chunksAfter(1), 2);
    assert.equal(client.of(1).response, undefined);
    assert.equal(await chunksAfter(bytesOfChunk(1)), 3);
    assert.equal((await client.answer(1)).response?.outcome, 'completed');
  });

  it('that is used up holds back its own query, and no other', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    client.send(chat('slow', 'sim-tokens-400', { window: 1_000 }));
    const quick = Array.from({ length: 50 }, (_, i) => client.ask(chat(i, 'sim-tokens-20')));
    for (const { response } of await Promise.all(quick)) assert.equal(response?.outcome, 'completed');
    const { chunks, response } = client.of('slow');
    assert.ok(chunks.length > 0 && chunks.length < 20, `${chunks.length}`);
    assert.equal(response, undefined);
    client.send({ type: 'window', id: 'slow', bytes: 10_000_000 });
    const slow = await client.answer('slow');
    assert.equal(slow.response?.outcome, 'completed');
    assert.equal(slow.chunks.at(-1)?.data, '[DONE]');
  });

  it('that nobody grants any more ends its query, and not the connection', async () => {
    await using backend = await startBackend((_request, response) => {
      const all = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n';
      response.setHeader('content-type', 'text/event-stream').end(all);
    });
    await using service = await startService({
      config: {
        upstreams: { default: simulator.url, own: backend.url },
        limits: { clientStallTimeoutMs: 50 },
      },
    });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service);
    const running = chat('running', 'sim-tokens-400', { window: 1 });
    const said = chat('said', 'm', { window: 1, path: '/own/v1/chat/completions' });
    for (const message of [running, said]) {
      const id = String(message.id);
      const { chunks, error } = await client.ask({ ...message, headers: { 'x-request-id': id } });
      assert.equal(error?.code, 'client_stalled', id);
      assert.equal(chunks.length, 1);
      assert.equal((await endings.of(id)).outcome, id === 'said' ? 'completed' : 'client_aborted');
    }
    assert.equal((await client.ask(chat(3, 'sim-tokens-1'))).response?.outcome, 'completed');
  });

  it('does not hold what broke off: what had come still goes, and then the error', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    client.send(chat(1, 'sim-truncate-3', { window: 1 }));
    await client.until(({ type }) => type === 'chunk');
    client.send({ type: 'window', id: 1, bytes: 1_000_000 });
    const { chunks, error } = await client.answer(1);
    assert.equal(error?.code, 'upstream_truncated');
    assert.ok(chunks.length >= 3);
  });
});

describe('a client that reads slowly', () => {
  it('gets every byte', async () => {
    const piece = Buffer.alloc(64 * 1024, 'ab€');
    const pieces = 200;
    await using backend = await startBackend(async (_request, response) => {
      for (let i = 0; i < pieces; i += 1) if (!response.write(piece)) await once(response, 'drain');
      response.end();
    });
    await using service = await start({ sendBufferBytesMax: 64 * 1024 }, backend.url);
    await using client = await StreamClient.open(service);
    const random = new Random(1);
    client.socket.on('message', () => {
      if (!random.chance(0.02)) return;
      client.socket.pause();
      setTimeout(() => client.socket.resume(), random.integer(1, 10));
    });
    const answer = await client.ask({ id: 1, path: '/x', reply: 'bytes' });
    assert.equal(answer.response?.outcome, 'completed');
    assert.equal(sha256(bytesOf(answer)), sha256(Buffer.concat(Array.from({ length: pieces }, () => piece))));
  });

  it('slows the upstream down, and is let go when it reads no more', async () => {
    const closed = Promise.withResolvers<boolean>();
    await using backend = await startBackend(async (_request, response) => {
      response.on('close', () => closed.resolve(response.writableFinished));
      const piece = Buffer.alloc(256 * 1024, 'x');
      for (let i = 0; i < 400 && !response.destroyed; i += 1)
        if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      response.end();
    });
    await using service = await start(
      { sendBufferBytesMax: 64 * 1024, clientStallTimeoutMs: 200 },
      backend.url,
    );
    const endings = new Endings(service);
    const client = await StreamClient.open(service, { headers: { 'x-request-id': 'session' } });
    client.send({ type: 'query', id: 1, path: '/x', reply: 'bytes', headers: { 'x-request-id': 'query' } });
    await client.until(({ type }) => type === 'chunk');
    client.socket.pause();
    assert.equal(await closed.promise, false);
    assert.equal((await endings.of('query')).outcome, 'client_aborted');
    assert.equal((await endings.of('session')).outcome, 'client_aborted');
    client.socket.terminate();
  });
});

describe('a query that is cancelled', () => {
  it('ends at once, at the upstream too, and leaves the others alone', async () => {
    const gone = Promise.withResolvers<void>();
    await using backend = await startBackend((_request, response) => {
      response.on('close', () => gone.resolve());
      response.setHeader('content-type', 'text/event-stream').write('data: 1\n\n');
    });
    await using service = await startService({
      config: { upstreams: { default: simulator.url, own: backend.url } },
    });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service);
    client.send({ type: 'query', id: 1, path: '/own/x', headers: { 'x-request-id': 'cancelled' } });
    const other = client.ask(chat(2, 'sim-slow-token-1'));
    await client.until(({ type, id }) => type === 'chunk' && id === 1);
    client.send({ type: 'cancel', id: 1 });
    const { error } = await client.answer(1);
    assert.deepEqual([error?.code, error?.outcome], ['client_aborted', 'client_aborted']);
    await gone.promise;
    assert.equal((await endings.of('cancelled')).outcome, 'client_aborted');
    assert.equal((await other).response?.outcome, 'completed');
  });

  it('tells the outcome that everybody else is told, though middleware has still to leave it', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const slow: Middleware = {
      name: 'slow',
      afterResponse: (_reply, { kind }) => (kind === 'request' ? gate.then(() => undefined) : undefined),
    };
    await using backend = await startBackend((_request, response) => {
      response.setHeader('content-type', 'text/event-stream').end('data: {}\n\ndata: [DONE]\n\n');
    });
    await using service = await startService({
      middleware: [slow],
      config: { upstreams: { default: backend.url } },
    });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service);
    client.send(chat(1, 'any', { window: 1, headers: { 'x-request-id': 'cancelled' } }));
    await client.until(({ type }) => type === 'chunk');
    client.send({ type: 'cancel', id: 1 });
    const { error } = await client.answer(1);
    open();
    assert.deepEqual([error?.code, error?.outcome], ['client_aborted', 'completed']);
    assert.equal((await endings.of('cancelled')).outcome, 'completed');
  });

  it('says nothing more, whatever was still to be said', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    client.send(chat(1, 'sim-tokens-30', { window: 1 }));
    await client.until(({ type }) => type === 'chunk');
    client.send({ type: 'cancel', id: 1 }, { type: 'window', id: 1, bytes: 1_000_000 });
    await client.answer(1);
    await caughtUp(client);
    const own = client.messages.filter(({ id }) => id === 1).map(({ type }) => type);
    assert.deepEqual(own, ['chunk', 'error']);
  });
});
