import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Probes } from '../../src/upstreams/probe.ts';

const limits = { probeTimeoutMs: 5_000, probeIntervalMs: 3_600_000 };

async function serve(handler: http.RequestListener) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked,
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    connections: () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function probed(url: URL | undefined, own = limits) {
  const [result] = await new Probes([{ upstream: 'one', url }], own).results();
  assert.ok(result);
  return result;
}

for (const status of [200, 204, 401, 404, 500, 503]) {
  test(`any HTTP reply is a yes: ${status}`, async () => {
    await using server = await serve((_request, response) => response.writeHead(status).end());
    const { state, detail, checkedAt } = await probed(server.url);
    assert.deepEqual({ state, detail }, { state: 'up', detail: `HTTP ${status}` });
    assert.ok(Date.parse(checkedAt ?? '') > 0);
  });
}

test('a redirect is a yes, and is not followed', async () => {
  await using elsewhere = await serve((_request, response) => response.end());
  await using server = await serve((_request, response) =>
    response.writeHead(302, { location: elsewhere.url.href }).end(),
  );
  assert.equal((await probed(server.url)).detail, 'HTTP 302');
  assert.deepEqual(elsewhere.asked, []);
});

test('a reply that never ends is a yes, and is not waited for', async () => {
  await using server = await serve((_request, response) => response.writeHead(200).write('and so on'));
  assert.equal((await probed(server.url)).state, 'up');
  while ((await server.connections()) > 0) await turn();
});

test('nobody there is a no, with the reason', async () => {
  const { state, detail } = await probed(new URL('http://127.0.0.1:1'));
  assert.deepEqual({ state, detail }, { state: 'down', detail: 'ECONNREFUSED' });
});

test('a name that does not resolve is a no, with the reason', async () => {
  const { state, detail } = await probed(new URL('http://no-such-name.invalid/'));
  assert.equal(state, 'down');
  // The second where no name server answers.
  assert.match(detail ?? '', /^(ENOTFOUND|EAI_AGAIN)$/);
});

test('a connection that is closed without a reply is a no', async () => {
  await using server = await serve((request) => request.socket.destroy());
  const { state, detail } = await probed(server.url);
  assert.deepEqual({ state, detail }, { state: 'down', detail: 'ECONNRESET' });
});

test('silence is a no', async () => {
  await using server = await serve(() => undefined);
  const { state, detail } = await probed(server.url, { ...limits, probeTimeoutMs: 50 });
  assert.deepEqual({ state, detail }, { state: 'down', detail: 'no reply within 50 ms' });
});

test('what is not to be probed is not', async () => {
  const { state, detail, checkedAt } = await probed(undefined);
  assert.deepEqual(
    { state, detail, checkedAt },
    { state: 'not_probed', detail: undefined, checkedAt: undefined },
  );
});

test('nobody is asked before somebody asks, and then once for all who ask', async () => {
  await using server = await serve((_request, response) => response.end());
  const probes = new Probes([{ upstream: 'one', url: new URL('/health?deep=1', server.url) }], limits);
  assert.deepEqual(server.asked, []);
  const all = await Promise.all(Array.from({ length: 20 }, () => probes.results()));
  assert.deepEqual(server.asked, ['GET /health?deep=1']);
  assert.ok(all.every((results) => results === all[0]));
  await probes.results();
  assert.equal(server.asked.length, 1);
});

test('after the interval it is asked again', async () => {
  let isUp = false;
  await using server = await serve((request, response) => (isUp ? response.end() : request.socket.destroy()));
  const probes = new Probes([{ upstream: 'one', url: server.url }], { ...limits, probeIntervalMs: 1 });
  assert.equal((await probes.results())[0]?.state, 'down');
  isUp = true;
  const begin = performance.now();
  while (performance.now() < begin + 2);
  assert.equal((await probes.results())[0]?.state, 'up');
});

test('several are asked at once, and told in their order', async () => {
  const replies: http.ServerResponse[] = [];
  // Each waits for the other one.
  const meet: http.RequestListener = (_request, response) => {
    replies.push(response);
    if (replies.length === 2) for (const reply of replies) reply.end();
  };
  await using one = await serve(meet);
  await using two = await serve(meet);
  const targets = [
    { upstream: 'one', url: one.url },
    { upstream: 'none', url: undefined },
    { upstream: 'two', url: two.url },
  ];
  const results = await new Probes(targets, limits).results();
  assert.deepEqual(
    results.map(({ upstream, state }) => [upstream, state]),
    [
      ['one', 'up'],
      ['none', 'not_probed'],
      ['two', 'up'],
    ],
  );
});
