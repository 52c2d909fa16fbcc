import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import {
  exchange,
  fieldsOf,
  fieldsWithout,
  RawConnection,
  type RequestParts,
  requestBytes,
  sha256,
  startReplyServer,
  statusOf,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';

type TestService = Awaited<ReturnType<typeof startService>>;

const chatPath = '/v1/chat/completions';
const user = [{ role: 'user', content: 'Hello' }];

/** What `/echo/…` of the simulator tells of the request that it received. */
interface Echo {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly bodySha256: string;
  readonly bodyBytes: number;
  readonly rawTrailers: readonly string[];
}

/** Of one connection, or written by whoever sends: RFC 9110 §7.6.1, §7.2, §8.6. */
const ownOfRequest = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'traceparent',
  'tracestate',
]);

describe('requests arrive as they were sent', () => {
  let simulator: Simulator;
  let service: TestService;

  before(async () => {
    simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: 1_000_000 });
    service = await startService({
      config: {
        upstreams: {
          default: simulator.url,
          named: `${simulator.url}/echo/base/`,
          keyed: { url: simulator.url, headers: { Authorization: 'Bearer ours', 'x-extra': 'more' } },
        },
      },
    });
  });
  after(async () => {
    await service.stop();
    await simulator.close();
  });

  async function echo(parts: RequestParts): Promise<Echo> {
    const reply = await exchange(service.dataUrl, { target: '/echo/x', ...parts });
    assert.equal(statusOf(reply), 200);
    return JSON.parse(String(reply.body));
  }

  const big = randomBytes(5_000_000);
  const bodies: readonly (readonly [string, RequestParts])[] = [
    ['none', {}],
    ['GET with a body', { body: '{"x":1}' }],
    ['an empty one', { method: 'POST', body: '' }],
    ['a small one', { method: 'POST', body: 'hello' }],
    ['a small one, chunked', { method: 'POST', chunks: ['he', 'llo'] }],
    ['DELETE', { method: 'DELETE', body: 'x' }],
    ['PATCH', { method: 'PATCH', body: '[1]' }],
    ['PUT', { method: 'PUT', body: randomBytes(10_000) }],
    [
      'multipart of 5 MB',
      { method: 'POST', headers: ['Content-Type', 'multipart/form-data; boundary=x'], body: big },
    ],
    [
      '5 MB, chunked',
      {
        method: 'POST',
        chunks: [1, 10, 100, 1_000, 4_998_889].map((size, i, sizes) => {
          const start = sizes.slice(0, i).reduce((sum, one) => sum + one, 0);
          return big.subarray(start, start + size);
        }),
      },
    ],
  ];
  for (const [name, parts] of bodies) {
    it(`body: ${name}`, async () => {
      const sent = parts.chunks ? Buffer.concat(parts.chunks.map((one) => Buffer.from(one))) : parts.body;
      const echoed = await echo(parts);
      assert.equal(echoed.method, parts.method ?? 'GET');
      assert.equal(echoed.bodyBytes, Buffer.from(sent ?? '').length);
      assert.equal(echoed.bodySha256, sha256(Buffer.from(sent ?? '')));
    });
  }

  it('body: a query of 5 MB, whole and chunked', async () => {
    const query = JSON.stringify({
      model: 'sim-tokens-1',
      messages: [{ role: 'user', content: big.toString('base64') }],
    });
    for (const parts of [{ body: query }, { chunks: [query.slice(0, 3), query.slice(3)] }]) {
      const reply = await exchange(service.dataUrl, { method: 'POST', target: chatPath, ...parts });
      assert.equal(statusOf(reply), 200);
      const entry = simulator.journal.entries().at(-1);
      assert.equal(entry?.requestSha256, sha256(Buffer.from(query)));
    }
  });

  for (const method of ['PROPFIND', 'PURGE', 'QUERY', 'M-SEARCH', 'OPTIONS', 'TRACE', 'LOCK']) {
    it(`method ${method}`, async () => {
      assert.equal((await echo({ method })).method, method);
      const withBody = await echo({ method, body: 'something' });
      assert.equal(withBody.bodySha256, sha256(Buffer.from('something')));
    });
  }

  for (const target of [
    '/echo/a%20b%2Fc%2f%25?q=%20&q=+&r',
    '/echo//a///b/',
    '/echo/a;v=1,2/b;c',
    '/echo/x?',
    '/echo/x??a=b?c',
    '/echo/%E4%BD%A0%zz%',
    "/echo/~!$&'()*+,=:@-._",
    '/echo/{[|^`"<>]}',
    '/echo/./x',
    '/echo/x?a=/../b',
    `/echo/${'x'.repeat(8_000)}`,
  ]) {
    it(`target ${target.slice(0, 40)}`, async () => {
      assert.equal(Buffer.from((await echo({ target })).url, 'latin1').toString('latin1'), target);
    });
  }

  it('headers: letter case, order, duplicates, blanks and Latin-1 bytes', async () => {
    const headers = [
      'X-UPPER',
      '1',
      'x-lower',
      '2',
      'X-Twice',
      'one',
      'Accept',
      'a, b;q=0.5',
      'x-twice',
      'two',
      'X-Latin',
      'caf\u00e9 \u00ff',
      'X-Empty',
      '',
      'X-Inside',
      'a  b\tc',
      'Cookie',
      'a=1',
      'Cookie',
      'b=2',
      'Authorization',
      'Bearer theirs',
      'User-Agent',
      'raw',
      'Forwarded',
      'for=1.2.3.4',
      'Accept-Encoding',
      'gzip, br',
    ];
    const { rawHeaders } = await echo({ headers });
    assert.deepEqual(fieldsWithout(rawHeaders, ownOfRequest), headers);
  });

  it('headers of this hop stay behind, those that Connection names too, and host is the upstream', async () => {
    const headers = [
      'Connection',
      'close, X-Foo',
      'X-Foo',
      '1',
      'Keep-Alive',
      'timeout=5',
      'TE',
      'trailers',
      'Upgrade',
      'h2c',
      'Proxy-Authorization',
      'Basic x',
      'Proxy-Connection',
      'keep-alive',
      'X-Bar',
      '2',
    ];
    const { rawHeaders } = await echo({ headers });
    assert.deepEqual(fieldsWithout(rawHeaders, ownOfRequest), ['X-Bar', '2']);
    assert.deepEqual(fieldsOf(rawHeaders, 'host'), [new URL(simulator.url).host]);
  });

  it("the attempt's span is the parent that the upstream sees", async () => {
    const traceId = 'a'.repeat(32);
    const { rawHeaders } = await echo({
      headers: ['TraceParent', `00-${traceId}-${'b'.repeat(16)}-01`, 'tracestate', 'x=1'],
    });
    const [parent, ...more] = fieldsOf(rawHeaders, 'traceparent');
    assert.match(parent ?? '', new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    assert.doesNotMatch(parent ?? '', /b{16}/);
    assert.deepEqual(more, []);
    assert.deepEqual(fieldsOf(rawHeaders, 'tracestate'), ['x=1']);
  });

  const small = ['0123456789'];
  const large = Array.from({ length: 20 }, () => randomBytes(20_000));
  for (const [size, chunks] of [
    ['small', small],
    ['large', large],
  ] as const) {
    for (const announced of [true, false]) {
      it(`trailers of a ${size} body, ${announced ? 'announced' : 'not announced'}`, async () => {
        const trailers = ['X-Sum', 'abc', 'x-sum', 'd\u00e9f'];
        const headers = announced ? ['Trailer', 'X-Sum'] : [];
        const echoed = await echo({ method: 'POST', headers, chunks, trailers });
        assert.deepEqual(echoed.rawTrailers, trailers);
        assert.equal(echoed.bodySha256, sha256(Buffer.concat(chunks.map((one) => Buffer.from(one)))));
        assert.deepEqual(fieldsOf(echoed.rawHeaders, 'trailer'), announced ? ['X-Sum'] : []);
      });
    }
  }

  it('trailers of a query', async () => {
    await using upstream = await startReplyServer(
      ({ trailers }) => `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${trailers.join('=')}`,
    );
    await using own = await startService({ config: { upstreams: { default: upstream.url } } });
    const parts = { method: 'POST', target: chatPath, chunks: ['{}'], trailers: ['X-Sum', 'abc'] };
    assert.equal(String((await exchange(own.dataUrl, parts)).body), 'X-Sum=abc');
  });

  it('configured headers take the place of those of the client', async () => {
    const { url, rawHeaders } = await echo({
      target: '/keyed/echo/x',
      headers: ['AUTHORIZATION', 'Bearer theirs', 'authorization', 'again', 'X-Other', '1'],
    });
    assert.equal(url, '/echo/x');
    assert.deepEqual(fieldsOf(rawHeaders, 'authorization'), ['Bearer ours']);
    assert.deepEqual(fieldsOf(rawHeaders, 'x-extra'), ['more']);
    assert.deepEqual(fieldsOf(rawHeaders, 'x-other'), ['1']);
  });

  for (const [target, arrives] of [
    ['/named/v1/x?y', '/echo/base/v1/x?y'],
    ['/named', '/echo/base/'],
    ['/named/', '/echo/base/'],
    ['/named?x', '/echo/base/?x'],
    ['/named//x', '/echo/base//x'],
    ['/namedfoo', '/namedfoo'],
    ['/Named/echo', '/Named/echo'],
    ['/echo/named/x', '/echo/named/x'],
    ['//named/x', '//named/x'],
    ['/named%2Fx', '/named%2Fx'],
    ['http://evil.example/echo/x?y', '/echo/x?y'],
    ['http://evil.example/named/x', '/echo/base/x'],
    ['HTTPS://evil.example?y', '/?y'],
  ] as const) {
    it(`${target} arrives as ${arrives}`, async () => {
      const before = simulator.journal.entries().length;
      await exchange(service.dataUrl, { target });
      assert.equal(simulator.journal.entries().at(before)?.url, arrives);
    });
  }

  describe('Expect: 100-continue', () => {
    const headers = ['Expect', '100-continue'];

    for (const [what, target] of [
      ['a query', chatPath],
      ['an unknown payload', '/echo/x'],
    ] as const) {
      it(`is answered before the body of ${what} is sent, and goes no further`, async () => {
        const body = JSON.stringify({ model: 'sim-tokens-1', messages: user });
        const connection = await RawConnection.open(service.dataUrl);
        const length = ['Content-Length', String(body.length)];
        await connection.send(requestBytes({ method: 'POST', target, headers: [...headers, ...length] }));
        assert.equal((await connection.head())?.startLine, 'HTTP/1.1 100 Continue');
        await connection.send(body);
        const reply = await connection.reply();
        assert.equal(reply && statusOf(reply), 200);
        if (target !== chatPath) {
          assert.deepEqual(fieldsOf(JSON.parse(String(reply?.body)).rawHeaders, 'expect'), []);
        }
        connection.close();
      });
    }

    it('is not answered where the body, or the path, is refused anyway', async () => {
      await using strict = await startService({
        config: {
          upstreams: { named: simulator.url },
          limits: { queryBytesMax: 1_000, bodyBytesMax: 10_000 },
        },
      });
      for (const [target, bytes, status] of [
        [`/named${chatPath}`, 1_001, 413],
        ['/named/echo/x', 10_001, 413],
        ['/named/../x', 1, 400],
        ['/elsewhere', 1, 404],
      ] as const) {
        const connection = await RawConnection.open(strict.dataUrl);
        const length = ['Content-Length', String(bytes)];
        await connection.send(requestBytes({ method: 'POST', target, headers: [...headers, ...length] }));
        const head = await connection.head();
        assert.equal(head && statusOf(head), status);
        connection.close();
      }
    });
  });
});
