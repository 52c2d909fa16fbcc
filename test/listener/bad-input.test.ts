import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import {
  chunkBytes,
  exchange,
  fieldOf,
  latin1,
  RawConnection,
  type RawMessage,
  requestBytes,
  startRawServer,
  startReplyServer,
  statusOf,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';

type TestService = Awaited<ReturnType<typeof startService>>;

const chatPath = '/v1/chat/completions';
const json = ['Content-Type', 'application/json'];
const goodQuery = JSON.stringify({ model: 'sim-tokens-2', messages: [{ role: 'user', content: 'Hi' }] });
const limits = {
  queryBytesMax: 4_096,
  bodyBytesMax: 200_000,
  bodyCollectBytesMax: 1_024,
  requestHeadersTimeoutMs: 100,
  requestTimeoutMs: 150,
};

describe('bad input', () => {
  let simulator: Simulator;
  let service: TestService;

  before(async () => {
    simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: 1_000_000 });
    service = await startService({
      config: {
        upstreams: {
          default: simulator.url,
          redacted: { url: simulator.url },
          absent: 'http://no-such-name.invalid',
          refusing: 'http://127.0.0.1:1',
        },
        limits,
      },
    });
  });
  after(async () => {
    await service.stop();
    await simulator.close();
  });

  describe('of a payload', () => {
    it('passes malformed JSON untouched where nobody has to read it', async () => {
      const reply = await exchange(service.dataUrl, post(chatPath, '{"model": "x", "messages": [}'));
      assert.equal(statusOf(reply), 400);
      assert.equal(fieldOf(reply, 'server'), 'simulator');
      await seen(service, reply, 'upstream_error');
    });

    it('says where malformed JSON breaks off when a middleware has to read it', async () => {
      await using reading = await startService({
        config: {
          upstreams: { default: simulator.url },
          middleware: [{ redact: { patterns: [{ name: 'secret', pattern: 'sk-[a-z]+' }] } }],
        },
      });
      const text = '{"model": "sim",\n "messages": [}';
      const reply = await exchange(reading.dataUrl, post(chatPath, text));
      assert.equal(statusOf(reply), 400);
      const { error } = parse(reply);
      assert.equal(error.code, 'malformed_json');
      assert.match(error.message, /breaks off at character 31 \(line 2, column 15\)/);
      await seen(reading, reply, 'blocked');
    });

    it('names a content encoding that a middleware would have to read', async () => {
      await using reading = await startService({
        config: {
          upstreams: { default: simulator.url },
          middleware: [{ redact: { patterns: [{ name: 'secret', pattern: 'sk-[a-z]+' }] } }],
        },
      });
      const reply = await exchange(reading.dataUrl, {
        ...post(chatPath, goodQuery),
        headers: [...json, 'Content-Encoding', 'gzip'],
      });
      assert.equal(statusOf(reply), 415);
      assert.match(parse(reply).error.message, /content-encoding 'gzip'/);
      await seen(reading, reply, 'blocked');
    });

    it('does not mind a wrong content type', async () => {
      const reply = await exchange(service.dataUrl, {
        ...post(chatPath, goodQuery),
        headers: ['Content-Type', 'text/plain'],
      });
      assert.equal(statusOf(reply), 200);
      await seen(service, reply, 'completed');
    });
  });

  describe('of a size', () => {
    const large = Buffer.alloc(3_000_000, 'x');
    for (const [what, path, bound] of [
      ['a query', chatPath, limits.queryBytesMax],
      ['an unknown payload', '/echo/large', limits.bodyBytesMax],
    ] as const) {
      it(`refuses ${what} that declares too large a body, and the client has the refusal`, async () => {
        const reply = await exchange(service.dataUrl, { method: 'POST', target: path, body: large });
        tooLarge(reply, bound);
        await seen(service, reply, 'blocked');
      });

      it(`refuses ${what} that turns out too large, and the client has the refusal`, async () => {
        const chunks = Array.from({ length: 30 }, () => large.subarray(0, 100_000));
        const reply = await exchange(service.dataUrl, { method: 'POST', target: path, chunks });
        tooLarge(reply, bound);
        await seen(service, reply, 'blocked');
      });
    }

    it('does not wait for ever for the rest of a refused body', async () => {
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(
        requestBytes({ method: 'POST', target: chatPath, headers: ['Content-Length', '3000000'] }),
      );
      const reply = await connection.reply();
      assert.ok(reply);
      tooLarge(reply, limits.queryBytesMax);
      assert.equal(fieldOf(reply, 'connection'), 'close');
      // The reply is complete, and the exchange over, while the connection still reads.
      await seen(service, reply, 'blocked');
      assert.equal((await connection.rest()).length, 0);
      await connection.closed();
    });

    it('answers headers that are too large with 431, however much more of them comes', async () => {
      const before = await rejections(service, 'headers_too_large');
      const reply = await exchange(service.dataUrl, { headers: ['X-Large', 'x'.repeat(2_000_000)] });
      assert.equal(statusOf(reply), 431);
      assert.equal(parse(reply).error.code, 'headers_too_large');
      assert.ok(reply.isComplete);
      assert.equal(await rejections(service, 'headers_too_large'), before + 1);
      await serves(service);
    });
  });

  describe('of a target', () => {
    for (const target of [
      '/v1/../admin',
      '/v1/%2e%2E/admin',
      '/v1/..',
      '/..',
      '/v1/.%2e',
      '/v1/..%2fadmin',
      '/v1/%2e%2e%5cadmin',
      '/v1\\..\\admin',
      '/v1/..;x/admin',
      '/absent/../echo/x',
      'http://evil.example/v1/../x',
    ]) {
      it(`refuses to climb: ${target}`, async () => {
        const reply = await exchange(service.dataUrl, { target });
        assert.equal(statusOf(reply), 400);
        assert.equal(parse(reply).error.code, 'bad_request_target');
        await seen(service, reply, 'blocked');
      });
    }

    for (const target of ['/a..b', '/...', '/echo/..x', '/echo/x?y=/../z']) {
      it(`forwards what only looks like climbing: ${target}`, async () => {
        const seenBefore = simulator.journal.entries().length;
        await exchange(service.dataUrl, { target });
        assert.equal(simulator.journal.entries().at(seenBefore)?.url, target);
      });
    }

    for (const target of ['ftp://evil.example/x', '*']) {
      it(`refuses what is no path: ${target}`, async () => {
        const reply = await exchange(service.dataUrl, {
          method: target === '*' ? 'OPTIONS' : 'GET',
          target,
        });
        assert.equal(statusOf(reply), 400);
        assert.equal(parse(reply).error.code, 'bad_request_target');
        await seen(service, reply, 'blocked');
      });
    }

    for (const target of ['http://evil.example', 'http://[bad/echo/x', 'http://x:99999/echo/x']) {
      it(`takes nothing but the path of ${target}`, async () => {
        const seenBefore = simulator.journal.entries().length;
        await exchange(service.dataUrl, { target });
        assert.equal(
          simulator.journal.entries().at(seenBefore)?.url,
          target.endsWith('example') ? '/' : '/echo/x',
        );
        await serves(service);
      });
    }

    it('closes what wants to be a tunnel', async () => {
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n');
      assert.equal((await connection.rest()).length, 0);
      await serves(service);
    });

    it('tells the configured prefixes where no upstream takes a path', async () => {
      await using named = await startService({
        config: { upstreams: { one: simulator.url, 'two-2': simulator.url } },
      });
      for (const target of ['/v1/chat/completions', '/ONE/v1/models', '/onetwo']) {
        const reply = await exchange(named.dataUrl, { target });
        assert.equal(statusOf(reply), 404);
        const { error } = parse(reply);
        assert.equal(error.code, 'route_unknown');
        assert.match(error.message, /\/one\/….*\/two-2\/…|\/two-2\/….*\/one\/…/);
        assert.equal(outcomeOf(named, reply), 'blocked');
      }
      assert.equal(named.inFlight.size, 0);
    });
  });

  describe('of a length', () => {
    for (const [what, bytes] of [
      ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
      ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
      ['a length that is no number', 'Content-Length: five\r\n\r\nhello'],
      ['a negative length', 'Content-Length: -5\r\n\r\nhello'],
      ['a coding after chunked', 'Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n'],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const before = await rejections(service, 'malformed_request');
        const reply = await sent(service.dataUrl, `POST ${chatPath} HTTP/1.1\r\nHost: x\r\n${bytes}`);
        assert.equal(statusOf(reply), 400);
        assert.equal(parse(reply).error.code, 'malformed_request');
        assert.equal(await rejections(service, 'malformed_request'), before + 1);
        await serves(service);
      });
    }

    it('refuses a coding that it would have to take away unread', async () => {
      const reply = await sent(
        service.dataUrl,
        `POST ${chatPath} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      );
      assert.equal(statusOf(reply), 400);
      assert.match(parse(reply).error.message, /transfer-encoding 'gzip, chunked'/);
      await seen(service, reply, 'blocked');
    });

    it('answers the request and then refuses what its body has too much', async () => {
      const before = await rejections(service, 'malformed_request');
      const connection = await RawConnection.open(service.dataUrl);
      await connection.send(
        Buffer.concat([requestBytes({ ...post(chatPath, goodQuery) }), latin1('and more of it\r\n\r\n')]),
      );
      const first = await connection.reply();
      const second = await connection.reply();
      assert.ok(first && second);
      assert.deepEqual([statusOf(first), statusOf(second)], [200, 400]);
      assert.equal(parse(second).error.code, 'malformed_request');
      await connection.closed();
      assert.equal(await rejections(service, 'malformed_request'), before + 1);
      await seen(service, first, 'completed');
    });

    for (const [what, target] of [
      ['a query', chatPath],
      ['an unknown payload', '/echo/short'],
    ] as const) {
      it(`tells a client that ends ${what} before its length, and counts it as gone`, async () => {
        const connection = await RawConnection.open(service.dataUrl);
        await connection.send(
          requestBytes({
            method: 'POST',
            target,
            headers: ['Content-Length', '2000', 'X-Request-Id', `short-${what.length}`],
          }),
        );
        await connection.send('only this');
        connection.socket.end();
        const reply = await connection.reply();
        assert.ok(reply);
        assert.equal(parse(reply).error.code, 'client_aborted');
        await connection.closed();
        await seen(service, reply, 'client_aborted');
      });

      it(`answers a chunk of ${what} that has no length`, async () => {
        const reply = await sent(
          service.dataUrl,
          Buffer.concat([
            latin1(`POST ${target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`),
            chunkBytes('good'),
            latin1('zz\r\nbad\r\n'),
          ]),
        );
        assert.equal(statusOf(reply), 400);
        assert.equal(parse(reply).error.code, 'malformed_request');
        await seen(service, reply, 'blocked');
      });
    }

    it('never writes a refusal into a reply that has begun', async () => {
      const upstreamSends = Promise.withResolvers<void>();
      await using upstream = await startRawServer(async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
        await upstreamSends.promise;
        await connection.send('4\r\nlast\r\n0\r\n\r\n');
      });
      await using own = await startService({ config: { upstreams: { default: upstream.url } } });
      const connection = await RawConnection.open(own.dataUrl);
      await connection.send(
        `POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${'3e8\r\n'}${'x'.repeat(1000)}\r\n`,
      );
      assert.ok(await connection.head());
      assert.equal(String(await connection.chunk()), 'first');
      await connection.send('not a chunk\r\n');
      assert.equal(String(await connection.rest()), '');
      upstreamSends.resolve();
      await ended(own);
      assert.equal(own.inFlight.size, 0);
    });
  });

  describe('of time', () => {
    it('answers a request whose headers never end', async () => {
      const before = await rejections(service, 'request_timeout');
      const reply = await sent(service.dataUrl, 'GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Slow: ');
      assert.equal(statusOf(reply), 408);
      assert.equal(parse(reply).error.code, 'request_timeout');
      assert.equal(await rejections(service, 'request_timeout'), before + 1);
      await serves(service);
    });

    for (const [what, target] of [
      ['a query', chatPath],
      ['an unknown payload', '/echo/slow'],
    ] as const) {
      it(`answers ${what} whose body never ends`, async () => {
        const reply = await sent(
          service.dataUrl,
          `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n{`,
        );
        assert.equal(statusOf(reply), 408);
        assert.equal(parse(reply).error.code, 'request_timeout');
        await seen(service, reply, 'timed_out');
      });
    }
  });

  describe('of an upstream', () => {
    it('says that its name does not resolve', async () => {
      const reply = await exchange(service.dataUrl, post(`/absent${chatPath}`, goodQuery));
      assert.equal(statusOf(reply), 502);
      assert.match(parse(reply).error.message, /does not resolve/);
      await seen(service, reply, 'upstream_unreachable');
    });

    it('says that it refuses connections', async () => {
      const reply = await exchange(service.dataUrl, post(`/refusing${chatPath}`, goodQuery));
      assert.equal(statusOf(reply), 502);
      assert.match(parse(reply).error.message, /connection refused \(ECONNREFUSED\)/);
      await seen(service, reply, 'upstream_unreachable');
    });

    const replies: readonly (readonly [string, string | undefined, string, string])[] = [
      ['garbage', '\u0000\u0001 not HTTP\r\n\r\n', 'upstream_invalid_reply', 'upstream_error'],
      ['a page of another protocol', '220 smtp ready\r\n', 'upstream_invalid_reply', 'upstream_error'],
      ['nothing but a close', undefined, 'upstream_closed', 'upstream_unreachable'],
      [
        'two lengths',
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!',
        'upstream_invalid_reply',
        'upstream_error',
      ],
      [
        'a length and chunks',
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
        'upstream_invalid_reply',
        'upstream_error',
      ],
      [
        'a head without end',
        `HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(100_000)}\r\n\r\n`,
        'upstream_invalid_reply',
        'upstream_error',
      ],
      [
        'a switch of protocols',
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
        'upstream_closed',
        'upstream_unreachable',
      ],
    ];
    for (const [what, bytes, code, outcome] of replies) {
      it(`answers 502 where it sends ${what}`, async () => {
        await using upstream = await startReplyServer(() => bytes);
        await using own = await startService({ config: { upstreams: { default: upstream.url } } });
        const reply = await exchange(own.dataUrl, post(chatPath, goodQuery));
        assert.equal(statusOf(reply), 502);
        assert.equal(parse(reply).error.code, code);
        assert.equal(outcomeOf(own, reply), outcome);
        assert.equal(own.inFlight.size, 0);
      });
    }

    it('breaks the reply off where the upstream sends less than it promised', async () => {
      await using upstream = await startRawServer(async (connection) => {
        await connection.request();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nonly this');
        connection.socket.end();
      });
      await using own = await startService({ config: { upstreams: { default: upstream.url } } });
      const reply = await exchange(own.dataUrl, { target: '/short' });
      assert.equal(String(reply.body), 'only this');
      assert.equal(reply.isComplete, false);
      await ended(own);
      assert.equal(outcomeOf(own, reply), 'upstream_truncated');
      assert.equal(own.inFlight.size, 0);
    });

    it('takes only what was promised where the upstream sends more', async () => {
      await using upstream = await startReplyServer(
        () => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\n\r\n',
      );
      await using own = await startService({ config: { upstreams: { default: upstream.url } } });
      for (let turn = 0; turn < 3; turn += 1) {
        const reply = await exchange(own.dataUrl, { target: '/long' });
        assert.equal(String(reply.body), 'good');
        assert.ok(reply.isComplete);
        assert.equal(outcomeOf(own, reply), 'completed');
      }
    });
  });
});

function post(target: string, body: string) {
  return { method: 'POST', target, headers: json, body };
}

/** The first reply to these bytes, on a connection that is read to its end. */
async function sent(url: string, bytes: string | Uint8Array): Promise<RawMessage> {
  const connection = await RawConnection.open(url);
  await connection.send(bytes);
  const reply = await connection.reply();
  connection.close();
  assert.ok(reply, 'a reply');
  return reply;
}

function parse(reply: RawMessage): { error: { code: string; message: string; trace_id?: string } } {
  return JSON.parse(String(reply.body));
}

function tooLarge(reply: RawMessage, bound: number): void {
  assert.equal(statusOf(reply), 413);
  assert.ok(reply.isComplete);
  assert.match(parse(reply).error.message, new RegExp(`limit of ${bound} bytes`));
}

function outcomeOf(service: TestService, reply: RawMessage): unknown {
  const id = fieldOf(reply, 'traceresponse')?.split('-')[1];
  const trace = service.telemetry.traces.list(500).find(({ traceId }) => traceId === id);
  return trace?.attributes['sightline.outcome'];
}

/** It is in a trace with this outcome, nothing of it is left, and the next one is served. */
async function seen(service: TestService, reply: RawMessage, outcome: string): Promise<void> {
  await ended(service);
  assert.equal(outcomeOf(service, reply), outcome);
  await serves(service);
}

async function ended(service: TestService): Promise<void> {
  await service.inFlight.empty();
}

async function serves(service: TestService): Promise<void> {
  const reply = await exchange(service.dataUrl, { target: '/v1/models' });
  assert.equal(statusOf(reply), 200);
  await ended(service);
  assert.equal(service.inFlight.size, 0);
}

async function rejections(service: TestService, code: string): Promise<number> {
  const page = await (await fetch(`${service.adminUrl}/metrics`)).text();
  const line = page
    .split('\n')
    .find((one) => one.startsWith('sightline_listener_rejections') && one.includes(`"${code}"`));
  return Number(line?.split(' ')[1] ?? 0);
}
