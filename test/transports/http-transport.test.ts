import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import { HttpTransport } from '../../src/transports/http-transport.ts';
import type { TransportRequest } from '../../src/transports/transport.ts';
import { transportContract } from '../contract/transport.ts';
import { Receipt } from '../contract/transport-backend.ts';
import { type RawConnection, type RawMessage, startRawServer } from '../support/raw-http.ts';
import { startHttpBackend } from './http-backend.ts';

const create = (origin: URL, limits: Limits = defaultLimits) => new HttpTransport(origin, limits);
const plain = { method: 'POST', target: '/x', headers: ['host', 'x'], trailers: () => [] };
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers each request on a connection with the same bytes. */
function answering(bytes: string): (connection: RawConnection) => Promise<void> {
  return async (connection) => {
    while (await connection.request()) await connection.send(bytes);
    connection.close();
  };
}

const subjects: readonly (readonly [string, () => TransportRequest])[] = [
  ['HTTP', () => ({ ...plain, headers: [...plain.headers, 'content-length', '2'], body: Buffer.from('hi') })],
  ['HTTP with trailers', () => ({ ...plain, body: Buffer.from('hi'), trailers: () => ['X-Sum', '1'] })],
  ['HTTP with a body of unknown length', () => ({ ...plain, body: Readable.from([Buffer.from('hi')]) })],
];

for (const [name, request] of subjects) {
  transportContract({
    name,
    create,
    request,
    startBackend: startHttpBackend,
    scheme: 'http',
    atOnce: (requests) => ({ upstreamConnectionsMax: requests }),
    sharesConnection: false,
  });

  describe(`${name}: the wire`, () => {
    /** One request to a server that serves so. */
    async function receive(serve: (connection: RawConnection) => Promise<void>): Promise<Receipt> {
      await using server = await startRawServer(serve);
      const transport = create(new URL(server.url));
      const receipt = new Receipt();
      transport.send(request(), receipt);
      await receipt.end;
      await transport.close(0);
      return receipt;
    }

    it('interim replies are passed over', async () => {
      const receipt = await receive(answering(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok}`));
      assert.deepEqual([receipt.status, receipt.body], [200, 'ok']);
    });

    it('a head without end: upstream_invalid_reply', async () => {
      const receipt = await receive(answering(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`));
      assert.equal(receipt.error?.code, 'upstream_invalid_reply');
      assert.deepEqual(receipt.calls, ['error']);
    });

    it('chunks without the last one: upstream_truncated', async () => {
      const receipt = await receive(async (connection) => {
        await connection.request();
        await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n');
        connection.socket.end();
      });
      assert.equal(receipt.error?.code, 'upstream_truncated');
      assert.deepEqual(receipt.calls, ['head', 'data', 'error']);
    });
  });
}

describe('HTTP transport', () => {
  for (const [what, headers] of [
    ['known', ['host', 'x', 'content-length', '10']],
    ['unknown', ['host', 'x']],
  ] as const) {
    describe(`with a body of ${what} length`, () => {
      it('cancels the upstream where the body breaks off, and says why', async () => {
        const arrived = Promise.withResolvers<void>();
        await using server = await startRawServer(async (connection) => {
          await connection.head();
          await connection.some();
          arrived.resolve();
          await connection.rest();
          connection.close();
        });
        const transport = create(new URL(server.url));
        const body = new PassThrough();
        const receipt = new Receipt();
        transport.send({ ...plain, headers, body }, receipt);
        body.write('half');
        await arrived.promise;
        body.destroy(new SightlineError('client_aborted'));
        await receipt.end;
        assert.equal(receipt.error?.code, 'client_aborted');
        await server.connections[0]?.closed();
        await transport.close(60_000);
      });

      it('lets go of the body where it is aborted', async () => {
        const arrived = Promise.withResolvers<void>();
        await using server = await startRawServer(async (connection) => {
          await connection.head();
          arrived.resolve();
          await connection.rest();
        });
        const transport = create(new URL(server.url));
        const body = new PassThrough();
        const control = transport.send({ ...plain, headers, body }, new Receipt());
        const gone = new Promise((resolve) => body.once('close', resolve));
        body.write('half');
        await arrived.promise;
        control.abort();
        await gone;
        await transport.close(60_000);
      });

      it('lets go of the rest of the body where the reply is complete before it', async () => {
        await using server = await startRawServer(async (connection) => {
          await connection.head();
          await connection.send(ok);
          await connection.rest();
        });
        const transport = create(new URL(server.url));
        const body = new PassThrough();
        const receipt = new Receipt();
        const gone = new Promise((resolve) => body.once('close', resolve));
        transport.send({ ...plain, headers, body }, receipt);
        body.write('half');
        await receipt.end;
        assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
        await gone;
        await server.connections[0]?.closed();
        await transport.close(60_000);
      });
    });
  }

  it('sends trailers that are known only when the body has ended', async () => {
    const requests: (RawMessage | undefined)[] = [];
    await using server = await startRawServer(async (connection) => {
      requests.push(await connection.request());
      await connection.send(ok);
    });
    const transport = create(new URL(server.url));
    const body = new PassThrough();
    let trailers: string[] = [];
    const receipt = new Receipt();
    transport.send({ ...plain, body, trailers: () => trailers }, receipt);
    body.write('one');
    trailers = ['X-Sum', '3', 'x-sum', '\xe9'];
    body.end();
    await receipt.end;
    assert.equal(String(requests[0]?.body), 'one');
    assert.deepEqual(requests[0]?.trailers, trailers);
    await transport.close(0);
  });

  it('reaches an address that has a path, at the path that the request says', async () => {
    const lines: (string | undefined)[] = [];
    await using server = await startRawServer(async (connection) => {
      lines.push((await connection.request())?.startLine);
      await connection.send(ok);
    });
    const transport = create(new URL(`${server.url}/base`));
    const receipt = new Receipt();
    transport.send({ ...plain, body: undefined }, receipt);
    await receipt.end;
    assert.equal(receipt.status, 200);
    assert.deepEqual(lines, ['POST /x HTTP/1.1']);
    await transport.close(0);
  });

  it('leaves no listener on a connection that is used again and again', async () => {
    await using server = await startRawServer(answering(ok));
    const transport = create(new URL(server.url));
    for (let i = 0; i < 30; i += 1) {
      const receipt = new Receipt();
      transport.send({ ...plain, body: Buffer.from('x'), trailers: () => ['x-sum', '1'] }, receipt);
      await receipt.end;
    }
    // A leak of listeners on the one connection would have made Node warn.
    assert.equal(server.connections.length, 1);
    await transport.close(60_000);
  });
});
