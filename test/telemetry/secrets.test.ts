import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { RawConnection } from '../support/raw-http.ts';
import { runNode } from '../support/run-process.ts';
import { until } from './stage.ts';

/** Everything that is planted begins with it. */
const mark = 'SECRET-';

const planted = {
  authorization: `Bearer ${mark}authorization`,
  'proxy-authorization': `Basic ${mark}proxy`,
  'x-api-key': `${mark}x-api-key`,
  'api-key': `${mark}api-key`,
  'x-goog-api-key': `${mark}goog`,
  cookie: `session=${mark}cookie`,
  baggage: `user=${mark}baggage`,
  'user-agent': `${mark}agent`,
};
const path = `/v1/chat/completions?key=${mark}key&api_key=${mark}query`;

async function serve(handler: http.RequestListener, onUpgrade?: UpgradeListener) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  if (onUpgrade) server.on('upgrade', onUpgrade);
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

type UpgradeListener = (request: http.IncomingMessage, socket: Duplex) => void;

/** As browsers have to send it, for want of headers: it is no name of a protocol. */
const keyProtocol = `openai-insecure-api-key.sk-${mark}subprotocol`;

/** Agrees on the key as the protocol, says something, and tells a key as it closes. */
function acceptUpgrade({ headers }: http.IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1').update(
    `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
  );
  const frame = (opcode: number, payload: Buffer) =>
    Buffer.concat([Buffer.of(0x80 | opcode, payload.length), payload]);
  const reason = `Incorrect API key provided: sk-${mark}reason`;
  socket.on('error', () => undefined);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${accept.digest('base64')}\r\nSec-WebSocket-Protocol: ${keyProtocol}\r\n\r\n`,
  );
  socket.write(frame(1, Buffer.from(`{"type":"${mark}message"}`)));
  socket.end(frame(8, Buffer.concat([Buffer.of(0x0f, 0xa0), Buffer.from(reason)])));
}

/** A session that asks with keys everywhere; resolves when it is over. */
async function upgrade(url: string): Promise<void> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': `realtime, ${keyProtocol}`,
    'x-request-id': 'session-1',
    ...planted,
  };
  const target = `${url}/v1/realtime?model=m&key=${mark}key`;
  const request = http.request(target, { agent: false, headers });
  request.end();
  const [response, socket, head] = (await once(request, 'upgrade')) as [http.IncomingMessage, Duplex, Buffer];
  assert.equal(response.headers['sec-websocket-protocol'], keyProtocol);
  const rest = await buffer(socket.on('error', () => undefined));
  assert.ok(String(Buffer.concat([head, rest])).includes(`${mark}message`));
}

/** A model backend that says secrets in every way that it has. */
async function startBackend() {
  const seen: http.IncomingHttpHeaders[] = [];
  const said = `${mark}reply`;
  const delta = { choices: [{ index: 0, delta: { content: said }, finish_reason: null }] };
  const event = `data: ${JSON.stringify({ id: 'c1', model: 'm', ...delta })}\n\n`;
  const whole = {
    id: 'c1',
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
  };
  const error = {
    error: { message: `Incorrect API key provided: ${mark}credential`, type: 'auth', code: null },
  };
  const backend = await serve(async (request, response) => {
    const [, model = ''] = /"model": ?"([^"]*)"/.exec(String(await buffer(request))) ?? [];
    if (request.method === 'POST') seen.push(request.headers);
    response.setHeader('set-cookie', `s=${mark}set-cookie`);
    response.setHeader('content-type', model.startsWith('stream') ? 'text/event-stream' : 'application/json');
    if (model === 'garbage') response.socket?.end(`${mark}garbage is not HTTP\r\n\r\n`);
    else if (model === 'refused') response.writeHead(401).end(JSON.stringify(error));
    else if (model === 'malformed') response.end(`{"id":"c1","choices":"${mark}malformed-reply`);
    else if (model === 'huge') response.end(JSON.stringify({ ...whole, filler: said.repeat(1_000) }));
    else if (model === 'stream-error') response.end(`data: ${JSON.stringify(error)}\n\n`);
    else if (model === 'stream-broken') response.write(event, () => response.destroy());
    else if (model === 'stream-stalled') response.write(event);
    else if (model === 'stream') response.end(`${event}data: [DONE]\n\n`);
    else response.end(JSON.stringify(whole));
  }, acceptUpgrade);
  return Object.assign(backend, { seen });
}

