import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { SightlineError } from '../../../src/errors.ts';
import { Reply } from '../../../src/exchange/reply.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { PluginFolder, startWithFolder } from '../../plugins/folder.ts';
import { Endings } from '../../support/endings.ts';
import {
  fieldOf,
  fieldsOf,
  RawConnection,
  type RawMessage,
  startRawServer,
  startReplyServer,
} from '../../support/raw-http.ts';
import { startService, type TestServiceOptions } from '../../support/service.ts';
import { acceptOf, openRawClient, startRawUpstream, upgradeBytes } from './raw-session.ts';
import { SessionStage } from './session-stage.ts';

const json = ['Content-Type', 'application/json'];

/** What a client gets whose handshake is not granted; the upstream answers with these bytes. */
async function refused(answer: string, options: TestServiceOptions = {}): Promise<[RawMessage, string]> {
  await using upstream = await startReplyServer(() => answer);
  await using service = await startService({ ...options, config: { upstreams: { default: upstream.url } } });
  const endings = new Endings(service);
  const connection = await RawConnection.open(service.dataUrl);
  await connection.send(upgradeBytes({ headers: ['X-Request-Id', 'refused-1'] }));
  const reply = await connection.reply();
  assert.ok(reply);
  await connection.closed();
  return [reply, String((await endings.of('refused-1')).outcome)];
}

