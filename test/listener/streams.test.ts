import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import {
  chunkBytes,
  fieldOf,
  latin1,
  RawConnection,
  type RawHead,
  requestBytes,
  startRawServer,
  statusOf,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';

const chatPath = '/v1/chat/completions';

describe('streams', () => {
  it('reach the client chunk by chunk, and their head before the first', async () => {
    for (const target of ['/x', chatPath]) {
      const steps: (() => void)[] = [];
      const step = () => new Promise<void>((resolve) => steps.push(resolve));
      const asked = Promise.withResolvers<void>();
      await using upstream = await startRawServer(async (connection) => {
        await connection.request();
        const waits = [step(), step(), step()];
        asked.resolve();
        await connection.send(
          'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
        );
        for (const [i, wait] of waits.entries()) {
          await wait;
          await connection.send(chunkBytes(`data: ${i}\n\n`));
        }
        await connection.send('0\r\n\r\n');
      });
      await using service = await startService({ config: { upstreams: { default: upstream.url } } });
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(requestBytes({ method: 'POST', target, body: '{"stream":true}' }));
      await asked.promise;
      const head = await connection.head();
      assert.equal(head && statusOf(head), 200);
      for (const [i, next] of steps.entries()) {
        next();
        assert.equal(String(await connection.chunk()), `data: ${i}\n\n`);
      }
      assert.equal(await connection.chunk(), undefined);
      connection.close();
    }
  });

  it('of a request reach the upstream chunk by chunk', async () => {
    const first = Promise.withResolvers<void>();
    const received: string[] = [];
    await using upstream = await startRawServer(async (connection) => {
      await connection.head();
      for (let chunk = await connection.chunk(); chunk; chunk = await connection.chunk()) {
        received.push(String(chunk));
        first.resolve();
      }
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    await using service = await startService({
      config: { upstreams: { default: upstream.url }, limits: { bodyCollectBytesMax: 1 } },
    });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(
      requestBytes({ method: 'POST', target: '/x', headers: ['Transfer-Encoding', 'chunked'] }),
    );
    await connection.send(chunkBytes('one'));
    await first.promise;
    await connection.send(Buffer.concat([chunkBytes('two'), latin1('0\r\n\r\n')]));
    assert.equal((await connection.reply())?.startLine, 'HTTP/1.1 200 OK');
    assert.deepEqual(received, ['one', 'two']);
    connection.close();
  });

  const piece = Buffer.alloc(64 * 1024, 'x');
  const pieces = 3_200;

  it('of 200 MB wait for a client that does not read, and are whole when it does', async () => {
    await using upstream = await startRawServer(async (connection) => {
      await connection.request();
      await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${piece.length * pieces}\r\n\r\n`);
      for (let i = 0; i < pieces; i += 1) await connection.send(piece);
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(requestBytes({ target: '/x' }));
    const head = await connection.head();
    assert.ok(head);
    const socket = upstream.connections[0]?.socket;
    assert.ok(socket);
    const accepted = await settled(() => socket.bytesWritten);
    assert.ok(accepted < 32_000_000, `${accepted} bytes were taken for a client that takes none`);
    await readAway(connection, head, pieces * piece.length);
  });

  it('of 200 MB from a client wait for an upstream that does not read, and are whole when it does', async () => {
    for (const framing of ['Content-Length', 'Transfer-Encoding']) {
      const mayRead = Promise.withResolvers<void>();
      await using upstream = await startRawServer(async (connection) => {
        const head = await connection.head();
        await mayRead.promise;
        if (head) await readAway(connection, head, pieces * piece.length);
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
      await using service = await startService({ config: { upstreams: { default: upstream.url } } });
      const connection = await RawConnection.open(service.dataUrl);
      const isChunked = framing !== 'Content-Length';
      const value = isChunked ? 'chunked' : String(piece.length * pieces);
      await connection.send(requestBytes({ method: 'POST', target: '/x', headers: [framing, value] }));
      const upload = (async () => {
        for (let i = 0; i < pieces; i += 1) await connection.send(isChunked ? chunkBytes(piece) : piece);
        if (isChunked) await connection.send('0\r\n\r\n');
      })();
      const accepted = await settled(() => connection.socket.bytesWritten);
      assert.ok(accepted < 32_000_000, `${accepted} bytes were taken for an upstream that takes none`);
      mayRead.resolve();
      await upload;
      assert.equal((await connection.reply())?.startLine, 'HTTP/1.1 200 OK');
      connection.close();
    }
  });
});

/** The figure when it has stopped growing: nothing more is accepted. */
async function settled(figure: () => number): Promise<number> {
  let last = -1;
  let still = 0;
  while (still < 200) {
    // Turns of the loop rather than time: whatever could move has had its chance in each.
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    await roundTrip();
    still = figure() === last ? still + 1 : 0;
    last = figure();
  }
  return last;
}

/** Through the kernel and back, so that sockets that are ready have been polled. */
async function roundTrip(): Promise<void> {
  await using server = await startRawServer((connection) => connection.close());
  await new Promise((resolve) => connect(server.port, '127.0.0.1').resume().on('close', resolve));
}

/** Reads a body of so many bytes without keeping it. */
async function readAway(connection: RawConnection, head: RawHead, bytes: number): Promise<void> {
  const isChunked = fieldOf(head, 'transfer-encoding') === 'chunked';
  let read = 0;
  while (read < bytes) {
    const data = isChunked ? await connection.chunk() : await connection.some();
    assert.ok(data, `the body ends after ${read} bytes`);
    read += data.length;
  }
  assert.equal(read, bytes);
  if (isChunked) assert.equal(await connection.chunk(), undefined);
}
