import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { adminRoutes } from '../../src/admin/admin-plane.ts';
import { readUntil, sendChat } from '../support/chat-client.ts';
import { startStage } from '../telemetry/stage.ts';

interface Problem {
  readonly error: { readonly code: string; readonly message: string };
}

/** Those that change nothing. */
const readRoutes = Object.keys(adminRoutes).filter((route) => route.startsWith('/'));

describe('the admin plane', async () => {
  const stage = await startStage({ config: { limits: { tracesMax: 5 } } });
  after(() => stage[Symbol.asyncDispose]());

  test('is alive', async () => {
    const { status, body } = await stage.json('/healthz');
    assert.deepEqual([status, body], [200, { status: 'ok' }]);
  });

  test('tells what it serves', async () => {
    const { body } = await stage.json('/');
    assert.deepEqual(body, { service: 'sightline', routes: adminRoutes });
    for (const route of readRoutes.filter((one) => !one.includes(':')))
      assert.equal((await stage.admin(route)).status, 200, route);
  });

  test('lets nobody keep or sniff an answer', async () => {
    for (const route of [...readRoutes, '/', '/unknown']) {
      const { headers } = await stage.admin(route);
      assert.equal(headers.get('cache-control'), 'no-store', route);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', route);
      for (const name of ['etag', 'last-modified', 'expires', 'x-powered-by'])
        assert.equal(headers.get(name), null, `${route}: ${name}`);
    }
  });

  test('serves the metrics as Prometheus wants them', async () => {
    const { headers } = await stage.admin('/metrics');
    assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.ok((await stage.page()).has('target_info'));
  });

  test('compresses the metrics for whoever takes that', async () => {
    const ask = async (encoding: string) => {
      const [reply] = await once(
        http.get(`${stage.service.adminUrl}/metrics`, { headers: { 'accept-encoding': encoding } }),
        'response',
      );
      return { encoding: reply.headers['content-encoding'], body: await buffer(reply) };
    };
    const [plain, refused, zipped] = [await ask('identity'), await ask('gzip;q=0'), await ask('br, gzip')];
    assert.deepEqual([plain.encoding, refused.encoding, zipped.encoding], [undefined, undefined, 'gzip']);
    assert.match(String(gunzipSync(zipped.body)), /^# HELP target_info[\s\S]*process_uptime_seconds \S+\n/);
    assert.ok(zipped.body.length < plain.body.length / 4);
  });

  const unknown: [method: string, path: string][] = [
    ['GET', '/unknown'],
    ['GET', '/api'],
    ['GET', '/metrics/x'],
    ['POST', '/metrics'],
    ['DELETE', '/api/traces'],
    ['POST', '/healthz'],
    ['GET', '/v1/models'],
  ];
  for (const [method, path] of unknown) {
    test(`knows nothing of ${method} ${path}`, async () => {
      const reply = await fetch(stage.service.adminUrl + path, { method });
      const { error } = (await reply.json()) as Problem;
      assert.deepEqual([reply.status, error.code], [404, 'resource_unknown']);
    });
  }

  test('says that a path cannot be decoded', async () => {
    const { status, body } = await stage.json<Problem>('/api/traces/%E0%A4%A');
    assert.deepEqual([status, body.error.code], [400, 'malformed_request']);
  });

  test('is not for pages of other names that resolve to loopback', async () => {
    const { port } = new URL(stage.service.adminUrl);
    const request = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { host: `evil.example:${port}` };
        const options = { host: '127.0.0.1', port, path, headers, agent: false };
        http
          .get(options, (response) => {
            response.resume();
            resolve(response.statusCode);
          })
          .on('error', reject);
      });
    for (const path of ['/', '/metrics', '/api/traces', '/api/exchanges', '/unknown'])
      assert.equal(await request(path), 403, path);
    // Probes of an orchestrator name what they like.
    for (const path of ['/healthz', '/readyz']) assert.equal(await request(path), 200, path);
  });
});

