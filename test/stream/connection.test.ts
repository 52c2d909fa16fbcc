import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { SightlineError } from '../../src/errors.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { SessionFacts } from '../../src/exchange/session-facts.ts';
import type { ExchangeView } from '../../src/exchange/view.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { Endings } from '../support/endings.ts';
import { startService } from '../support/service.ts';
import { factsOf } from './session-facts.ts';
import { chat, StreamClient } from './stream-client.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
});
after(() => simulator.close());

const start = (limits: object = {}, middleware: readonly Middleware[] = []) =>
  startService({ config: { upstreams: { default: simulator.url }, limits }, middleware });

const named = { headers: { 'x-request-id': 'session' } };

/** A frame of a client: masked, with a mask of zeros, so that it is as it reads. */
function frame(opcode: number, payload: Uint8Array, { isMasked = true, bits = 0x80 } = {}): Buffer {
  assert.ok(payload.length < 126);
  const head = [bits | opcode, (isMasked ? 0x80 : 0) | payload.length];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0), payload]);
}

describe('the handshake', () => {
  it('is answered with the subprotocol, the id and the trace', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service, named);
    assert.equal(client.status, 101);
    assert.equal(client.socket.protocol, 'sightline.stream.v1');
    assert.equal(client.headers['x-request-id'], 'session');
    assert.match(String(client.headers.traceresponse), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const facts = factsOf(service);
    assert.deepEqual([facts.protocol, facts.subprotocol], ['stream', 'sightline.stream.v1']);
  });

  it('agrees on no subprotocol of others, and needs none', async () => {
    await using service = await start();
    const url = `${service.dataUrl.replace('http', 'ws')}/stream`;
    const plain = new WebSocket(url);
    await once(plain, 'open');
    assert.equal(plain.protocol, '');
    plain.close();
    const other = new WebSocket(url, 'graphql-ws');
    const [error] = await once(other, 'error');
    assert.match(String(error), /sent no subprotocol/);
  });

  it('that is none is answered with an error', async () => {
    await using service = await start();
    const endings = new Endings(service);
    const url = `${service.dataUrl.replace('http', 'ws')}/stream`;
    const client = new WebSocket(url, {
      perMessageDeflate: false,
      headers: { 'x-request-id': 'bad', 'sec-websocket-extensions': 'permessage-deflate; a=1' },
    });
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, 400);
    response.resume();
    const ended = await endings.of('bad');
    assert.deepEqual([ended.outcome, ended.status], ['blocked', 400]);
  });

  it('may offer compression: what is large is compressed then, and nothing is kept from message to message', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service, {
      perMessageDeflate: { threshold: 0 },
    });
    assert.match(
      String(client.headers['sec-websocket-extensions']),
      /^permessage-deflate; (?=.*server_no_context_takeover)(?=.*client_no_context_takeover)/,
    );
    const before = client.raw.bytesRead;
    const { response } = await client.ask(chat(1, 'sim-tokens-3000', { body: { stream: false } }));
    const { length } = JSON.stringify(response);
    const read = client.raw.bytesRead - before;
    assert.ok(length > 10_000 && read < length / 2, `${read} of ${length}`);
  });

  it('that wants a compression of its own is answered without any', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service, {
      perMessageDeflate: { serverMaxWindowBits: 9 },
    });
    assert.equal(client.headers['sec-websocket-extensions'], undefined);
    assert.equal((await client.ask(chat(1, 'sim-tokens-1'))).response?.status, 200);
  });

  it('goes through middleware, which may refuse it or answer it', async () => {
    const seen: string[] = [];
    const gate: Middleware = {
      name: 'gate',
      beforeQuery: async (_query, exchange) => {
        await Promise.resolve();
        seen.push(`${exchange.kind} ${exchange.request.path}`);
        const does = exchange.header('x-does');
        if (does === 'refuse') throw new SightlineError('blocked', { message: 'Members only.' });
        if (does === 'answer') return Reply.json(418, { mine: true });
        if (does === 'fail') throw new Error('secret');
        if (does === 'stumble') return Reply.json(200, {}, ['x-broken', 'a\nb']);
        return undefined;
      },
      afterResponse: (reply) => {
        seen.push(String(reply.status));
      },
      onError: (error) => {
        seen.push(error.code);
      },
    };
    await using service = await start({}, [gate]);
    const endings = new Endings(service);
    const url = `${service.dataUrl.replace('http', 'ws')}/stream`;
    const ask = async (does: string) => {
      seen.length = 0;
      const client = new WebSocket(url, { headers: { 'x-does': does, 'x-request-id': does } });
      const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
      let text = '';
      for await (const piece of response) text += String(piece);
      const { outcome, status } = await endings.of(does);
      return { text, outcome, status, statusCode: response.statusCode, seen: seen.join(', ') };
    };
    const refused = await ask('refuse');
    assert.deepEqual([refused.statusCode, refused.status, refused.outcome], [403, 403, 'blocked']);
    assert.match(refused.text, /Members only/);
    assert.equal(refused.seen, 'session /stream');
    const answered = await ask('answer');
    assert.deepEqual(
      [answered.statusCode, answered.text, answered.outcome],
      [418, '{"mine":true}', 'completed'],
    );
    assert.equal(answered.seen, 'session /stream, 418');
    const failed = await ask('fail');
    assert.deepEqual([failed.statusCode, failed.outcome], [500, 'failed']);
    assert.ok(!failed.text.includes('secret'));
    const stumbled = await ask('stumble');
    assert.deepEqual([stumbled.statusCode, stumbled.status, stumbled.outcome], [500, 500, 'failed']);
    await using client = await StreamClient.open(service);
    assert.equal((await client.ask(chat(1, 'sim-tokens-1'))).response?.status, 200);
  });

  it('is over where its client goes before it is let in, and where the service stops', async () => {
    const waiting = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const left: string[] = [];
    const gate: Middleware = {
      name: 'gate',
      beforeQuery: async () => {
        asked.resolve();
        await waiting.promise;
      },
      onError: (error) => {
        left.push(error.code);
      },
    };
    await using service = await start({}, [gate]);
    const endings = new Endings(service);
    const url = `${service.dataUrl.replace('http', 'ws')}/stream`;
    const client = new WebSocket(url, { headers: { 'x-request-id': 'gone' } });
    client.on('error', () => undefined);
    const late = new WebSocket(url, { headers: { 'x-request-id': 'late' } });
    const answer = once(late, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
    await asked.promise;
    // It sends a reset: an end alone would not be read.
    (client as unknown as { _req: { socket: import('node:net').Socket } })._req.socket.resetAndDestroy();
    assert.equal((await endings.of('gone')).outcome, 'client_aborted');
    const stopped = service.stop();
    waiting.resolve();
    const [, response] = await answer;
    assert.equal(response.statusCode, 503);
    response.resume();
    await stopped;
    assert.equal((await endings.of('late')).outcome, 'failed');
    assert.deepEqual(left.toSorted(), ['client_aborted', 'stopping']);
  });
});

