import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import express, { type ErrorRequestHandler } from 'express';
import { Tries } from '../../src/admin/try-route.ts';
import { asSightlineError } from '../../src/errors.ts';
import type { Service } from '../../src/service.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { readToEnd, readUntil } from '../support/chat-client.ts';
import { Endings } from '../support/endings.ts';
import {
  fieldOf,
  fieldsOf,
  RawConnection,
  type RawMessage,
  startRawServer,
  startReplyServer,
  statusOf,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const path = '/v1/chat/completions';

function chat(model = 'sim-tokens-2', stream = true): string {
  return JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello!' }] });
}

/** One call of `/api/try` over a connection of its own, by hand: what comes is read only when it is asked for. */
function call(service: Service, id: string, body: string, target = path) {
  const request = http.request(`${service.adminUrl}/api/try?path=${encodeURIComponent(target)}`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'x-request-id': id },
  });
  request.on('error', () => undefined);
  const head = once(request, 'response').then(([response]) => response as http.IncomingMessage);
  head.catch(() => undefined);
  request.end(body);
  return { request, head };
}

async function errorOf(reply: Response): Promise<[status: number, code: string]> {
  const { error } = (await reply.json()) as { error: { code: string } };
  return [reply.status, error.code];
}

function post(service: Service, query: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${service.adminUrl}/api/try${query}`, { method: 'POST', body: chat(), ...init });
}

describe('a query that is tried', async () => {
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  after(() => simulator.close());
  const service = await startService({
    config: { upstreams: { default: simulator.url }, limits: { queryBytesMax: 2_000 } },
  });
  after(() => service.stop());
  const endings = new Endings(service);

  it('runs as any other exchange, and its reply comes back byte for byte', async () => {
    const direct = await fetch(simulator.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: chat(),
    });
    const reply = await readToEnd(await call(service, 'as-it-is', chat()).head);
    const created = /"created":\d+|"id":"[^"]+"/g;
    assert.ok(reply.isClean);
    assert.equal(reply.text.replace(created, ''), (await direct.text()).replace(created, ''));
    const ended = await endings.of('as-it-is');
    assert.deepEqual([ended.request.method, ended.request.path, ended.outcome], ['POST', path, 'completed']);
  });

  it('has its id, and the head of its reply', async () => {
    const reply = await call(service, 'my-id', chat()).head;
    assert.equal(reply.headers['x-request-id'], 'my-id');
    assert.equal(reply.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.match(String(reply.headers.traceresponse), /^00-[0-9a-f]{32}-/);
    assert.equal(reply.headers['content-encoding'], undefined);
    assert.equal(reply.headers['cache-control'], 'no-store');
    assert.equal(reply.headers['content-security-policy'], "default-src 'none'; sandbox");
    await readToEnd(reply);
  });

  it('has the error of the data plane as it is', async () => {
    const reply = await post(service, '?path=/v1/chat/completions', { body: '{' });
    assert.equal(reply.headers.get('content-type'), 'application/json');
    const direct = await fetch(service.dataUrl + path, { method: 'POST', body: '{' });
    assert.equal(reply.status, direct.status);
    assert.deepEqual(
      Object.keys((await reply.json()) as object),
      Object.keys((await direct.json()) as object),
    );
  });

  it('streams: what the model says is there before it has said all', async () => {
    const { request, head } = call(service, 'stalls', chat('sim-stall-2'));
    const reply = await head;
    assert.match(await readUntil(reply, '"content"'), /^data: /);
    assert.equal(service.inFlight.exchanges().length, 1);
    request.destroy();
    assert.equal((await endings.of('stalls')).outcome, 'client_aborted');
  });

  it('ends with the page that waits for it, also before there is a reply', async () => {
    await using silent = await startRawServer(async (connection) => {
      await connection.request();
    });
    await using waiting = await startService({ config: { upstreams: { default: silent.url } } });
    const ends = new Endings(waiting);
    const begun = new Promise<void>((resolve) => {
      waiting.hooks.registerHook('exchange.started', () => resolve());
    });
    const { request } = call(waiting, 'nobody-waits', chat());
    await begun;
    request.destroy();
    assert.equal((await ends.of('nobody-waits')).outcome, 'client_aborted');
  });

  it('may be as long as a query may be, and no longer', async () => {
    const longest = chat().replace('Hello!', 'x'.repeat(2_000 - chat().length + 6));
    assert.equal(longest.length, 2_000);
    assert.equal((await post(service, `?path=${path}`, { body: longest })).status, 200);
    assert.deepEqual(await errorOf(await post(service, `?path=${path}`, { body: `${longest} ` })), [
      413,
      'body_too_large',
    ]);
    const chunked = (last: string) => {
      const target = new URL(`${service.adminUrl}/api/try?path=${path}`);
      const request = http.request(target, { method: 'POST', agent: false }).on('error', () => undefined);
      const head = once(request, 'response').then(([response]) => response as http.IncomingMessage);
      request.write(longest);
      request.end(last);
      return head;
    };
    assert.equal((await chunked('')).statusCode, 200);
    const refused = await chunked(' ');
    assert.equal(refused.statusCode, 413);
    assert.match((await readToEnd(refused)).text, /larger than 2000 bytes/);
  });

  it('leaves its connection to the next one, also where nobody reads all of its body', async () => {
    await using roomy = await startService({ config: { upstreams: { other: simulator.url } } });
    for (const target of ['/nothing', '//nothing']) {
      const bytes = 8_000_000;
      const connection = await RawConnection.open(roomy.adminUrl);
      await connection.send(
        `POST /api/try?path=${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`,
      );
      await connection.send(Buffer.alloc(bytes, 'x'));
      await connection.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const statuses = [await connection.reply(), await connection.reply()].map(
        (reply) => reply && statusOf(reply),
      );
      assert.deepEqual(statuses, [target === '/nothing' ? 404 : 400, 200]);
      connection.close();
    }
  });

  it('may have no body', async () => {
    const direct = await fetch(service.dataUrl + path, { method: 'POST' });
    const { status } = await post(service, `?path=${path}`, { body: null });
    assert.equal(status, direct.status);
  });

  for (const [query, why] of Object.entries({
    '': 'none',
    '?path=': 'empty',
    '?path=v1/chat/completions': 'not from the root',
    '?path=//evil.example/v1': 'another host',
    '?path=/%5Cevil.example/v1': 'another host, as browsers read it',
    '?path=http://evil.example/v1': 'an address',
    '?path=https:/evil.example': 'nearly an address',
    '?path=@evil.example': 'user and host',
    '?path=/v1%0d%0ax-injected:%201': 'two lines',
    '?path=/v1%00': 'with NUL',
    '?path=/v1%20HTTP/1.1': 'with a blank',
    '?path=/v1%23fragment': 'with a fragment',
    '?path=/v%C3%A4': 'no ASCII',
    '?path=/v1&path=/v2': 'two',
    '?path[]=/v1': 'a list',
  })) {
    it(`goes to no path that is ${why}`, async () => {
      const before = endings.all.length;
      assert.deepEqual(await errorOf(await post(service, query)), [400, 'malformed_request']);
      assert.equal(endings.all.length, before);
    });
  }

  it('goes to no path that the data plane refuses', async () => {
    const reply = await post(service, '?path=/v1/../admin');
    assert.deepEqual(await errorOf(reply), [400, 'bad_request_target']);
  });

  it('is sent with POST alone', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'])
      assert.equal((await fetch(`${service.adminUrl}/api/try?path=${path}`, { method })).status, 404, method);
  });

  it('is not sent for a page of another origin', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
      assert.deepEqual(await errorOf(await post(service, `?path=${path}`, { headers })), [403, 'cross_site']);
  });
});

describe('what the model backend gets of a query that is tried', async () => {
  const requests: RawMessage[] = [];
  await using backend = await startReplyServer((request) => {
    requests.push(request);
    return 'HTTP/1.1 429 Slow Down\r\nContent-Type: text/html\r\nRetry-After: 7\r\nX-Own: 1\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nNo';
  });
  await using service = await startService({ config: { upstreams: { default: backend.url } } });
  const reply = await post(service, `?path=${encodeURIComponent(`${path}?a=1&b=%20`)}`, {
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'x-request-id': 'its-id',
      'anthropic-version': '2023-06-01',
      authorization: 'Bearer of-the-admin-plane',
      cookie: 'sightline=secret',
      'x-upstream-authorization': 'Bearer of-the-backend',
      'x-upstream-api-key': 'key-of-the-backend',
      'x-other': 'no',
    },
  });
  const text = await reply.text();
  const [request, ...others] = requests;
  assert.ok(request);

  it('is one request, with the path and the body', () => {
    assert.deepEqual(others, []);
    assert.equal(request.startLine, `POST ${path}?a=1&b=%20 HTTP/1.1`);
    assert.equal(String(request.body), chat());
  });

  it('has the keys that are meant for it, and none of the admin plane', () => {
    const expected = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'anthropic-version': '2023-06-01',
      authorization: 'Bearer of-the-backend',
      'x-api-key': 'key-of-the-backend',
    };
    for (const [name, value] of Object.entries(expected))
      assert.deepEqual(fieldsOf(request.headers, name), [value], name);
    for (const name of ['cookie', 'x-other', 'x-upstream-authorization', 'x-upstream-api-key', 'origin'])
      assert.equal(fieldOf(request, name), undefined, name);
  });

  it('is answered with its status, type and bytes, and with nothing that the page has no use for', () => {
    assert.deepEqual([reply.status, text], [429, 'No']);
    assert.equal(reply.headers.get('content-type'), 'text/html');
    assert.equal(reply.headers.get('retry-after'), '7');
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
    for (const name of ['set-cookie', 'x-own']) assert.equal(reply.headers.get(name), null, name);
  });
});

describe('the reply to a query that is tried', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n';

  it('is never a clean one where the backend broke off', async () => {
    await using backend = await startRawServer(async (connection) => {
      await connection.request();
      await connection.send(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n`);
      connection.close();
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    const reply = await readToEnd(await call(service, 'broken', chat()).head);
    assert.deepEqual(reply, { text: 'Hello', isClean: false });
  });

  it('comes no faster than it is read', async () => {
    const total = 64 * 1024 * 1024;
    let sent = 0;
    await using backend = await startRawServer(async (connection) => {
      await connection.request();
      await connection.send(`${head}Content-Length: ${total}\r\n\r\n`);
      const piece = Buffer.alloc(64 * 1024, 'x');
      while (sent < total && (await connection.send(piece))) sent += piece.length;
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    const reply = await call(service, 'slowly', chat(), '/v1/files').head;
    let seen = -1;
    await waitFor('a backend that is held up', () => {
      const isHeldUp = seen === sent;
      seen = sent;
      return isHeldUp || undefined;
    });
    assert.ok(sent < total / 2, `${sent} bytes were sent, and none was read`);
    let read = 0;
    for await (const piece of reply) read += (piece as Buffer).length;
    assert.equal(read, total);
  });
});