describe('the traces', async () => {
  const stage = await startStage({ config: { limits: { tracesMax: 5 } } });
  after(() => stage[Symbol.asyncDispose]());
  interface Traces {
    readonly traces: {
      readonly traceId: string;
      readonly name: string;
      readonly spans: number;
      readonly attributes: Record<string, unknown>;
    }[];
  }
  const sent: string[] = [];
  for (let i = 0; i < 8; i += 1) sent.push((await stage.chat({ stream: i % 2 === 0 })).id);
  const ids = ({ traces }: Traces) => traces.map(({ attributes }) => attributes['sightline.exchange.id']);

  test('are the newest ones, newest first, up to their bound', async () => {
    const { body } = await stage.json<Traces>('/api/traces');
    assert.deepEqual(ids(body), sent.slice(-5).reverse());
    for (const trace of body.traces)
      assert.deepEqual([trace.name, trace.spans], ['POST /v1/chat/completions', 2]);
  });

  test('are as many as one asks for', async () => {
    for (const [limit, expected] of [
      ['1', 1],
      ['3', 3],
      ['5', 5],
      ['1000000', 5],
      ['007', 5],
    ] as const) {
      const { body } = await stage.json<Traces>(`/api/traces?limit=${limit}`);
      assert.deepEqual(ids(body), sent.slice(-expected).reverse(), limit);
    }
  });

  for (const limit of [
    '0',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    'all',
    '',
    ' 1',
    '1&limit=2',
    '1;',
    'NaN',
    'Infinity',
  ]) {
    test(`cannot be '${limit}'`, async () => {
      const { status, body } = await stage.json<Problem>(`/api/traces?limit=${limit.replace(' ', '%20')}`);
      assert.deepEqual([status, body.error.code], [400, 'malformed_request']);
      assert.match(body.error.message, /'limit' must be a whole number above 0/);
    });
  }

  test('can be looked at one by one', async () => {
    const { traces } = (await stage.json<Traces>('/api/traces')).body;
    const [newest] = traces;
    assert.ok(newest);
    const { status, body } = await stage.json<{
      traceId: string;
      spans: { kind: string }[];
      droppedSpans: number;
    }>(`/api/traces/${newest.traceId}`);
    assert.equal(status, 200);
    assert.equal(body.traceId, newest.traceId);
    assert.deepEqual(
      body.spans.map(({ kind }) => kind),
      ['SERVER', 'CLIENT'],
    );
    assert.equal(body.droppedSpans, 0);
  });

  for (const id of ['ab'.repeat(16), 'x', '__proto__', 'constructor', '..', '%00']) {
    test(`have none with the id '${id}'`, async () => {
      const reply = await stage.admin(`/api/traces/${encodeURIComponent(id)}`);
      assert.equal(reply.status, 404);
    });
  }
});

test('exchanges in flight are shown while they run', async () => {
  await using stage = await startStage();
  interface Exchanges {
    readonly inFlight: number;
    readonly exchanges: Record<string, unknown>[];
  }
  const { request, head } = sendChat(
    stage.service,
    'open',
    'sim-stall-2',
    true,
    '/v1/chat/completions?key=secret',
  );
  const response = await head;
  let read = '';
  while ((read.match(/"content":"[^"]/g) ?? []).length < 2) read += await readUntil(response, '\n\n');
  const { body } = await stage.json<Exchanges>('/api/exchanges');
  const [exchange, ...others] = body.exchanges;
  assert.deepEqual(others, []);
  assert.ok(exchange);
  const { durationMs, startedAt, traceId, spanId, firstTokenMs, tokensPerSecond, ...told } = exchange;
  assert.ok(Number(durationMs) >= 0 && Date.parse(String(startedAt)) <= Date.now());
  assert.match(String(spanId), /^[0-9a-f]{16}$/);
  assert.ok(Number(firstTokenMs) > 0 && Number(tokensPerSecond) > 0);
  assert.equal(traceId, String(response.headers.traceresponse).split('-')[1]);
  assert.deepEqual(told, {
    id: 'open',
    kind: 'request',
    isSampled: true,
    method: 'POST',
    path: '/v1/chat/completions',
    upstream: 'default',
    dialect: 'openai.chat',
    model: 'sim-stall-2',
    isStream: true,
    attempts: 1,
    status: 200,
    replyBytes: Buffer.byteLength(read),
    outputChunks: 2,
  });
  request.destroy();
  await stage.service.inFlight.empty();
  const { inFlight, exchanges } = (await stage.json<Exchanges>('/api/exchanges?state=in_flight')).body;
  assert.deepEqual([inFlight, exchanges], [0, []]);
});

describe('with a token', async () => {
  const token = 'a-token-of-24-characters';
  const stage = await startStage({ config: { admin: { host: '127.0.0.1', port: 0, token } } });
  after(() => stage[Symbol.asyncDispose]());
  const guarded = [
    '/',
    '/metrics',
    '/api/exchanges',
    '/api/traces',
    `/api/traces/${'ab'.repeat(16)}`,
    '/unknown',
  ];

  test('everything but health is refused without it, and says nothing', async () => {
    for (const path of guarded) {
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${token}` }]) {
        const reply = await stage.admin(path, headers);
        assert.equal(reply.status, 401, path);
        assert.equal(reply.headers.get('www-authenticate'), 'Bearer');
        assert.equal(((await reply.json()) as Problem).error.code, 'unauthorized');
      }
    }
    for (const path of ['/healthz', '/readyz']) assert.equal((await stage.admin(path)).status, 200, path);
  });

  test('everything is there with it', async () => {
    const headers = { authorization: `Bearer ${token}` };
    for (const path of guarded.slice(0, 4))
      assert.equal((await stage.admin(path, headers)).status, 200, path);
    for (const path of guarded.slice(4)) assert.equal((await stage.admin(path, headers)).status, 404, path);
  });
});
