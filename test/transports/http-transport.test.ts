import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import { HttpTransport } from '../../src/transports/http-transport.ts';
import { answering, Receipt, transportContract } from '../contract/transport.ts';
import { type RawMessage, startRawServer } from '../support/raw-http.ts';

const create = (origin: URL, limits: Limits = defaultLimits) => new HttpTransport(origin, limits);
const plain = { method: 'POST', target: '/x', headers: ['host', 'x'], trailers: () => [] };
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

transportContract({
  name: 'HTTP',
  create,
  request: () => ({
    ...plain,
    headers: [...plain.headers, 'content-length', '2'],
    body: Buffer.from('hi'),
  }),
});

transportContract({
  name: 'HTTP with trailers',
  create,
  request: () => ({ ...plain, body: Buffer.from('hi'), trailers: () => ['X-Sum', '1'] }),
});

transportContract({
  name: 'HTTP with a body of unknown length',
  create,
  request: () => ({ ...plain, body: Readable.from([Buffer.from('hi')]) }),
});

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
