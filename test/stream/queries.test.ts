import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { createGzip, gzipSync } from 'node:zlib';
import { SightlineError } from '../../src/errors.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { Endings } from '../support/endings.ts';
import { startService } from '../support/service.ts';
import { startBackend } from './backend.ts';
import { bytesOf, chat, StreamClient } from './stream-client.ts';

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}

describe('a query of the stream protocol', () => {
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
  });
  after(() => simulator.close());
  const start = (middleware: readonly Middleware[] = [], config: object = {}) =>
    startService({ config: { upstreams: { default: simulator.url }, ...config }, middleware });

  it('is answered event by event, and at the end with what it came to', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const { chunks, response } = await client.ask(
      chat('a', 'sim-tokens-3', { body: { stream_options: { include_usage: true } } }),
    );
    assert.equal(chunks[0]?.status, 200);
    assert.deepEqual(chunks[0]?.headers?.['Content-Type'], 'text/event-stream; charset=utf-8');
    for (const chunk of chunks.slice(1))
      assert.deepEqual([chunk.status, chunk.headers], [undefined, undefined]);
    assert.equal(chunks.at(-1)?.data, '[DONE]');
    const words = chunks.map(
      ({ data }) => (data as { choices?: [{ delta: { content?: string } }] }).choices?.[0],
    );
    assert.equal(words.filter((choice) => choice?.delta?.content).length, 3);
    assert.equal(response?.status, 200);
    assert.equal(response?.headers, undefined);
    assert.equal(response?.outcome, 'completed');
    assert.equal(response?.model, 'sim-tokens-3');
    assert.equal(response?.usage?.output, 3);
    assert.deepEqual(response?.finishReasons, ['stop']);
    assert.match(response?.traceId ?? '', /^[0-9a-f]{32}$/);
    assert.match(response?.exchangeId ?? '', /^[0-9a-f-]{36}$/);
  });

  it('keeps the names of events', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const { chunks, response } = await client.ask({
      id: 1,
      path: '/v1/messages',
      body: {
        model: 'sim-tokens-2',
        max_tokens: 9,
        stream: true,
        messages: [{ role: 'user', content: 'Hi' }],
      },
    });
    assert.equal(chunks[0]?.event, 'message_start');
    assert.equal(chunks.at(-1)?.event, 'message_stop');
    assert.equal(response?.outcome, 'completed');
  });

  it('that asks for no stream has its reply in the response', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const { chunks, response } = await client.ask(chat(7, 'sim-tokens-2', { body: { stream: false } }));
    assert.deepEqual(chunks, []);
    assert.equal(response?.status, 200);
    assert.equal(response?.headers?.['Content-Type'], 'application/json');
    assert.equal(response?.body?.object, 'chat.completion');
    assert.equal(response?.usage?.output, 2);
  });

  it('gets bodies of any kind as they are', async () => {
    const bodies: Record<string, Buffer> = {
      '/exact': Buffer.from('{"big":12345678901234567890,"same":1,"same":2}'),
      '/list': Buffer.from('[1]'),
      '/text': Buffer.from('ünï'),
      '/bytes': Buffer.from([0xff, 0x00, 0xfe]),
      '/empty': Buffer.alloc(0),
    };
    await using backend = await startBackend((request, response) => {
      response.setHeader('x-many', ['a', 'b']);
      response.end(bodies[request.url ?? '']);
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    await using client = await StreamClient.open(service);
    const raw: string[] = [];
    client.socket.on('message', (data) => raw.push(String(data)));
    for (const path of Object.keys(bodies)) await client.ask({ id: path, method: 'GET', path });
    const responseOf = (path: string) => client.of(path).response;
    assert.ok(raw.some((text) => text.includes('"body":{"big":12345678901234567890,"same":1,"same":2}')));
    assert.equal(responseOf('/list')?.text, '[1]');
    assert.equal(responseOf('/text')?.text, 'ünï');
    assert.equal(responseOf('/bytes')?.base64, '/wD+');
    const { body, text, base64 } = responseOf('/empty') ?? {};
    assert.deepEqual([body, text, base64], [undefined, undefined, undefined]);
    assert.deepEqual(responseOf('/text')?.headers?.['x-many'], ['a', 'b']);
  });

  it('gets what was compressed as text, or as it came where that cannot be', async () => {
    const events = 'data: {"a":1}\n\ndata: b\n\n';
    const replies: Record<string, readonly [string, string, Buffer]> = {
      '/whole': ['application/json', 'gzip', gzipSync('{"a":1}')],
      '/events': ['text/event-stream', 'gzip', gzipSync(events)],
      '/broken': ['application/json', 'gzip', Buffer.from('{"a":1}')],
      '/unknown': ['application/json', 'secret', Buffer.from([1, 2, 0xff])],
      '/unknown-events': ['text/event-stream', 'secret', Buffer.from(events)],
    };
    await using backend = await startBackend((request, response) => {
      const [type, encoding, body] = replies[request.url ?? ''] as readonly [string, string, Buffer];
      response.setHeader('content-type', type).setHeader('content-encoding', encoding).end(body);
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    await using client = await StreamClient.open(service);
    const ask = (path: string) => client.ask({ id: path, method: 'GET', path });
    const whole = await ask('/whole');
    assert.deepEqual(whole.response?.body, { a: 1 });
    assert.equal(whole.response?.headers?.['content-encoding'], undefined);
    const stream = await ask('/events');
    assert.deepEqual(
      stream.chunks.map(({ data }) => data),
      [{ a: 1 }, 'b'],
    );
    assert.equal(stream.chunks[0]?.headers?.['content-encoding'], undefined);
    const broken = await ask('/broken');
    assert.equal(Buffer.from(broken.response?.base64 ?? '', 'base64').toString(), '{"a":1}');
    assert.equal(broken.response?.headers?.['content-encoding'], 'gzip');
    assert.equal((await ask('/unknown')).response?.base64, 'AQL/');
    assert.equal(String(bytesOf(await ask('/unknown-events'))), events);
  });

  it('gets each event when it comes, also where the stream is compressed', async () => {
    const got = Promise.withResolvers<void>();
    await using backend = await startBackend(async (_request, response) => {
      response.setHeader('content-type', 'text/event-stream').setHeader('content-encoding', 'gzip');
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write('data: 1\n\n');
      gzip.flush();
      await got.promise;
      gzip.end('data: 2\n\n');
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    await using client = await StreamClient.open(service);
    client.send({ type: 'query', id: 1, path: '/x', window: 1 });
    await client.until(({ type }) => type === 'chunk');
    got.resolve();
    client.send({ type: 'window', id: 1, bytes: 1_000 });
    assert.deepEqual(
      (await client.answer(1)).chunks.map(({ data }) => data),
      [1, 2],
    );
  });

  it('that wants bytes gets the very bytes, in pieces', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const body = { model: 'sim-tokens-20', stream: true, messages: [{ role: 'user', content: 'Hé' }] };
    const direct = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await client.ask({ id: 1, path: '/v1/chat/completions', reply: 'bytes', body });
    const stable = (text: string) => text.replace(/"(id|created|system_fingerprint)":[^,]*/g, '');
    assert.equal(stable(String(bytesOf(answer))), stable(await direct.text()));
    assert.equal(answer.chunks[0]?.status, 200);
    assert.equal(answer.response?.outcome, 'completed');
  });

  it("has the upgrade's headers, unless it has its own", async () => {
    const asked: { headers: IncomingMessage['headers']; body: string; method: string | undefined }[] = [];
    await using backend = await startBackend(async (request, response) => {
      asked.push({ headers: request.headers, body: await textOf(request), method: request.method });
      response.end();
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    await using client = await StreamClient.open(service, {
      headers: {
        authorization: 'Bearer s',
        'x-tenant': 'acme',
        'x-request-id': 'session',
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      },
      origin: service.dataUrl,
    });
    await client.ask({ id: 1, path: '/a', body: { n: 1 } });
    await client.ask({
      id: 2,
      path: '/a',
      method: 'PUT',
      headers: { 'X-Tenant': 'other', 'x-list': ['1', '2'], 'content-type': 'text/plain' },
      text: 'hällo',
    });
    await client.ask({ id: 3, path: '/a', base64: '/wA=' });
    const [first, second, third] = asked;
    assert.equal(first?.headers.authorization, 'Bearer s');
    assert.equal(first?.headers['x-tenant'], 'acme');
    assert.equal(first?.headers['content-type'], 'application/json');
    assert.equal(first?.body, '{"n":1}');
    for (const name of ['origin', 'sec-websocket-key', 'upgrade', 'x-request-id'])
      assert.equal(first?.headers[name], undefined, name);
    assert.equal(first?.headers.host, new URL(backend.url).host);
    assert.equal(second?.method, 'PUT');
    assert.equal(second?.headers['x-tenant'], 'other');
    assert.equal(second?.headers['x-list'], '1, 2');
    assert.equal(second?.headers['content-type'], 'text/plain');
    assert.equal(second?.body, 'hällo');
    assert.equal(third?.headers['content-length'], '2');
    assert.equal(third?.headers['content-type'], undefined);
  });

  it('may have headers of any name', async () => {
    const asked: string[][] = [];
    await using backend = await startBackend((request, response) => {
      asked.push(request.rawHeaders);
      response.end();
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    await using client = await StreamClient.open(service);
    client.send('{"type":"query","id":1,"path":"/a","headers":{"__proto__":"a","constructor":"b"}}');
    await client.answer(1);
    const headers = asked[0] ?? [];
    assert.equal(headers[headers.indexOf('__proto__') + 1], 'a');
    assert.equal(headers[headers.indexOf('constructor') + 1], 'b');
  });

  it('may have as much in its head as a request', async () => {
    await using service = await startService({
      config: { upstreams: { default: simulator.url }, limits: { requestHeadersBytesMax: 2_000 } },
    });
    await using client = await StreamClient.open(service, { headers: { 'x-own': 'x'.repeat(400) } });
    const ask = (id: number, more: object) => client.ask({ ...chat(id, 'sim-tokens-1'), ...more });
    const large = { 'x-large': 'x'.repeat(1_200) };
    assert.equal((await ask(1, { headers: large })).response?.status, 200);
    const tooMuch = [
      { headers: { ...large, 'x-more': 'x'.repeat(400) } },
      { headers: large, trailers: { 'x-more': 'x'.repeat(400) } },
      { headers: large, path: `/v1/chat/completions?${'x'.repeat(400)}` },
    ];
    for (const [n, more] of tooMuch.entries()) {
      const { error } = await ask(n + 2, more);
      assert.deepEqual([error?.code, error?.status, error?.outcome], ['headers_too_large', 431, 'blocked']);
    }
  });

  it('begins where its traceparent says', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const { response } = await client.ask(
      chat(1, 'sim-tokens-1', { traceparent: `00-${traceId}-b7ad6b7169203331-01` }),
    );
    assert.equal(response?.traceId, traceId);
  });

  it('that an upstream answers with an error has that answer', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const { response } = await client.ask(chat(1, 'sim-status-429'));
    assert.equal(response?.status, 429);
    assert.equal(response?.outcome, 'upstream_error');
    assert.equal(typeof response?.body?.error, 'object');
  });

  it('that fails before its reply is answered with an error', async () => {
    await using service = await startService({
      config: {
        upstreams: { other: simulator.url, gone: 'http://127.0.0.1:9' },
        limits: { queryBytesMax: 200 },
      },
    });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service);
    const cases: readonly (readonly [object, string, number, string])[] = [
      [{ path: '/gone/v1/x' }, 'upstream_unreachable', 502, 'upstream_unreachable'],
      [{ path: '/nowhere' }, 'route_unknown', 404, 'blocked'],
      [{ path: '/other/a/%2e%2e/b' }, 'bad_request_target', 400, 'blocked'],
      [
        chat('', '', { path: '/other/v1/chat/completions', body: { filler: 'x'.repeat(200) } }),
        'body_too_large',
        413,
        'blocked',
      ],
      [
        chat('', 'sim-close', { path: '/other/v1/chat/completions' }),
        'upstream_closed',
        502,
        'upstream_unreachable',
      ],
    ];
    for (const [message, code, status, outcome] of cases) {
      const { error, response } = await client.ask({
        ...message,
        id: code,
        headers: { 'x-request-id': code },
      });
      assert.equal(response, undefined);
      assert.equal(error?.code, code);
      assert.equal(error?.status, status);
      assert.equal(error?.outcome, outcome);
      assert.equal(error?.exchangeId, code);
      const ended = await endings.of(code);
      assert.equal(ended.outcome, outcome);
      assert.equal(ended.status, status);
    }
  });

  it('whose reply breaks off is told so after what has come', async () => {
    await using service = await start();
    const endings = new Endings(service);
    await using client = await StreamClient.open(service);
    for (const [reply, model] of [
      ['events', 'sim-truncate-3'],
      ['bytes', 'sim-truncate-3'],
      ['events', 'sim-clean-cut-3'],
    ]) {
      const id = `${reply} ${model}`;
      const { chunks, error, response } = await client.ask(
        chat(id, `${model}`, { reply, headers: { 'x-request-id': id.replace(' ', '-') } }),
      );
      assert.ok(chunks.length > 0, id);
      assert.equal(response, undefined);
      assert.equal(error?.code, 'upstream_truncated');
      assert.equal(error?.outcome, 'upstream_truncated');
      assert.equal((await endings.of(id.replace(' ', '-'))).outcome, 'upstream_truncated');
    }
    const tidy = await client.ask(chat('tidy', 'sim-clean-cut-3', { reply: 'bytes' }));
    assert.equal(tidy.response?.outcome, 'upstream_truncated');
    const whole = await client.ask(chat('whole', 'sim-truncate-3', { body: { stream: false } }));
    assert.equal(whole.error?.code, 'upstream_truncated');
    assert.deepEqual(whole.chunks, []);
  });

  it('that had said all when its reply broke off is complete', async () => {
    await using backend = await startBackend((_request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      response.write('data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n', () =>
        response.destroy(),
      );
    });
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    await using client = await StreamClient.open(service);
    const { chunks, response } = await client.ask(chat(1, 'm'));
    assert.equal(chunks.length, 2);
    assert.equal(response?.outcome, 'completed');
    const bytes = await client.ask(chat(2, 'm', { reply: 'bytes' }));
    assert.equal(bytes.error?.outcome, 'completed');
  });

  it('with a reply that is too large for one message says how to ask for it', async () => {
    await using backend = await startBackend((_request, response) => response.end('x'.repeat(2_000)));
    await using service = await startService({
      config: { upstreams: { default: backend.url }, limits: { replyReadBytesMax: 1_000 } },
    });
    await using client = await StreamClient.open(service);
    const { error } = await client.ask({ id: 1, path: '/x' });
    assert.equal(error?.code, 'reply_too_large');
    assert.match(error?.message ?? '', /reply: "bytes"/);
    assert.equal(bytesOf(await client.ask({ id: 2, path: '/x', reply: 'bytes' })).length, 2_000);
  });

  it('with an event that is too large fails, compressed or not', async () => {
    const event = `data: ${'x'.repeat(2_000)}\n\n`;
    await using backend = await startBackend((request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      if (request.url === '/gzip') response.setHeader('content-encoding', 'gzip').end(gzipSync(event));
      else response.end(event);
    });
    await using service = await startService({
      config: { upstreams: { default: backend.url }, limits: { eventBytesMax: 1_000 } },
    });
    await using client = await StreamClient.open(service);
    for (const path of ['/plain', '/gzip'])
      assert.equal((await client.ask({ id: path, path })).error?.code, 'reply_too_large');
  });

  it('goes through middleware as a request does', async () => {
    const seen: string[] = [];
    const witness: Middleware = {
      name: 'witness',
      beforeQuery: (_query, exchange) => {
        seen.push(`${exchange.kind} in`);
      },
      afterResponse: (reply, exchange) => {
        seen.push(`${exchange.kind} ${reply.status}${reply.isSent ? ' sent' : ''}`);
      },
    };
    const gate: Middleware = {
      name: 'gate',
      beforeQuery: (query, exchange) => {
        const does = exchange.header('x-does');
        if (does === 'refuse') throw new SightlineError('blocked', { message: 'No.' });
        if (does === 'answer') return Reply.json(200, { mine: true });
        return does === 'change'
          ? query.with({ payload: { ...query.payload, model: 'sim-tokens-1' } })
          : undefined;
      },
      onChunk: (chunk, exchange) =>
        exchange.header('x-does') === 'drop' && !chunk.isFinal ? null : undefined,
    };
    await using service = await start([witness, gate]);
    await using client = await StreamClient.open(service);
    assert.deepEqual(seen.splice(0), ['session in', 'session 101 sent']);
    const ask = (does: string) => client.ask(chat(does, 'sim-tokens-3', { headers: { 'x-does': does } }));
    assert.equal((await ask('refuse')).error?.code, 'blocked');
    assert.deepEqual((await ask('answer')).response?.body, { mine: true });
    assert.equal((await ask('change')).response?.model, 'sim-tokens-1');
    assert.deepEqual(
      (await ask('drop')).chunks.map(({ data }) => data),
      ['[DONE]'],
    );
    assert.deepEqual(seen, [
      'request in',
      'request in',
      'request 200',
      'request in',
      'request 200 sent',
      'request in',
      'request 200 sent',
    ]);
  });

  it('has its end as early as a request has it: nobody who only watches is waited for', async () => {
    const gate = Promise.withResolvers<void>();
    const auditor: Middleware = { name: 'auditor', afterResponse: () => gate.promise };
    await using service = await start([auditor]);
    await using client = await StreamClient.open(service);
    const { response } = await client.ask(chat(1, 'sim-tokens-2'));
    assert.equal(response?.outcome, 'completed');
    gate.resolve();
  });

  it('is one of many at once on a connection, each with its own', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const counts = Array.from({ length: 60 }, (_, i) => i + 1);
    const answers = await Promise.all(counts.map((n) => client.ask(chat(n, `sim-tokens-${n}`))));
    for (const [i, { chunks, response }] of answers.entries()) {
      assert.equal(response?.model, `sim-tokens-${i + 1}`);
      for (const { data } of chunks.slice(0, -1))
        assert.equal((data as { model: string }).model, `sim-tokens-${i + 1}`);
    }
  });

  it('is refused where its id runs already, or too many run', async () => {
    await using service = await start([], { limits: { streamQueriesMax: 2 } });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service, { headers: { 'x-request-id': 'session' } });
    client.send(chat('a', 'sim-stall-1'), chat('b', 'sim-stall-1'));
    await client.until(({ type, id }) => type === 'chunk' && id === 'b');
    const { error } = await client.ask(chat('c', 'sim-tokens-1'));
    assert.equal(error?.code, 'too_many_queries');
    assert.equal(error?.outcome, undefined);
    client.send(chat('a', 'sim-tokens-1'));
    const twice = await client.until(({ type, id }) => type === 'error' && id === 'a');
    assert.deepEqual(twice.type === 'error' && [twice.error.code, twice.error.field], [
      'message_invalid',
      'id',
    ]);
    client.messages.length = 0;
    client.send({ type: 'cancel', id: 'a' });
    assert.equal((await client.answer('a')).error?.code, 'client_aborted');
    client.messages.length = 0;
    assert.equal((await client.ask(chat('a', 'sim-tokens-1'))).response?.outcome, 'completed');
    client.socket.close();
    assert.equal((await endings.of('session')).outcome, 'client_aborted');
  });
});