/** The route alone, before any data plane. */
async function serve(address: AddressInfo): Promise<{ readonly url: string; readonly tries: Tries }> {
  const tries = new Tries({ dataAddress: () => address, limits: { queryBytesMax: 100 } });
  const tell: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const { status, code } = asSightlineError(thrown);
    response.status(status).end(code);
  };
  const server = express().use(tries.routes(), tell).listen(0, '127.0.0.1');
  after(() => server.close());
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tries };
}

describe('where the data plane takes no requests', () => {
  it('says so while it stops, and lets end what runs', async () => {
    const service = await startService();
    const endings = new Endings(service);
    const running = call(service, 'runs-on', chat('sim-tokens-40'));
    const reply = await running.head;
    const stopped = service.stop();
    const refused = await post(service, `?path=${path}`);
    assert.deepEqual(await errorOf(refused), [503, 'data_plane_closed']);
    assert.equal((await readToEnd(reply)).isClean, true);
    assert.equal((await endings.of('runs-on')).outcome, 'completed');
    await stopped;
  });

  it('says so where nobody listens at its address', async () => {
    const server = http.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const { url } = await serve(address);
    const reply = await fetch(`${url}/api/try?path=/v1`, { method: 'POST', body: '{}' });
    assert.deepEqual([reply.status, await reply.text()], [503, 'data_plane_closed']);
  });

  it('is waited for until its replies have come to their ends', async () => {
    const { promise: isAsked, resolve: finish } = Promise.withResolvers<void>();
    await using data = await startRawServer(async (connection) => {
      await connection.request();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHa');
      await isAsked;
      await connection.send('lt');
    });
    const { url, tries } = await serve({ address: '127.0.0.1', family: 'IPv4', port: data.port });
    await tries.ended();
    const reply = await fetch(`${url}/api/try?path=/v1`, { method: 'POST', body: '{}' });
    let isOver = false;
    const ended = tries.ended().then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isOver, false);
    finish();
    assert.equal(await reply.text(), 'Halt');
    await ended;
  });

  for (const host of ['0.0.0.0', '::', '127.0.0.1'] as const) {
    it(`is reached where it is bound to ${host}`, async () => {
      await using service = await startService({ config: { data: { host, port: 0 } } });
      assert.equal((await post(service, `?path=${path}`)).status, 200);
    });
  }
});
