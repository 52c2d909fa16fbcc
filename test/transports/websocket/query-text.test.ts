import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import { clientMessages } from '../../../src/stream/protocol.ts';
import { queryText, type WholeRequest, withId } from '../../../src/transports/websocket/query-text.ts';

const limits = { streamWindowBytes: 1_000, messageBytesMax: 10_000 };
const plain: WholeRequest = {
  method: 'POST',
  target: '/v1/x?y=1',
  headers: [],
  body: undefined,
  trailers: () => [],
};
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** The message as its server takes it. */
function message(change: Partial<WholeRequest>) {
  return clientMessages.query.parse(JSON.parse(withId(7, queryText({ ...plain, ...change }, limits))));
}

function refusal(change: Partial<WholeRequest>): SightlineError {
  try {
    queryText({ ...plain, ...change }, limits);
  } catch (thrown) {
    assert.ok(thrown instanceof SightlineError);
    return thrown;
  }
  throw new Error('it was not refused');
}

describe('a request as a query message', () => {
  it('asks for the bytes of the reply, one window of them', () => {
    assert.deepEqual(message({}), {
      type: 'query',
      id: 7,
      method: 'POST',
      path: '/v1/x?y=1',
      headers: {},
      reply: 'bytes',
      window: 1_000,
    });
  });

  it('has headers as they were written, without those of the hop', () => {
    const headers = [
      'Host',
      'hub',
      'X-A',
      '1',
      'x-b',
      '\xe9',
      'X-A',
      '2',
      'x-a',
      '3',
      'X-A',
      '4',
      'Content-Length',
      '0',
    ];
    // Values of one field keep their order, whatever the case of its name (RFC 9110 §5.3).
    assert.deepEqual(message({ headers }).headers, { 'X-A': ['1', '2', '3', '4'], 'x-b': '\xe9' });
  });

  it('has names of headers that are names of objects too', () => {
    const text = queryText(
      { ...plain, headers: ['constructor', '1', '__proto__', '2', 'toString', '3'] },
      limits,
    );
    assert.match(text, /"headers":{"constructor":"1","__proto__":"2","toString":"3"}/);
  });

  it('has its trailers', () => {
    const trailers = () => ['X-Sum', '1', 'X-Sum', '2'];
    assert.deepEqual(message({ trailers }).trailers, { 'X-Sum': ['1', '2'] });
  });

  it('has a body as text where it is some, with every character of it', () => {
    const text = '\uFEFF{"a": "\u0000 \u2028 \u{1F44B} \\" \r\n"}';
    assert.equal(message({ body: Buffer.from(text) }).text, text);
    assert.equal(message({ body: Buffer.alloc(0) }).text, '');
  });

  it('has a body as base64 where it is no text', () => {
    const body = Buffer.from([0xff, 0x00, 0xc3]);
    assert.deepEqual([message({ body }).text, message({ body }).base64], [undefined, '/wDD']);
  });

  it('tells the trace apart from the headers', () => {
    const headers = ['traceparent', traceparent, 'tracestate', 'a=1', 'Tracestate', 'b=2', 'x', 'y'];
    const { headers: others, traceparent: parent, tracestate } = message({ headers });
    assert.deepEqual([others, parent, tracestate], [{ x: 'y' }, traceparent, 'a=1,b=2']);
  });

  it('leaves out a tracestate that is longer than the protocol takes', () => {
    const headers = ['traceparent', traceparent, 'tracestate', 'x'.repeat(1_025)];
    const { traceparent: parent, tracestate } = message({ headers });
    assert.deepEqual([parent, tracestate], [traceparent, undefined]);
  });

  for (const [what, change, where] of [
    ['method', { method: 'CONNECT' }, /method/],
    ['path', { target: `/${'x'.repeat(9_000)}` }, /path/],
    ['name of a header', { headers: ['x y', 'z'] }, /headers/],
    ['value of a header', { headers: ['x', `${'z'.repeat(17_000)}`] }, /headers\.x/],
  ] as const) {
    it(`is refused where the protocol has no room for its ${what}`, () => {
      const { code, message: why } = refusal(change);
      assert.equal(code, 'malformed_request');
      assert.match(why, where);
    });
  }

  it('is refused where it is larger than a message may be, as text and as base64', () => {
    for (const body of [Buffer.alloc(6_000, '"'), Buffer.alloc(8_000, 0xff)]) {
      const { code, message: why } = refusal({ body });
      assert.equal(code, 'body_too_large');
      assert.match(why, /10000 bytes/);
    }
    message({ body: Buffer.alloc(6_000, 'x') });
  });
});
