import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import {
  chunkBytes,
  exchange,
  fieldOf,
  fieldsOf,
  fieldsWithout,
  latin1,
  type RawMessage,
  type RawServer,
  type RequestParts,
  sha256,
  startReplyServer,
  statusOf,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';

type TestService = Awaited<ReturnType<typeof startService>>;

const chatPath = '/v1/chat/completions';

const user = [{ role: 'user', content: 'Tell me of byte order, naïvely: 你好 👋' }];

/** Of one connection, or made for each reply anew. */
const ownOfHop = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'traceresponse']);

/** A reply as far as it has to be the same with and without the proxy. */
function essence(reply: RawMessage, besides: readonly string[] = []) {
  return {
    startLine: reply.startLine,
    headers: fieldsWithout(reply.headers, new Set([...ownOfHop, ...besides])),
    bytes: reply.body.length,
    sha256: sha256(reply.body),
    trailers: reply.trailers,
    isComplete: reply.isComplete,
  };
}

describe('replies of a model API are the same bytes as without the proxy', () => {
  let simulator: Simulator;
  let service: TestService;

  before(async () => {
    simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: 1_000_000,
      clock: () => 1_750_000_000_000,
    });
    service = await startService({ config: { upstreams: { default: simulator.url } } });
  });
  after(async () => {
    await service.stop();
    await simulator.close();
  });

  const tools = [{ type: 'function', function: { name: 'clock', parameters: { type: 'object' } } }];
  const text = { model: 'sim-tokens-40', messages: user };
  const apis: readonly (readonly [string, string, object])[] = [
    ['chat', chatPath, text],
    ['chat with tools', chatPath, { ...text, model: 'sim', tools, tool_choice: 'required' }],
    ['responses', '/v1/responses', { model: 'sim-tokens-40', input: 'Hello' }],
    ['completions', '/v1/completions', { model: 'sim-tokens-40', prompt: 'Hello' }],
    ['messages', '/v1/messages', { ...text, max_tokens: 64 }],
  ];
  const wholesAndStreams = apis.flatMap(([name, path, query]) => [
    [`${name}, whole`, path, query] as const,
    [`${name}, stream`, path, { ...query, stream: true }] as const,
  ]);
  const shapes = [
    ...wholesAndStreams,
    ['embeddings', '/v1/embeddings', { model: 'sim', input: ['a', 'b'] }] as const,
    ['an error of the API', chatPath, { ...text, model: 'sim-status-429' }] as const,
    ['an error in a stream', chatPath, { ...text, model: 'sim-error-event-2', stream: true }] as const,
    ['CRLF, comments, data over lines', chatPath, { ...text, model: 'sim-crlf', stream: true }] as const,
    ['malformed events', chatPath, { ...text, model: 'sim-malformed-sse', stream: true }] as const,
    ['a broken stream', chatPath, { ...text, model: 'sim-truncate-3', stream: true }] as const,
    ['a broken whole reply', chatPath, { ...text, model: 'sim-truncate' }] as const,
    ['an early end', chatPath, { ...text, model: 'sim-clean-cut-3', stream: true }] as const,
  ];

  for (const [name, target, query] of shapes) {
    it(name, async () => {
      await same({ target, query });
    });
  }
  for (const encoding of ['gzip', 'br', 'zstd', 'deflate']) {
    for (const [kind, query] of [
      ['whole', text],
      ['stream', { ...text, stream: true }],
    ] as const) {
      const headers = ['Accept-Encoding', encoding, 'X-Simulator-Encoding', encoding];
      it(`${encoding}, ${kind}`, async () => {
        const reply = await same({ target: chatPath, query, headers });
        assert.equal(fieldOf(reply, 'content-encoding'), encoding);
      });
      it(`${encoding}, ${kind}, byte by byte`, async () => {
        await same({ target: chatPath, query, headers: [...headers, 'X-Simulator-Chunking', 'bytes=1'] });
      });
    }
  }
  for (const bytes of [1, 2, 3, 7, 1_000]) {
    it(`a stream in pieces of ${bytes}`, async () => {
      const query = { ...text, max_tokens: 64, stream: true };
      await same({ target: '/v1/messages', query, headers: ['X-Simulator-Chunking', `bytes=${bytes}`] });
    });
  }
  for (const stream of [false, true]) {
    it(`5 MB, ${stream ? 'stream' : 'whole'}`, async () => {
      const query = { ...text, model: 'sim', stream };
      // Each token of a stream is an event with an envelope.
      const size = stream ? '90000' : '5000000';
      const reply = await same({ target: chatPath, query, headers: ['X-Simulator-Size', size] });
      assert.ok(reply.body.length >= 5_000_000);
    });
  }

  async function same(request: {
    readonly target: string;
    readonly query: object;
    readonly headers?: readonly string[];
  }): Promise<RawMessage> {
    const parts: RequestParts = {
      method: 'POST',
      target: request.target,
      headers: ['Content-Type', 'application/json', ...(request.headers ?? [])],
      body: JSON.stringify(request.query),
    };
    const direct = await exchange(simulator.url, parts);
    const through = await exchange(service.dataUrl, parts);
    const madeAnew = ['x-request-id', 'request-id', 'openai-processing-ms'];
    assert.deepEqual(essence(anonymous(through), madeAnew), essence(anonymous(direct), madeAnew));
    for (const id of ['x-request-id', 'request-id']) {
      assert.ok(fieldsOf(direct.headers, id).length === 0 || fieldsOf(through.headers, id).length === 1);
    }
    return through;
  }

  /** Errors carry an id that is another one each time, in some APIs. */
  function anonymous(reply: RawMessage): RawMessage {
    if (statusOf(reply) < 400) return reply;
    const body = reply.body.toString('latin1').replaceAll(/req_[A-Za-z0-9]+/g, 'req_');
    return { ...reply, body: latin1(body) };
  }
});

