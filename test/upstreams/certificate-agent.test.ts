import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Probes } from '../../src/upstreams/probe.ts';
import { missing } from '../support/is-installed.ts';
import { type Certificate, makeCertificate, serveTls } from './certificate.ts';

const dayMs = 86_400_000;
const days = (count: number) => new Date(Math.floor(Date.now() / 1_000) * 1_000 + count * dayMs);

const ordinary = getCACertificates('default');

function trust({ cert }: Certificate): void {
  setDefaultCACertificates([...ordinary, cert]);
}

async function probed(url: URL, probeTimeoutMs = 5_000) {
  const limits = { probeTimeoutMs, probeIntervalMs: 3_600_000 };
  const [result] = await new Probes([{ upstream: 'one', url }], limits).results();
  const { state, detail, certificateEndsAt } = result ?? assert.fail();
  return { state, detail, certificateEndsAt };
}

const skip = missing(['openssl'], 'what certificates look like');
describe('a probe over TLS tells when the certificate ends', { skip }, () => {
  test('of one that is trusted', async () => {
    const certificate = makeCertificate(days(-1), days(30));
    trust(certificate);
    await using server = await serveTls(certificate);
    const expected = { state: 'up', detail: 'HTTP 200', certificateEndsAt: certificate.endsAt.toISOString() };
    // Each time: a session that is taken up again would show none.
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await probed(server.url), expected);
    assert.equal(server.asked, 3);
  });

  test('of one that has ended, which is a no', async () => {
    const certificate = makeCertificate(days(-40), days(-10));
    trust(certificate);
    await using server = await serveTls(certificate);
    assert.deepEqual(await probed(server.url), {
      state: 'down',
      detail: 'CERT_HAS_EXPIRED',
      certificateEndsAt: certificate.endsAt.toISOString(),
    });
    assert.equal(server.asked, 0);
  });

  test('of one that nobody knows, which is a no, and gets no request', async () => {
    const certificate = makeCertificate(days(-1), days(5));
    await using server = await serveTls(certificate);
    assert.deepEqual(await probed(server.url), {
      state: 'down',
      detail: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      certificateEndsAt: certificate.endsAt.toISOString(),
    });
    assert.equal(server.asked, 0);
  });

  test('of one for another name, which is a no', async () => {
    const certificate = makeCertificate(days(-1), days(5), 'DNS:elsewhere.test');
    trust(certificate);
    await using server = await serveTls(certificate);
    assert.deepEqual(await probed(server.url), {
      state: 'down',
      detail: 'ERR_TLS_CERT_ALTNAME_INVALID',
      certificateEndsAt: certificate.endsAt.toISOString(),
    });
    assert.equal(server.asked, 0);
  });

  test('and takes any, where Node is told to', async () => {
    const certificate = makeCertificate(days(-1), days(5));
    await using server = await serveTls(certificate);
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      assert.equal((await probed(server.url)).state, 'up');
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    assert.equal((await probed(server.url)).state, 'down');
  });
});

describe('a probe over TLS knows no end', () => {
  /** A server that says this to whoever connects. */
  async function serve(greeting: string | undefined) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(
        socket
          .resume()
          .on('error', () => undefined)
          .on('close', () => sockets.delete(socket)),
      );
      if (greeting !== undefined) socket.end(greeting);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
      sockets,
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    };
  }

  test('where nobody is there', async () => {
    assert.deepEqual(await probed(new URL('https://127.0.0.1:1')), {
      state: 'down',
      detail: 'ECONNREFUSED',
      certificateEndsAt: undefined,
    });
  });

  test('where somebody speaks another protocol', async () => {
    await using server = await serve('HTTP/1.1 400 Bad Request\r\n\r\n');
    const { state, detail, certificateEndsAt } = await probed(server.url);
    assert.deepEqual([state, certificateEndsAt], ['down', undefined]);
    assert.match(detail ?? '', /^(ERR_SSL_\w+|EPROTO|ECONNRESET)$/);
  });

  test('where somebody says nothing, and lets go of the connection', async () => {
    await using server = await serve(undefined);
    assert.deepEqual(await probed(server.url, 50), {
      state: 'down',
      detail: 'no reply within 50 ms',
      certificateEndsAt: undefined,
    });
    while (server.sockets.size > 0) await turn();
  });
});