describe('a session of the stream protocol', () => {
  /** Opens one, lets it end somehow, and tells how. */
  async function ending(
    end: (client: StreamClient, service: Service) => unknown,
    limits: object = {},
    options: object = {},
  ): Promise<{ session: ExchangeView; facts: SessionFacts; code: number; client: StreamClient }> {
    await using service = await start(limits);
    const endings = new Endings(service);
    const client = await StreamClient.open(service, { ...named, ...options });
    const facts = factsOf(service);
    await end(client, service);
    const { code } = await client.closed;
    return { session: await endings.of('session'), facts, code, client };
  }

  it('is complete when its client closes it at rest', async () => {
    for (const code of [1000, 1001, undefined]) {
      const { session, facts } = await ending(async (client) => {
        await client.ask(chat(1, 'sim-tokens-2', { body: { stream_options: { include_usage: true } } }));
        client.socket.close(code, code ? 'bye' : undefined);
      });
      assert.deepEqual([session.outcome, session.status, session.kind], ['completed', 101, 'session']);
      assert.deepEqual(facts.close, { by: 'client', code: code ?? 1005, reason: code ? 'bye' : '' });
      assert.deepEqual([facts.turns, facts.outcomes, facts.usage.output], [1, { completed: 1 }, 2]);
      const { messages, frames, bytes } = facts.received.client;
      assert.deepEqual([messages, frames >= 1, bytes > 100 && bytes < 500], [1, true, true]);
    }
  });

  it('is aborted when its client goes otherwise, and so are its queries', async () => {
    const leave: readonly (readonly [number, (client: StreamClient) => unknown])[] = [
      [1000, (client) => client.socket.close(1000)],
      [4001, (client) => client.socket.close(4001)],
      [1006, (client) => client.socket.terminate()],
    ];
    for (const [code, go] of leave) {
      const { session, facts } = await ending(async (client) => {
        client.send(chat(1, 'sim-stall-1'), chat(2, 'sim-no-head'));
        await client.until(({ type }) => type === 'chunk');
        go(client);
      });
      assert.equal(session.outcome, 'client_aborted');
      assert.equal(facts.close?.code, code);
      assert.deepEqual(facts.outcomes, { client_aborted: 2 });
    }
    const other = await ending((client) => client.socket.close(4001));
    assert.equal(other.session.outcome, 'client_aborted');
  });

  it('is closed where the client breaks the protocol', async () => {
    const cases: readonly (readonly [string, Buffer, number])[] = [
      ['text that is no UTF-8', frame(1, Buffer.from([0xff])), 1007],
      ['no mask', frame(1, Buffer.from('{}'), { isMasked: false }), 1002],
      ['an unknown opcode', frame(3, Buffer.from('')), 1002],
      ['a fragmented ping', frame(9, Buffer.from(''), { bits: 0 }), 1002],
      ['compression that was not agreed on', frame(1, Buffer.from('{}'), { bits: 0xc0 }), 1002],
      [
        'a large message',
        Buffer.concat([frame(1, Buffer.alloc(100, 'x'), { bits: 0 }), frame(0, Buffer.alloc(100, 'x'))]),
        1009,
      ],
    ];
    for (const [what, bytes, expected] of cases) {
      const { session, facts, code } = await ending((client) => client.raw.write(bytes), {
        messageBytesMax: 150,
      });
      assert.equal(code, expected, what);
      assert.equal(session.outcome, 'blocked', what);
      assert.deepEqual(facts.close, { by: 'sightline', code: expected, reason: '' }, what);
    }
  });

  it('is closed where a message cannot be decompressed, or becomes too large', async () => {
    const compressing = { perMessageDeflate: { threshold: 0 } };
    const broken = await ending(
      (client) => client.raw.write(frame(1, Buffer.from([0xff, 0xff, 0xff]), { bits: 0xc0 })),
      {},
      compressing,
    );
    assert.deepEqual([broken.code, broken.session.outcome], [1007, 'blocked']);
    const bomb = await ending(
      (client) => client.send(JSON.stringify({ type: 'x'.repeat(200_000) })),
      { messageBytesMax: 100_000 },
      compressing,
    );
    assert.deepEqual([bomb.code, bomb.session.outcome], [1009, 'blocked']);
  });

  it('is closed where its client floods it, with messages or control frames', async () => {
    const floods: readonly ((client: StreamClient) => void)[] = [
      (client) => client.send({ type: 'ping' }),
      (client) => client.socket.ping(),
      (client) => client.socket.pong(),
      (client) => client.send('garbage'),
    ];
    for (const flood of floods) {
      const { session, facts, code } = await ending(
        (client) => {
          client.send(chat(1, 'sim-stall-1'));
          for (let i = 0; i < 60; i += 1) flood(client);
        },
        { clientMessagesPerSecondMax: 50 },
      );
      assert.deepEqual([code, session.outcome], [1008, 'blocked']);
      assert.equal(facts.close?.reason, 'The client sends too many messages.');
      assert.deepEqual(facts.outcomes, { blocked: 1 });
      // Those that were taken, and the answer to the close frame.
      assert.equal(facts.received.client.frames, 52);
    }
  });

  it('answers pings, and goes on as long as its own are answered or messages come', async () => {
    await using service = await start({ pingIntervalMs: 5, pongTimeoutMs: 1_000 });
    await using client = await StreamClient.open(service);
    client.socket.ping('hello');
    const [data] = await once(client.socket, 'pong');
    assert.equal(String(data), 'hello');
    // A second comes where the first was answered.
    for (let i = 0; i < 2; i += 1) await once(client.socket, 'ping');
    await using speaking = await StreamClient.open(service, { autoPong: false });
    let asked = 0;
    speaking.socket.on('ping', () => {
      asked += 1;
      speaking.send({ type: 'ping', id: asked });
    });
    // The first can have come before anybody listened here.
    speaking.send({ type: 'ping', id: 0 });
    await speaking.until(({ type, id }) => type === 'pong' && id === 2);
  });

  it('ends where nobody is there any more, and so do its queries', async () => {
    const { session, facts, code } = await ending(
      async (client) => {
        client.send(chat(1, 'sim-stall-1'));
        await client.until(({ type }) => type === 'chunk');
      },
      { pingIntervalMs: 5, pongTimeoutMs: 5 },
      { autoPong: false },
    );
    assert.deepEqual([code, session.outcome], [1001, 'client_aborted']);
    assert.equal(facts.close?.reason, 'The client no longer answers pings.');
    assert.deepEqual(facts.outcomes, { client_aborted: 1 });
  });

  it('ends when the service stops: at once where nothing runs', async () => {
    const { session, facts, code } = await ending((_client, service) => void service.stop());
    assert.deepEqual([code, session.outcome], [1012, 'completed']);
    assert.equal(facts.close?.by, 'sightline');
  });

  it('ends when the service stops: with its last query, and takes no other', async () => {
    const { session, code, client } = await ending(async (client, service) => {
      client.send(chat(1, 'sim-slow-token-20'));
      await client.until(({ type }) => type === 'chunk');
      void service.stop();
      assert.equal((await client.ask(chat(2, 'sim-tokens-1'))).error?.code, 'stopping');
      assert.equal(client.of(1).response, undefined);
    });
    assert.equal(client.of(1).response?.outcome, 'completed');
    assert.deepEqual([code, session.outcome], [1012, 'completed']);
  });

  it('ends when the service stops: with an error for each query that does not end in time', async () => {
    const { session, code, client } = await ending(
      async (client, service) => {
        client.send(chat(1, 'sim-stall-1'), chat(2, 'sim-no-head'));
        await client.until(({ type }) => type === 'chunk');
        void service.stop();
      },
      { drainTimeoutMs: 30 },
    );
    assert.deepEqual([client.of(1).error?.code, client.of(2).error?.code], ['stopping', 'stopping']);
    assert.deepEqual([code, session.outcome], [1012, 'failed']);
  });

  it('counts what it refused', async () => {
    const { facts } = await ending((client) => {
      client.send('x', { type: 'nobody' }, { type: 'query' });
      client.socket.close();
    });
    assert.equal(facts.refused, 3);
    assert.equal(facts.turns, 0);
  });
});