describe('the handshake of a session', () => {
  it('is the upstream’s: subprotocol, extensions and headers go through both ways', async () => {
    await using server = await startWsServer();
    await using service = await startService({ config: { upstreams: { default: `${server.url}/base` } } });
    const client = new WebSocket(`${service.dataUrl.replace('http', 'ws')}/v1/x?model=m`, ['a', 'b'], {
      headers: { authorization: 'Bearer key', 'x-mine': 'yes', 'x-request-id': 'mine' },
    });
    const [[response], [socket, request]] = await Promise.all([
      once(client, 'upgrade'),
      once(server.wss, 'connection'),
      once(client, 'open'),
    ]);
    assert.equal(client.protocol, 'a');
    assert.match(client.extensions, /permessage-deflate/);
    assert.equal(request.url, '/base/v1/x?model=m');
    assert.equal(request.headers.authorization, 'Bearer key');
    assert.equal(request.headers['x-mine'], 'yes');
    assert.match(request.headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    assert.equal(response.headers['x-request-id'], 'mine');
    assert.match(response.headers.traceresponse, /^00-/);
    const echoed = once(client, 'message');
    socket.send('x'.repeat(5_000));
    assert.equal(String((await echoed)[0]), 'x'.repeat(5_000));
    client.close(1000);
    await once(client, 'close');
  });

  it('goes back with its headers as the upstream wrote them', async () => {
    const upstream = await startRawUpstream({
      headers: ['X-Written-So', 'Ä, as It came', 'Set-Cookie', 'a', 'Set-Cookie', 'b'],
    });
    await using stage = await SessionStage.start({ upstream });
    const { client } = await stage.session();
    assert.ok(client.head.headers.includes('X-Written-So'));
    assert.equal(fieldOf(client.head, 'x-written-so'), 'Ä, as It came');
    assert.deepEqual(fieldsOf(client.head.headers, 'set-cookie'), ['a', 'b']);
    assert.equal(client.head.startLine, 'HTTP/1.1 101 Switching Protocols');
    assert.equal(fieldOf(client.head, 'upgrade'), 'websocket');
    assert.equal(fieldOf(client.head, 'connection'), 'Upgrade');
  });

  it('offers no extensions where somebody has to read messages', async () => {
    await using server = await startWsServer();
    await using service = await startService({
      config: { upstreams: { default: server.url } },
      messageTypes: [noted],
    });
    const client = new WebSocket(`${service.dataUrl.replace('http', 'ws')}/x`);
    const [[, request]] = await Promise.all([once(server.wss, 'connection'), once(client, 'open')]);
    assert.equal(request.headers['sec-websocket-extensions'], undefined);
    assert.equal(client.extensions, '');
    client.terminate();
  });

  for (const [status, name] of [
    [401, 'Unauthorized'],
    [404, 'Not Found'],
    [429, 'Too Many Requests'],
    [503, 'Service Unavailable'],
  ] as const) {
    it(`that is refused with ${status} is answered with that reply`, async () => {
      const [reply, outcome] = await refused(
        `HTTP/1.1 ${status} ${name}\r\nContent-Type: application/json\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n{"no": 1}`,
      );
      assert.equal(reply.startLine, `HTTP/1.1 ${status} ${name}`);
      assert.equal(fieldOf(reply, 'retry-after'), '7');
      assert.equal(fieldOf(reply, 'content-type'), 'application/json');
      assert.equal(String(reply.body), '{"no": 1}');
      assert.equal(fieldOf(reply, 'connection'), 'close');
      assert.equal(outcome, 'upstream_error');
    });
  }

  it('that is refused with 426 still names the protocol', async () => {
    const [reply] = await refused(
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n',
    );
    assert.equal(fieldOf(reply, 'upgrade'), 'websocket');
    assert.equal(fieldOf(reply, 'sec-websocket-version'), '13');
  });

  it('that is refused with a large body streams it, as slowly as the client takes it', async () => {
    const body = Buffer.alloc(20 * 1024 * 1024, 'x');
    const [reply, outcome] = await refused(
      `HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    assert.ok(reply.body.equals(body));
    assert.equal(reply.isComplete, true);
    assert.equal(outcome, 'upstream_error');
  });

  it('that is refused with a body that breaks off breaks off', async () => {
    await using upstream = await startRawServer(async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 20\r\n\r\nbegun');
      connection.close();
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const endings = new Endings(service);
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(upgradeBytes({ headers: ['X-Request-Id', 'broken'] }));
    assert.equal((await connection.reply())?.isComplete, false);
    assert.equal((await endings.of('broken')).outcome, 'upstream_truncated');
  });

  const invalid: [name: string, answer: (key: string) => string][] = [
    ['no accept', () => 'Upgrade: websocket\r\nConnection: Upgrade\r\n'],
    [
      'the accept of another key',
      (key) =>
        `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(`${key}x`)}\r\n`,
    ],
    [
      'another protocol',
      (key) => `Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n`,
    ],
    ['no connection header', (key) => `Upgrade: websocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n`],
  ];
  for (const [name, answer] of invalid) {
    it(`that is answered by a 101 with ${name} is not granted`, async () => {
      await using upstream = await startReplyServer(
        (request) =>
          `HTTP/1.1 101 Switching Protocols\r\n${answer(fieldOf(request, 'sec-websocket-key') ?? '')}\r\n`,
      );
      await using service = await startService({ config: { upstreams: { default: upstream.url } } });
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(upgradeBytes());
      const reply = await connection.reply();
      assert.match(reply?.startLine ?? '', /^HTTP\/1.1 502 /);
      assert.equal(JSON.parse(String(reply?.body)).error.code, 'upstream_invalid_reply');
      await connection.closed();
    });
  }

  it('that agrees to extensions that were taken out is not granted', async () => {
    await using upstream = await startRawUpstream({
      headers: ['Sec-WebSocket-Extensions', 'permessage-deflate'],
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    await assert.rejects(openRawClient(service.dataUrl), /502/);
  });

  const unreachable: [
    name: string,
    serve: (connection: RawConnection) => unknown,
    status: number,
    code: string,
  ][] = [
    ['closes', (connection) => connection.close(), 502, 'upstream_closed'],
    ['says nothing', () => undefined, 504, 'upstream_timeout'],
    [
      'speaks another language',
      (connection) => connection.send('SSH-2.0-x\r\n\r\n'),
      502,
      'upstream_invalid_reply',
    ],
  ];
  for (const [name, serve, status, code] of unreachable) {
    it(`with an upstream that ${name} is answered with ${status} ${code}`, async () => {
      await using upstream = await startRawServer(async (connection) => {
        await connection.head();
        await serve(connection);
      });
      await using service = await startService({
        config: { upstreams: { default: upstream.url }, limits: { upgradeTimeoutMs: 80 } },
      });
      const endings = new Endings(service);
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(upgradeBytes({ headers: ['X-Request-Id', 'bad'] }));
      const reply = await connection.reply();
      assert.match(reply?.startLine ?? '', new RegExp(`^HTTP/1.1 ${status} `));
      assert.equal(JSON.parse(String(reply?.body)).error.code, code);
      await connection.closed();
      assert.equal((await endings.of('bad')).status, status);
    });
  }

  it('with no upstream there is answered with 502', async () => {
    await using upstream = await startReplyServer(() => '');
    const { url } = upstream;
    await upstream[Symbol.asyncDispose]();
    await using service = await startService({ config: { upstreams: { default: url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(upgradeBytes());
    const reply = await connection.reply();
    assert.equal(JSON.parse(String(reply?.body)).error.code, 'upstream_unreachable');
    await connection.closed();
  });

  for (const how of ['vanishes', 'resets'] as const) {
    it(`of a client that ${how} before the answer is aborted at the upstream`, async () => {
      const arrived = Promise.withResolvers<RawConnection>();
      await using upstream = await startRawServer(async (connection) => {
        await connection.head();
        arrived.resolve(connection);
      });
      await using service = await startService({ config: { upstreams: { default: upstream.url } } });
      const endings = new Endings(service);
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(upgradeBytes({ headers: ['X-Request-Id', 'gone'] }));
      const atUpstream = await arrived.promise;
      if (how === 'resets') connection.socket.resetAndDestroy();
      else connection.close();
      await atUpstream.rest();
      assert.equal((await endings.of('gone')).outcome, 'client_aborted');
    });
  }

  it('leaves what the client sends before the answer for after it', async () => {
    const before = Promise.withResolvers<void>();
    const upstream = await startRawUpstream({ before: before.promise });
    await using stage = await SessionStage.start({ upstream });
    const opening = stage.session({ head: Buffer.from('ignored').subarray(7) });
    while (upstream.server.connections.length === 0) await new Promise(setImmediate);
    before.resolve();
    const { client, upstream: server } = await opening;
    await client.text('first');
    assert.equal(await server.nextText(), 'first');
  });

  it('at a stop of the service is answered with 503', async () => {
    const arrived = Promise.withResolvers<void>();
    await using upstream = await startRawServer(async (connection) => {
      await connection.head();
      arrived.resolve();
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(upgradeBytes());
    await arrived.promise;
    const stopped = service.stop();
    const reply = await connection.reply();
    assert.equal(JSON.parse(String(reply?.body)).error.code, 'stopping');
    await connection.closed();
    await stopped;
  });

  it('over another Sightline goes to where that serves it', async () => {
    const targets: string[] = [];
    await using upstream = await startReplyServer(({ startLine }) => {
      targets.push(startLine);
      return 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
    });
    const address = upstream.url.replace('http', 'ws');
    await using service = await startService({
      config: { upstreams: { default: address, deep: `${address}/below/stream` } },
    });
    for (const target of ['/v1/x?a=b', '/deep/v1/y']) {
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(upgradeBytes({ target }));
      assert.match((await connection.reply())?.startLine ?? '', /404/);
      await connection.closed();
    }
    assert.deepEqual(
      targets.filter((line) => line.includes('/v1/')),
      ['GET /v1/x?a=b HTTP/1.1', 'GET /below/v1/y HTTP/1.1'],
    );
  });
});

describe('middleware at the handshake of a session', () => {
  const start = async (middleware: Middleware) => {
    const upstream = await startRawUpstream();
    const service = await startService({
      middleware: [middleware],
      config: { upstreams: { default: upstream.url }, limits: { closeTimeoutMs: 50 } },
    });
    return {
      service,
      upstream,
      endings: new Endings(service),
      [Symbol.asyncDispose]: async () => {
        await service.stop();
        await upstream[Symbol.asyncDispose]();
      },
    };
  };
  const ask = async (url: string) => {
    const connection = await RawConnection.open(url);
    await connection.send(upgradeBytes({ headers: ['X-Request-Id', 'asked'] }));
    const reply = await connection.reply();
    await connection.closed();
    return reply;
  };

  it('sees it as a query without a body, changes it, and sees the 101', async () => {
    const seen: unknown[] = [];
    await using scene = await start({
      name: 'changes',
      beforeQuery(query, exchange) {
        seen.push(query.method, query.target, query.body, exchange.kind);
        return query.with({ target: '/changed', headers: [...query.headers, 'X-Added', '1'] });
      },
      afterResponse(reply) {
        seen.push(reply.status, reply.isSent);
      },
    });
    const client = await openRawClient(scene.service.dataUrl);
    const { head } = await scene.upstream.next();
    assert.equal(head.startLine, 'GET /changed HTTP/1.1');
    assert.equal(fieldOf(head, 'x-added'), '1');
    assert.deepEqual(seen, ['GET', '/x', undefined, 'session', 101, true]);
    client.vanish();
  });

  it('refuses it', async () => {
    await using scene = await start({
      name: 'refuses',
      beforeQuery() {
        throw new SightlineError('blocked', { message: 'Not you.' });
      },
    });
    const reply = await ask(scene.service.dataUrl);
    assert.match(reply?.startLine ?? '', /403/);
    assert.equal(JSON.parse(String(reply?.body)).error.message, 'Not you.');
    assert.equal((await scene.endings.of('asked')).outcome, 'blocked');
    assert.equal(scene.upstream.server.connections.length, 0);
  });

  it('answers it with a reply of its own', async () => {
    await using scene = await start({
      name: 'answers',
      beforeQuery: () => Reply.json(402, { pay: 'first' }, json),
    });
    const reply = await ask(scene.service.dataUrl);
    assert.match(reply?.startLine ?? '', /402/);
    assert.equal(String(reply?.body), '{"pay":"first"}');
    assert.equal((await scene.endings.of('asked')).outcome, 'completed');
  });

  it('fails where its reply cannot be sent, and the client is told', async () => {
    await using scene = await start({
      name: 'answers',
      beforeQuery: () => Reply.json(200, {}, ['x-broken', 'a\nb']),
    });
    const reply = await ask(scene.service.dataUrl);
    assert.match(reply?.startLine ?? '', /500/);
    assert.equal((await scene.endings.of('asked')).outcome, 'failed');
  });

  it('repairs its failure', async () => {
    await using upstream = await startReplyServer(() => undefined);
    const errors: string[] = [];
    await using service = await startService({
      config: { upstreams: { default: upstream.url } },
      middleware: [
        {
          name: 'repairs',
          onError(error) {
            errors.push(error.code);
            return Reply.json(200, { sorry: true });
          },
        },
      ],
    });
    const reply = await ask(service.dataUrl);
    assert.match(reply?.startLine ?? '', /200/);
    assert.deepEqual(errors, ['upstream_closed']);
  });

  it('keeps no session whose client takes nothing of what repairs it', async () => {
    await using upstream = await startReplyServer(() => undefined);
    await using service = await startService({
      config: { upstreams: { default: upstream.url }, limits: { clientStallTimeoutMs: 50 } },
      middleware: [{ name: 'repairs', onError: () => Reply.json(200, { sorry: 'x'.repeat(32 << 20) }) }],
    });
    const endings = new Endings(service);
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(upgradeBytes({ headers: ['X-Request-Id', 'asked'] }));
    assert.equal((await endings.of('asked')).outcome, 'client_aborted');
    connection.close();
  });

  it('is told where the client goes while it thinks', async () => {
    const thinks = Promise.withResolvers<void>();
    const told = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    await using scene = await start({
      name: 'thinks',
      async beforeQuery() {
        begun.resolve();
        await thinks.promise;
      },
      onError: (error) => told.resolve(error.code),
    });
    const connection = await RawConnection.open(scene.service.dataUrl);
    await connection.send(upgradeBytes({ headers: ['X-Request-Id', 'asked'] }));
    await begun.promise;
    connection.close();
    assert.equal((await scene.endings.of('asked')).outcome, 'client_aborted');
    thinks.resolve();
    await scene.service.stop();
    assert.equal(scene.upstream.server.connections.length, 0);
  });

  it('of the built-in kind that reads bodies lets it through', async () => {
    await using stage = await SessionStage.start({
      config: { middleware: [{ redact: { patterns: ['email'] } }] },
    });
    const { client, upstream } = await stage.session({ target: '/v1/realtime?model=gpt-realtime' });
    assert.equal(upstream.head.startLine, 'GET /v1/realtime?model=gpt-realtime HTTP/1.1');
    await client.close(1000);
    await upstream.nextClose();
  });
});

describe('a session that goes on', () => {
  it('does not keep the plugins that its handshake went through', async () => {
    const cleaned = Promise.withResolvers<unknown>();
    Object.assign(globalThis, { sessionOutlivesPlugin: cleaned.resolve });
    const source = (version: string) => `
import { definePlugin } from 'sightline';
export default definePlugin({
  name: 'gate',
  version: '${version}',
  initialize({ registerMiddleware }) {
    registerMiddleware({ name: 'gate', beforeQuery() {}, afterResponse() {} });
  },
  cleanup() {
    globalThis.sessionOutlivesPlugin('${version}');
  },
});
`;
    await using folder = await PluginFolder.create();
    await folder.save('gate', source('1.0.0'));
    await using upstream = await startRawUpstream();
    await using service = await startWithFolder(folder, { upstreams: { default: upstream.url } });
    const client = await openRawClient(service.dataUrl);
    const server = await upstream.next();
    await folder.save('gate', source('2.0.0'));
    await service.plugins.scan();
    assert.equal(await cleaned.promise, '1.0.0');
    await client.text('still here');
    assert.equal(await server.nextText(), 'still here');
    client.vanish();
    server.vanish();
  });
});

const noted = {
  type: 'noted',
  schema: {
    '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
  },
  handle: () => undefined,
} as const;

async function startWsServer() {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  await once(wss, 'listening');
  return {
    wss,
    url: `http://127.0.0.1:${(wss.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const client of wss.clients) client.terminate();
      wss.close();
      await once(wss, 'close');
    },
  };
}