describe('replies of any upstream are the same bytes as without the proxy', () => {
  let upstream: RawServer;
  let service: TestService;

  const noise = randomBytes(100_000);
  const odd = 'x\u00e9\u00ff';
  const replies: Readonly<Record<string, string | Buffer>> = {
    '/length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    '/empty': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    '/created': 'HTTP/1.1 201 Made It So\r\nLocation: ../x?y#z\r\nContent-Length: 1\r\n\r\n!',
    '/no-reason': 'HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n!',
    '/odd-reason': 'HTTP/1.1 200 Sch\u00c3\u00b6n & gut\r\nContent-Length: 1\r\n\r\n!',
    '/unheard-of': 'HTTP/1.1 799 What\r\nContent-Length: 1\r\n\r\n!',
    '/204': 'HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n',
    '/304': 'HTTP/1.1 304 Not Modified\r\nETag: "abc"\r\nContent-Length: 1234\r\n\r\n',
    '/chunked': Buffer.concat([
      latin1('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
      ...['one', 'two', noise].map(chunkBytes),
      latin1('0\r\n\r\n'),
    ]),
    '/chunked-empty': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '/trailers':
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum, x-more\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 12\r\nx-more: a\r\nX-Unannounced: b\r\n\r\n',
    '/headers': [
      'HTTP/1.1 200 OK',
      'x-lower: 1',
      'X-UPPER: 2',
      'Set-Cookie: a=1; Path=/',
      'X-Twice: one',
      'set-cookie: b=2',
      'X-Twice: two',
      `X-Latin: ${odd}`,
      'X-Empty:',
      'X-Spaces: a  b\tc',
      'Date: Thu, 01 Jan 1970 00:00:00 GMT',
      'Proxy-Authenticate: Basic',
      'Content-Type: application/octet-stream',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
    '/bytes': Buffer.concat([latin1('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n'), noise]),
    '/lie': Buffer.concat([
      latin1('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n'),
      noise,
    ]),
    '/encoded-lie':
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello',
    '/unknown-encoding':
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: aes128gcm\r\nContent-Length: 5\r\n\r\nhello',
    '/redirect': 'HTTP/1.1 307 Elsewhere\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n',
    '/unauthorized':
      'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nWWW-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno',
    '/early-hints':
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    '/server-id': 'HTTP/1.1 200 OK\r\nX-Request-ID: theirs\r\nContent-Length: 2\r\n\r\nok',
  };
  for (const [name, encode] of [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ] as const) {
    const body = encode(noise);
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${name}\r\nContent-Length: ${body.length}\r\n\r\n`;
    Object.assign(replies, { [`/${name}`]: Buffer.concat([latin1(head), body]) });
  }

  before(async () => {
    upstream = await startReplyServer(({ startLine }) => {
      const name = startLine.split(' ')[1]?.replace(chatPath, '') ?? '';
      if (startLine.startsWith('HEAD'))
        return 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-Of: head\r\n\r\n';
      return replies[name];
    });
    service = await startService({ config: { upstreams: { default: upstream.url } } });
  });
  after(async () => {
    await service.stop();
    await upstream[Symbol.asyncDispose]();
  });

  const same = async (parts: RequestParts) => {
    const direct = await exchange(upstream.url, parts);
    const through = await exchange(service.dataUrl, parts);
    const own = fieldOf(direct, 'x-request-id') === undefined ? ['x-request-id'] : [];
    assert.deepEqual(essence(through, own), essence(direct));
    assert.equal(fieldOf(through, 'date'), fieldOf(direct, 'date'));
    return through;
  };

  for (const target of Object.keys(replies)) {
    it(`GET ${target}`, async () => {
      await same({ target });
    });
    it(`POST ${target}, as a stream of unknown length`, async () => {
      await same({ method: 'POST', target, chunks: ['{"a":', '1}'] });
    });
  }
  for (const target of ['/length', '/lie', '/encoded-lie', '/unknown-encoding', '/trailers', '/204']) {
    it(`as the reply to a query: ${target}`, async () => {
      const upstreamOfReply = replies[target] as string;
      await using single = await startReplyServer(() => upstreamOfReply);
      await using own = await startService({ config: { upstreams: { default: single.url } } });
      const parts = { method: 'POST', target: chatPath, body: '{"model":"x","messages":[]}' };
      const direct = await exchange(single.url, parts);
      const through = await exchange(own.dataUrl, parts);
      assert.deepEqual(essence(through, ['x-request-id']), essence(direct));
    });
  }
  it('HEAD, with the length of a body that does not come', async () => {
    const reply = await same({ method: 'HEAD' });
    assert.equal(fieldOf(reply, 'content-length'), '1234');
  });

  it('keeps its own id beside that of a client that sent none', async () => {
    const reply = await exchange(service.dataUrl, { target: '/length' });
    assert.match(fieldOf(reply, 'x-request-id') ?? '', /^[0-9a-f-]{36}$/);
    assert.match(fieldOf(reply, 'traceresponse') ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("gives the client's id back, and moves the upstream's", async () => {
    const headers = ['X-Request-Id', 'mine'];
    const reply = await exchange(service.dataUrl, { target: '/server-id', headers });
    assert.deepEqual(fieldsOf(reply.headers, 'x-request-id'), ['mine']);
    assert.deepEqual(fieldsOf(reply.headers, 'x-upstream-request-id'), ['theirs']);
    const without = await exchange(service.dataUrl, { target: '/length', headers });
    assert.deepEqual(fieldsOf(without.headers, 'x-request-id'), ['mine']);
    assert.deepEqual(fieldsOf(without.headers, 'x-upstream-request-id'), []);
  });

  it('takes no id that could not stand in a log', async () => {
    for (const id of ['a b', 'x'.repeat(200), 'caf\u00e9']) {
      const reply = await exchange(service.dataUrl, { target: '/length', headers: ['X-Request-Id', id] });
      assert.match(fieldOf(reply, 'x-request-id') ?? '', /^[0-9a-f-]{36}$/);
    }
  });
});
