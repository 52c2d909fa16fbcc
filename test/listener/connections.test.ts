import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  chunkBytes,
  exchange,
  fieldOf,
  RawConnection,
  requestBytes,
  startRawServer,
  startReplyServer,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';

describe('connections', () => {
  it('of clients are kept for the next request', async () => {
    await using upstream = await startReplyServer(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    for (const body of ['', 'small', 'x'.repeat(100_000)]) {
      await connection.send(requestBytes({ method: 'POST', target: '/x', body }));
      assert.equal(String((await connection.reply())?.body), 'ok');
    }
    connection.close();
  });

  it('to the upstream are kept for the next request, by both of its clients', async () => {
    await using upstream = await startReplyServer(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    for (let i = 0; i < 5; i += 1) await exchange(service.dataUrl, { target: '/x' });
    assert.equal(upstream.connections.length, 1);
    const trailers = ['X-Sum', '1'];
    for (let i = 0; i < 5; i += 1)
      await exchange(service.dataUrl, { method: 'POST', target: '/x', chunks: ['x'], trailers });
    assert.equal(upstream.connections.length, 2);
  });

  it('that idle hold no exchange, also where its reply came before its request was whole', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await using upstream = await startRawServer(async (connection) => {
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await connection.request();
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    let last: WeakRef<object> | undefined;
    service.hooks.registerHook('exchange.started', ({ exchange: view }) => {
      last = new WeakRef(view);
    });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n');
    await connection.send(Buffer.alloc(100_000, 'x'));
    assert.equal(String((await connection.reply())?.body), 'ok');
    await service.inFlight.empty();
    await connection.send(Buffer.alloc(100_000, 'x'));
    assert.ok(last);
    while (last?.deref()) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      collect();
    }
    connection.close();
  });

  it('carry pipelined requests, answered in their order', async () => {
    const first = Promise.withResolvers<void>();
    await using upstream = await startRawServer(async (connection) => {
      for (let request = await connection.request(); request; request = await connection.request()) {
        const target = request.startLine.split(' ')[1] ?? '';
        if (target === '/1') await first.promise;
        await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);
      }
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(
      Buffer.concat([
        requestBytes({ target: '/1' }),
        requestBytes({ method: 'POST', target: '/22', body: 'x'.repeat(200_000) }),
        requestBytes({ target: '/333' }),
      ]),
    );
    first.resolve();
    for (const body of ['/1', '/22', '/333']) {
      assert.equal(String((await connection.reply())?.body), body);
    }
    connection.close();
  });

  it('that go with pipelined requests on them leave nothing behind', async () => {
    const arrived = Promise.withResolvers<RawConnection>();
    await using upstream = await startRawServer(async (connection) => {
      await connection.request();
      arrived.resolve(connection);
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(Buffer.concat(Array.from({ length: 5 }, () => requestBytes({ target: '/x' }))));
    const atUpstream = await arrived.promise;
    connection.close();
    await service.inFlight.empty();
    await atUpstream.closed();
    assert.equal(upstream.connections.length, 1);
  });

  for (const framing of ['Content-Length: 1000000', 'Transfer-Encoding: chunked']) {
    it(`to the upstream end when the client goes in its upload (${framing})`, async () => {
      const begun = Promise.withResolvers<RawConnection>();
      await using upstream = await startRawServer(async (connection) => {
        await connection.head();
        if (await connection.some()) begun.resolve(connection);
      });
      await using service = await startService({
        config: { upstreams: { default: upstream.url }, limits: { bodyCollectBytesMax: 1 } },
      });
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(`POST /x HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`);
      await connection.send(chunkBytes(Buffer.alloc(10_000)));
      const atUpstream = await begun.promise;
      connection.close();
      await atUpstream.closed();
      await service.inFlight.empty();
      assert.equal(service.telemetry.traces.list(1)[0]?.attributes['sightline.outcome'], 'client_aborted');
    });
  }

  it('of HTTP/1.0 have their reply without chunks, ended by a close', async () => {
    await using upstream = await startReplyServer(
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send('GET /x HTTP/1.0\r\n\r\n');
    const reply = await connection.reply();
    assert.equal(String(reply?.body), 'ok');
    assert.equal(reply && fieldOf(reply, 'transfer-encoding'), undefined);
    assert.equal(reply?.isComplete, true);
  });

  it('of HTTP/1.0 are reset where the reply breaks off, which nothing else would tell', async () => {
    await using upstream = await startRawServer(async (connection) => {
      await connection.request();
      await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n');
      connection.socket.end();
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send('GET /x HTTP/1.0\r\n\r\n');
    const reply = await connection.reply();
    assert.equal(reply?.isComplete ?? false, false);
  });
});
