import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExchangeView } from '../../src/exchange/view.ts';
import { openRawClient, startRawUpstream, upgradeBytes } from '../session/relay/raw-session.ts';
import {
  fieldOf,
  fieldsOf,
  RawConnection,
  type RawMessage,
  requestBytes,
  startRawServer,
  startReplyServer,
} from '../support/raw-http.ts';
import { startService, type TestServiceOptions } from '../support/service.ts';

const key = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='];

/** The one answer on a connection of its own, and the exchange that it belongs to. */
async function answer(
  bytes: Buffer,
  options: TestServiceOptions = {},
): Promise<{ reply: RawMessage; code: string; exchange: ExchangeView }> {
  await using upstream = await startReplyServer(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await using service = await startService({ config: { upstreams: { api: upstream.url } }, ...options });
  const ended = Promise.withResolvers<ExchangeView>();
  service.hooks.registerHook('exchange.ended', ({ exchange }) => ended.resolve(exchange));
  const connection = await RawConnection.open(service.dataUrl);
  await connection.send(bytes);
  const reply = await connection.reply();
  assert.ok(reply);
  connection.close();
  return { reply, code: JSON.parse(String(reply.body)).error.code, exchange: await ended.promise };
}

describe('a WebSocket handshake', () => {
  const refused: [name: string, bytes: Buffer, status: number, code: string][] = [
    ['for a path of no upstream', upgradeBytes({ target: '/elsewhere/x' }), 404, 'route_unknown'],
    ['of a target that climbs', upgradeBytes({ target: '/api/../x' }), 400, 'bad_request_target'],
    [
      'of a target that climbs in disguise',
      upgradeBytes({ target: '/api/%2e%2e%2fx' }),
      400,
      'bad_request_target',
    ],
    [
      'of an old version',
      upgradeBytes({ target: '/api/x', headers: ['Sec-WebSocket-Version', '8'] }),
      426,
      'upgrade_required',
    ],
    [
      'with a key that is none',
      upgradeBytes({ target: '/api/x', headers: ['Sec-WebSocket-Key', 'short'] }),
      400,
      'bad_upgrade',
    ],
    [
      'with a body',
      upgradeBytes({ target: '/api/x', headers: ['Content-Length', '3'], head: Buffer.from('abc') }),
      400,
      'bad_upgrade',
    ],
    [
      'with a body of unknown length',
      upgradeBytes({
        target: '/api/x',
        headers: ['Transfer-Encoding', 'chunked'],
        head: Buffer.from('0\r\n\r\n'),
      }),
      400,
      'bad_upgrade',
    ],
    [
      'of another method',
      Buffer.from(String(upgradeBytes({ target: '/api/x' })).replace('GET', 'POST')),
      400,
      'bad_upgrade',
    ],
  ];
  for (const [name, bytes, status, code] of refused) {
    it(`${name} is refused with ${status} ${code}`, async () => {
      const { reply, code: found, exchange } = await answer(bytes);
      assert.match(reply.startLine, new RegExp(`^HTTP/1.1 ${status} `));
      assert.equal(found, code);
      assert.equal(exchange.kind, 'session');
      assert.equal(exchange.outcome, 'blocked');
      assert.equal(exchange.status, status);
      assert.equal(fieldOf(reply, 'x-request-id'), exchange.id);
    });
  }

  it('of an old version is told the right one', async () => {
    const { reply } = await answer(
      upgradeBytes({ target: '/api/x', headers: ['Sec-WebSocket-Version', '7'] }),
    );
    assert.equal(fieldOf(reply, 'upgrade'), 'websocket');
    assert.ok(fieldsOf(reply.headers, 'connection').includes('Upgrade'));
    assert.equal(fieldOf(reply, 'sec-websocket-version'), '13');
  });

  it('is refused with 503 where too many sessions are open, until one has ended', async () => {
    await using upstream = await startRawUpstream();
    await using service = await startService({
      config: { upstreams: { default: upstream.url }, limits: { sessionsMax: 2, closeTimeoutMs: 50 } },
    });
    const first = await openRawClient(service.dataUrl);
    const second = await openRawClient(service.dataUrl);
    await assert.rejects(openRawClient(service.dataUrl), /503/);
    await first.close(1000);
    await (await upstream.next()).close(1000);
    await first.connection.closed();
    await first.rest();
    const third = await retried(() => openRawClient(service.dataUrl));
    second.vanish();
    third.vanish();
  });

  it('is refused with 503 where the service stops', async () => {
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using upstream = await startRawServer(async (connection) => {
      await connection.request();
      begun.resolve();
      await release.promise;
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const busy = await RawConnection.open(service.dataUrl);
    await busy.send(requestBytes({ target: '/x' }));
    const idle = await RawConnection.open(service.dataUrl);
    // Only begun: such a connection is not idle when the service stops.
    await idle.send(upgradeBytes().subarray(0, 20));
    await begun.promise;
    const stopped = service.stop();
    await idle.send(upgradeBytes().subarray(20));
    const reply = await idle.reply();
    assert.match(reply?.startLine ?? '', /^HTTP\/1.1 503 /);
    release.resolve();
    idle.close();
    busy.close();
    await stopped;
  });

  it('whose refusal the client does not take to its end leaves nothing open', async () => {
    await using service = await startService({ config: { limits: { lingerTimeoutMs: 50 } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(upgradeBytes({ headers: ['Sec-WebSocket-Version', '1'] }));
    assert.match((await connection.reply())?.startLine ?? '', /426/);
    // The client keeps its half of the connection open.
    assert.equal((await connection.rest()).length, 0);
    await service.stop();
    connection.close();
  });
});

describe('a request with an upgrade header that is no WebSocket handshake', () => {
  const plain: [name: string, bytes: string][] = [
    ['of HTTP/1.0', 'GET /x HTTP/1.0\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'],
    ['without a connection header', 'GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'],
    ['to another protocol', 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n'],
  ];
  for (const [name, head] of plain) {
    it(`${name} is a request like any other`, async () => {
      await using upstream = await startReplyServer((request) => {
        assert.equal(fieldOf(request, 'upgrade'), undefined);
        return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      });
      await using service = await startService({ config: { upstreams: { default: upstream.url } } });
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(`${head}Sec-WebSocket-Version: 13\r\n${key.join(': ')}\r\n\r\n`);
      assert.equal(String((await connection.reply())?.body), 'ok');
      connection.close();
    });
  }

  it('pipelined behind a request waits for its turn, and harms no reply', async () => {
    const body = Buffer.alloc(3_000_000, 'x');
    await using upstream = await startReplyServer(({ startLine }) =>
      startLine.includes('/large')
        ? Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body])
        : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    );
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(
      Buffer.concat([requestBytes({ target: '/large' }), upgradeBytes({ target: '/y' })]),
    );
    assert.ok((await connection.reply())?.body.equals(body));
    assert.equal(String((await connection.reply())?.body), 'ok');
    await connection.send(requestBytes({ target: '/z' }));
    assert.equal(String((await connection.reply())?.body), 'ok');
    connection.close();
  });

  it('behind a reply that is complete is a handshake', async () => {
    await using upstream = await startRawUpstream();
    await using idle = await startReplyServer(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await using service = await startService({
      config: { upstreams: { default: upstream.url, idle: idle.url }, limits: { closeTimeoutMs: 50 } },
    });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(requestBytes({ target: '/idle/x' }));
    assert.equal(String((await connection.reply())?.body), 'ok');
    await connection.send(upgradeBytes());
    assert.match((await connection.head())?.startLine ?? '', /^HTTP\/1.1 101 /);
    connection.close();
  });

  it('at the path of the stream protocol is told to upgrade, and only there', async () => {
    const { reply, code, exchange } = await answer(requestBytes({ target: '/stream?x=y' }));
    assert.match(reply.startLine, /^HTTP\/1.1 426 /);
    assert.equal(code, 'upgrade_required');
    assert.equal(fieldOf(reply, 'upgrade'), 'websocket');
    assert.equal(fieldOf(reply, 'sec-websocket-version'), '13');
    assert.equal(exchange.outcome, 'blocked');
    const below = await answer(requestBytes({ target: '/stream/x' }));
    assert.equal(below.code, 'route_unknown');
  });
});

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise(setImmediate);
    }
  }
}