/** A collector that keeps what it gets as it came. */
async function startCollector(status: number) {
  const bodies: string[] = [];
  const collector = await serve(async (request, response) => {
    bodies.push(String(await buffer(request)));
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(status === 200 ? '{}' : `no access with ${mark}collector`);
  });
  return Object.assign(collector, { bodies });
}

function chat(url: string, model: string, options: { stream?: boolean } = {}): http.ClientRequest {
  const headers = { 'content-type': 'application/json', 'x-request-id': `${model}-1`, ...planted };
  const request = http.request(url + path, { method: 'POST', agent: false, headers });
  const messages = [{ role: 'user', content: `${mark}prompt me@example.org` }];
  const tools = [{ type: 'function', function: { name: 'f', description: `${mark}tool`, parameters: {} } }];
  request.on('error', () => undefined);
  request.end(
    JSON.stringify({
      model,
      stream: model.startsWith('stream'),
      messages,
      tools,
      user: `${mark}user`,
      ...options,
    }),
  );
  return request;
}

async function drained(request: http.ClientRequest): Promise<void> {
  request.on('response', (response: http.IncomingMessage) => response.on('error', () => undefined).resume());
  if (!request.closed) await once(request, 'close');
}

/** What is wrong in its JSON, and the middleware that has to read it. */
async function sendMalformed(url: string): Promise<string> {
  const connection = await RawConnection.open(url);
  const body = `{"model": "x", "messages": ["${mark}malformed`;
  await connection.send(
    `POST http://user:${mark}userinfo@127.0.0.1${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
      `X-Request-Id: no-json-1\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  const reply = await connection.reply('POST');
  connection.close();
  return reply?.startLine ?? '';
}

async function sendNoHttp(url: string): Promise<void> {
  const connection = await RawConnection.open(url);
  await connection.send(`GET / HTTP/1.1\r\nHost: x\r\nAuthor ization: ${mark}no-http\r\n\r\n`);
  await connection.rest();
  connection.close();
}

/** Whoever asks for content gets these, and nothing else of what is planted. */
const content = ['prompt', 'reply', 'tool'];

const cases = [
  { name: 'bytes pass untouched', middleware: [], collector: 200, malformed: 'HTTP/1.1 200' },
  {
    name: 'a middleware reads everything',
    middleware: [{ redact: { patterns: ['email'] } }, 'stream-usage'],
    collector: 200,
    malformed: 'HTTP/1.1 400',
  },
  { name: 'the collector refuses', middleware: [], collector: 401, malformed: 'HTTP/1.1 200' },
  {
    name: 'content is captured',
    middleware: [],
    collector: 200,
    malformed: 'HTTP/1.1 200',
    capture: 'SPAN_AND_EVENT',
  },
];

for (const { name, middleware, collector: collectorStatus, malformed, capture = '' } of cases) {
  test(`secrets and content reach no signal: ${name}`, async () => {
    await using backend = await startBackend();
    await using collector = await startCollector(collectorStatus);
    const folder = await mkdtemp(join(tmpdir(), 'sightline-secrets-'));
    const config = {
      data: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      upstreams: { default: { url: backend.url, headers: { 'x-upstream-key': `${mark}upstream` } } },
      middleware,
      log: { level: 'trace' },
      // The client of the session says no farewell.
      limits: { replyReadBytesMax: 4_096, closeTimeoutMs: 50 },
    };
    await writeFile(join(folder, 'sightline.yaml'), stringify(config));
    await using service = runNode([fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
      cwd: folder,
      env: {
        SIGHTLINE_ADMIN_TOKEN: `${mark}admin-token`,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: `x-tenant-key=${mark}otlp`,
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_LOGS_EXPORTER: 'otlp',
        OTEL_BLRP_SCHEDULE_DELAY: '20',
        OTEL_METRIC_EXPORT_INTERVAL: '200',
        OTEL_BSP_SCHEDULE_DELAY: '20',
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: capture,
      },
    });
    const [, url = '', adminUrl = ''] = await service.waitForLine(/data (http:\S+) · admin (http:\S+)/);
    await rm(folder, { recursive: true });
    const shown: Record<string, string> = {};
    const show = async (resource: string) => {
      const headers = { authorization: `Bearer ${mark}admin-token` };
      const reply = await fetch(adminUrl + resource, { headers });
      shown[resource] = `${JSON.stringify([...reply.headers])} ${await reply.text()}`;
      return shown[resource];
    };

    const models = [
      'whole',
      'stream',
      'refused',
      'malformed',
      'huge',
      'garbage',
      'stream-error',
      'stream-broken',
    ];
    await Promise.all(models.map((model) => drained(chat(url, model))));
    const stalled = chat(url, 'stream-stalled');
    stalled.on('response', (response: http.IncomingMessage) =>
      response.on('error', () => undefined).resume(),
    );
    await until('the stalled stream has begun', async () =>
      /"stream-stalled-1".*"outputChunks":1/.test(await show('/api/exchanges')),
    );
    stalled.destroy();
    assert.ok((await sendMalformed(url)).startsWith(malformed));
    await sendNoHttp(url);
    await upgrade(url);
    assert.equal((await fetch(`${adminUrl}/metrics?token=${mark}query-token`)).status, 401);

    const expected = models.length + 3;
    await until('every exchange has its trace', async () => {
      const { traces } = JSON.parse((await show('/api/traces')).replace(/^.*?\] (?=\{)/s, ''));
      return traces.length === expected;
    });
    for (const resource of ['/', '/readyz', '/metrics', '/api/exchanges', '/api/traces/unknown'])
      await show(resource);
    for (const [traceId] of shown['/api/traces']?.matchAll(/[0-9a-f]{32}/g) ?? [])
      await show(`/api/traces/${traceId}`);
    if (collectorStatus !== 200) await service.waitForLine(/traces cannot be exported/);
    service.kill('SIGTERM');
    assert.deepEqual(await service.waitForExit(), { code: 0, signal: null });

    // They were there to be told.
    assert.ok(backend.seen.some((headers) => headers.authorization === planted.authorization));
    assert.ok(backend.seen.every((headers) => headers['x-upstream-key'] === `${mark}upstream`));
    const exported = collector.bodies.join('\n');
    const exportedLogs = collector.bodies.filter((body) => body.startsWith('{"resourceLogs"')).join('\n');
    const ids = [...models, 'stream-stalled', 'no-json', 'session'].map((name) => `${name}-1`);
    for (const id of ids) {
      const record = new RegExp(
        `"event\\.name":"sightline\\.exchange".*"sightline\\.exchange\\.id":"${id}"`,
        'g',
      );
      assert.equal(service.stdout.match(record)?.length, 1, id);
      if (collectorStatus === 200) {
        assert.ok(exported.includes(`"${id}"`), id);
        assert.ok(exportedLogs.includes(`"${id}"`), id);
      }
    }

    for (const kind of content) assert.equal(exported.includes(`${mark}${kind}`), capture !== '', kind);
    const places = { ...shown, 'the collector': exported, stdout: service.stdout, stderr: service.stderr };
    for (const [place, text] of Object.entries(places)) {
      const isTold = capture !== '' && !place.startsWith('std');
      const secret = isTold ? `${mark}(?!${content.join('|')})` : mark;
      const found = [...text.matchAll(new RegExp(`.{0,60}${secret}.{0,30}`, 'g'))].map(([all]) => all);
      assert.deepEqual(found, [], `in ${place}`);
    }
  });
}
