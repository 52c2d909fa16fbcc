import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { connect, QueryError, type StateChange } from '../../src/client/index.ts';
import { backoffMs } from '../../src/client/link.ts';
import { FakeServer } from './fake-server.ts';

const path = '/v1/chat/completions';
/** Waits of no length to speak of. */
const reconnect = { delayMs: 1, delayMaxMs: 2 };

describe('the connection of the client', () => {
  it('offers the protocol by its name, and sends headers with the handshake', async () => {
    await using server = await FakeServer.start();
    for (const webSocket of [undefined, WebSocket]) {
      await using sightline = connect(server.url, {
        headers: { authorization: 'Bearer sk-1' },
        ...(webSocket && { webSocket }),
      });
      const { request } = await server.connection();
      await sightline.ready;
      assert.equal(request.headers['sec-websocket-protocol'], 'sightline.stream.v1');
      assert.equal(request.headers.authorization, 'Bearer sk-1');
      assert.equal(request.url, '/stream');
    }
  });

  it('says so where the WebSocket takes no headers, as in browsers', async () => {
    await using server = await FakeServer.start();
    const headers = { authorization: 'Bearer sk-1' };
    const browser = globalThis.WebSocket;
    globalThis.WebSocket = class extends browser {
      constructor(url: string | URL, protocols?: unknown) {
        // As the standard has it: anything that is no list is taken for a text.
        super(url, Array.isArray(protocols) ? protocols : String(protocols));
      }
    };
    try {
      assert.throws(() => connect(server.url, { headers }), {
        name: 'TypeError',
        message: /with each query/,
      });
    } finally {
      globalThis.WebSocket = browser;
    }
    class Headless extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
      }
    }
    assert.throws(() => connect(server.url, { headers, webSocket: Headless }), { message: /no headers/ });
  });

  it('takes only addresses of WebSockets', async () => {
    await using server = await FakeServer.start();
    await using sightline = connect(server.url.replace('ws:', 'http:'));
    await sightline.ready;
    assert.throws(() => connect('ftp://localhost/stream'), { name: 'TypeError', message: /ws:\/\// });
    assert.throws(() => connect('localhost'), TypeError);
  });

  it('is made anew when it breaks; what was under way is lost, what comes meanwhile waits', async () => {
    await using server = await FakeServer.start();
    const states = new States();
    await using sightline = connect(server.url, { reconnect, onState: states.add });
    const first = await server.connection();
    const streamed = sightline.query({ path });
    const unanswered = sightline.query({ path });
    await first.next();
    await first.next();
    first.send({ type: 'chunk', id: 1, status: 200, data: 1 });
    await first.settled();
    first.socket.close(1012, 'Restarting.');
    await states.reach('reconnecting');
    const waiting = sightline.query({ path });

    await assert.rejects(streamed, (thrown) => {
      assert.ok(thrown instanceof QueryError);
      assert.deepEqual([thrown.code, thrown.wasSent, thrown.chunks], ['connection_lost', true, 1]);
      assert.match(thrown.message, /broke: close code 1012, Restarting\. The/);
      assert.match(thrown.message, /may have been made, and paid for\. 1 chunk of it had come/);
      assert.match(thrown.message, /not sent again by itself/);
      return true;
    });
    await assert.rejects(unanswered, {
      code: 'connection_lost',
      chunks: 0,
      message: /Nothing of it had come/,
    });
    const second = await server.connection();
    const { id } = await second.next();
    assert.equal(id, 3);
    second.respond(id);
    assert.equal((await waiting).status, 200);
    assert.deepEqual(second.unread, []);
    assert.deepEqual(states.names, ['connecting', 'open', 'reconnecting', 'open']);
  });

  it('is made anew after one that died without a word, with all attempts where that was a good one', async () => {
    await using server = await FakeServer.start();
    let broken = Promise.withResolvers<void>();
    await using sightline = connect(server.url, {
      reconnect: { ...reconnect, attempts: 1 },
      onState: ({ state }) => state === 'reconnecting' && broken.resolve(),
    });
    for (let i = 0; i < 3; i += 1) {
      const query = sightline.query({ path });
      const connection = await server.connection();
      connection.respond((await connection.next()).id);
      assert.equal((await query).status, 200);
      connection.socket.terminate();
      await broken.promise;
      broken = Promise.withResolvers();
    }
  });

  it('is given up after the attempts that were wanted, and tried anew when somebody asks', async () => {
    const server = await FakeServer.start();
    const { url, port } = server;
    await server[Symbol.asyncDispose]();
    const states = new States();
    await using sightline = connect(url, { reconnect: { ...reconnect, attempts: 3 }, onState: states.add });
    const early = sightline.query({ path });
    await assert.rejects(sightline.ready, { code: 'connection_failed', message: /in 3 attempts/ });
    await assert.rejects(early, {
      code: 'connection_failed',
      wasSent: false,
      message: /refuse the handshake/,
    });
    await assert.rejects(sightline.ready, { code: 'connection_failed' });
    assert.deepEqual(states.names, ['connecting', 'reconnecting', 'reconnecting', 'offline']);

    await using revived = await FakeServer.start(port);
    const late = sightline.query({ path });
    assert.equal(sightline.state, 'reconnecting');
    const connection = await revived.connection();
    connection.respond((await connection.next()).id);
    assert.equal((await late).status, 200);
    assert.equal(sightline.state, 'open');
  });

  it('counts attempts on, while nothing comes of the connections that it gets', async () => {
    await using server = await FakeServer.start();
    const states = new States();
    await using _ = connect(server.url, { reconnect: { ...reconnect, attempts: 2 }, onState: states.add });
    for (let i = 0; i < 2; i += 1) (await server.connection()).socket.close(1013);
    await states.reach('offline');
    assert.deepEqual(states.names, ['connecting', 'open', 'reconnecting', 'open', 'offline']);
  });

  it('says of a refused handshake what is known', async () => {
    const refusing = createServer((_, response) => response.writeHead(401).end()).listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    const url = `ws://127.0.0.1:${(refusing.address() as AddressInfo).port}/stream?key=secret`;
    for (const [webSocket, known] of [
      [undefined, /in 1 attempt.*WebSockets do not tell why/],
      [WebSocket, /401/],
    ] as const) {
      const once = { attempts: 1 };
      await using sightline = connect(url, { reconnect: once, ...(webSocket && { webSocket }) });
      await assert.rejects(sightline.ready, ({ code, message }) => {
        assert.equal(code, 'connection_failed');
        assert.match(message, known);
        assert.doesNotMatch(message, /secret/);
        return true;
      });
    }
    refusing.close();
  });

  it('is not made again where the server says that the client is wrong', async () => {
    for (const code of [1002, 1003, 1007, 1008, 1010]) {
      await using server = await FakeServer.start();
      await using sightline = connect(server.url, { reconnect });
      const connection = await server.connection();
      const query = sightline.query({ path });
      await connection.next();
      connection.socket.close(code, 'that is wrong');
      const refusal = {
        code: 'connection_refused',
        message: new RegExp(`close code ${code}, that is wrong`),
      };
      await assert.rejects(query, { ...refusal, wasSent: true });
      await assert.rejects(sightline.query({ path }), { ...refusal, wasSent: false });
      await assert.rejects(sightline.ready, refusal);
      assert.equal(sightline.state, 'closed');
    }
  });

  it('is made again where a message was larger than the server takes', async () => {
    await using server = await FakeServer.start();
    await using sightline = connect(server.url, { reconnect });
    const connection = await server.connection();
    const query = sightline.query({ path });
    await connection.next();
    connection.socket.close(1009, 'too large');
    await assert.rejects(query, { code: 'connection_lost', message: /close code 1009, too large/ });
    const next = sightline.query({ path });
    const again = await server.connection();
    again.respond((await again.next()).id);
    assert.equal((await next).status, 200);
  });

  it('ends with garbage', async () => {
    const response = { type: 'response', id: 1, status: 200, outcome: 'completed' };
    const samples = [
      ...['}', '7', '{}', '{"type":"chunk"}', '{"type":"response","id":1}', '{"type":"error"}'],
      ...[{ text: 7 }, { base64: '!' }, { event: 7 }].map((field) =>
        JSON.stringify({ type: 'chunk', id: 1, status: 200, ...field }),
      ),
      ...[{ base64: '!' }, { text: 7 }, { headers: { 'a b': '' } }, { trailers: { a: 'b\nc' } }].map(
        (field) => JSON.stringify({ ...response, ...field }),
      ),
    ];
    for (const garbage of [...samples, Buffer.from('{"type":"pong"}')]) {
      await using server = await FakeServer.start();
      await using sightline = connect(server.url, { reconnect });
      const connection = await server.connection();
      const query = sightline.query({ path });
      await connection.next();
      connection.socket.send(garbage);
      await assert.rejects(query, { code: 'bad_message' });
      assert.equal((await connection.ended).code, 4_002);
      assert.equal(sightline.state, 'closed');
    }
  });

  it('has room for so many queries that wait, and no more', async () => {
    await using server = await FakeServer.start();
    await using sightline = connect(server.url, { queueMax: 2 });
    const controller = new AbortController();
    const given = sightline.query({ path, signal: controller.signal });
    const queries = [sightline.query({ path, body: { n: 2 } })];
    await assert.rejects(sightline.query({ path }), { code: 'queue_full', wasSent: false });
    controller.abort();
    await assert.rejects(given, { code: 'client_aborted', wasSent: false });
    queries.push(sightline.query({ path, body: { n: 4 } }));
    const connection = await server.connection();
    for (const n of [2, 4]) {
      const { id, body } = await connection.next();
      assert.deepEqual(body, { n });
      connection.respond(id);
    }
    await Promise.all(queries);
  });

  it('is asked after silence whether the server is there, and goes on where it is', async () => {
    await using server = await FakeServer.start();
    await using sightline = connect(server.url, { heartbeat: { silenceMs: 1, answerMs: 60_000 } });
    const connection = await server.connection();
    for (let i = 0; i < 2; i += 1) {
      assert.deepEqual(await connection.next(), { type: 'ping' });
      connection.send({ type: 'pong' });
    }
    assert.equal(sightline.state, 'open');
  });

  it('is dropped and made anew where the server does not answer', async () => {
    await using server = await FakeServer.start();
    for (const webSocket of [undefined, WebSocket]) {
      const heartbeat = { silenceMs: 1, answerMs: 1 };
      await using sightline = connect(server.url, { heartbeat, reconnect, ...(webSocket && { webSocket }) });
      const silent = await server.connection();
      // It does not even answer a close frame.
      silent.socket.pause();
      await assert.rejects(sightline.query({ path }), {
        code: 'connection_lost',
        message: /no answer to a ping/,
      });
      await server.connection();
      silent.socket.resume();
    }
  });

  it('answers the pings of the server', async () => {
    await using server = await FakeServer.start();
    await using _ = connect(server.url);
    const connection = await server.connection();
    connection.send({ type: 'ping', id: 'a' });
    assert.deepEqual(await connection.next(), { type: 'pong', id: 'a' });
  });

  it('is not waited for without end', async () => {
    const silent = createServer().on('upgrade', () => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/stream`;
    await using sightline = connect(url, { connectTimeoutMs: 1, reconnect: { attempts: 1 } });
    await assert.rejects(sightline.ready, {
      code: 'connection_failed',
      message: /no connection within 1 ms/,
    });
    silent.closeAllConnections();
    silent.close();
  });

  it('ends everything when it is closed, once', async () => {
    await using server = await FakeServer.start();
    const states = new States();
    const sightline = connect(server.url, { onState: states.add });
    const connection = await server.connection();
    const query = sightline.query({ path });
    await connection.next();
    const closed = sightline.close();
    assert.equal(sightline.close(), closed);
    await assert.rejects(query, { code: 'closed', wasSent: true });
    await closed;
    assert.equal((await connection.ended).code, 1000);
    await assert.rejects(sightline.query({ path }), { code: 'closed', wasSent: false });
    await assert.rejects(sightline.ready, { code: 'closed' });
    // Nobody has to look after this one: a rejection that nobody handles would fail the test.
    void sightline.ready;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(states.names, ['connecting', 'open', 'closed']);
  });

  it('can be closed before it is there, and while it is made anew', async () => {
    await using server = await FakeServer.start();
    const early = connect(server.url);
    const query = early.query({ path });
    const ready = early.ready;
    await early.close();
    await assert.rejects(query, { code: 'closed', wasSent: false });
    await assert.rejects(ready, { code: 'closed' });

    const states = new States();
    const timers = timersUnderWay();
    const late = connect(server.url, { reconnect: { delayMs: 60_000 }, onState: states.add });
    await late.ready;
    for (const socket of server.sockets) socket.terminate();
    await states.reach('reconnecting');
    assert.equal(timersUnderWay(), timers + 1);
    await late.close();
    assert.equal(late.state, 'closed');
    assert.equal(timersUnderWay(), timers);
  });

  it('does not wait for ever for the answer to its close frame', async () => {
    await using server = await FakeServer.start();
    const sightline = connect(server.url, { closeTimeoutMs: 1 });
    const { socket } = await server.connection();
    await sightline.ready;
    socket.pause();
    await sightline.close();
    socket.resume();
  });

  it('goes on where a listener of the app throws, and lets that be seen', async () => {
    await using server = await FakeServer.start();
    const thrown = new Promise<Error>((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
    await using sightline = connect(server.url, {
      onState({ state }) {
        if (state === 'open') throw new Error('the app broke');
      },
    });
    const connection = await server.connection();
    const query = sightline.query({ path });
    connection.respond((await connection.next()).id);
    assert.equal((await query).status, 200);
    assert.equal((await thrown).message, 'the app broke');
    process.setUncaughtExceptionCaptureCallback(null);
  });

  it('is tried at waits that double, of which half is chance', () => {
    const options = { attempts: 5, delayMs: 250, delayMaxMs: 10_000 };
    const longest = [0, 1, 2, 3, 4, 10, 2_000].map((attempts) => backoffMs(attempts, options, 1));
    assert.deepEqual(longest, [250, 250, 500, 1_000, 2_000, 10_000, 10_000]);
    assert.equal(backoffMs(3, options, 0), 500);
  });
});

function timersUnderWay(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

/** What `onState` tells. */
class States {
  readonly changes: StateChange[] = [];
  readonly #waiting = new Map<string, () => void>();

  readonly add = (change: StateChange): void => {
    this.changes.push(change);
    this.#waiting.get(change.state)?.();
  };

  get names(): string[] {
    return this.changes.map(({ state }) => state);
  }

  async reach(state: StateChange['state']): Promise<void> {
    if (this.names.includes(state)) return;
    await new Promise<void>((resolve) => this.#waiting.set(state, resolve));
  }
}
