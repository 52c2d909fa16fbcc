import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Receipt } from '../../contract/transport-backend.ts';
import type { StreamArrival } from '../stream-backend.ts';
import { startStage } from './stage.ts';

/** What a query brings that is answered with these messages. */
async function receive(...messages: readonly object[]): Promise<Receipt> {
  await using stage = await startStage({
    serve: ({ connection, id }) => {
      for (const message of messages) connection.send({ id, ...message });
    },
  });
  const { receipt } = stage.send();
  await receipt.end;
  return receipt;
}

const head = { type: 'chunk', status: 200, statusMessage: 'OK', headers: { a: '1', B: ['2', '3'] } };
const end = { type: 'response', status: 200, outcome: 'completed' };

describe('a reply', () => {
  it('in pieces, of text and of bytes', async () => {
    const receipt = await receive(
      { ...head, text: 'h\u00e9' },
      { type: 'chunk', base64: Buffer.from([0xff, 0x00]).toString('base64') },
      { type: 'chunk' },
      { ...end, trailers: { sum: ['1', '2'] } },
    );
    assert.deepEqual(receipt.calls, ['head', 'data', 'data', 'end']);
    assert.deepEqual(receipt.headers, ['a', '1', 'B', '2', 'B', '3']);
    assert.deepEqual(Buffer.concat(receipt.pieces), Buffer.from([0x68, 0xc3, 0xa9, 0xff, 0x00]));
    assert.deepEqual(receipt.trailers, ['sum', '1', 'sum', '2']);
  });

  for (const [what, body, bytes] of [
    ['as text', { text: 'whole' }, 'whole'],
    ['as bytes', { base64: 'd2hvbGU=' }, 'whole'],
    ['as JSON', { body: { a: [1] } }, '{"a":[1]}'],
  ] as const) {
    it(`in one message, ${what}`, async () => {
      const receipt = await receive({
        ...end,
        status: 201,
        statusMessage: 'Made',
        headers: { a: '1' },
        ...body,
      });
      assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
      assert.deepEqual([receipt.status, receipt.statusMessage, receipt.headers], [201, 'Made', ['a', '1']]);
      assert.equal(receipt.body, bytes);
    });
  }

  it('without a body, and without a reason phrase: the usual one', async () => {
    const receipt = await receive({ ...end, status: 204 });
    assert.deepEqual(receipt.calls, ['head', 'end']);
    assert.deepEqual([receipt.status, receipt.statusMessage, receipt.headers], [204, 'No Content', []]);
  });

  describe('whose length its head tells', () => {
    const reply = { ...end, headers: { 'Content-Length': '3' } };
    const chunk = { type: 'chunk', status: 200, headers: { 'content-length': '3' }, text: 'ab' };

    for (const [what, messages] of [
      ['in one message', [{ ...reply, text: 'abc' }]],
      ['in pieces', [chunk, { type: 'chunk', base64: 'Yw==' }, end]],
    ] as const) {
      it(`${what}`, async () => {
        const { calls, body } = await receive(...messages);
        assert.deepEqual([calls.at(-1), body], ['end', 'abc']);
      });
    }

    for (const [what, messages] of [
      ['shorter, in one message', [{ ...reply, text: 'ab' }]],
      ['longer, in one message', [{ ...reply, text: 'abcd' }]],
      ['shorter, in pieces', [chunk, end]],
      ['longer, in pieces', [chunk, { type: 'chunk', text: 'cd' }]],
    ] as const) {
      it(`is broken where it is ${what}`, async () => {
        const { calls, error, body } = await receive(...messages);
        assert.deepEqual([calls.at(-1), error?.code], ['error', 'upstream_truncated']);
        assert.ok(body.length < 3);
      });
    }

    for (const length of ['', '-1', '0x3', '1e3', ['3', '3']]) {
      it(`is no reply where it is ${JSON.stringify(length)}`, async () => {
        const { calls, error } = await receive({
          ...end,
          headers: { 'content-length': length },
          text: 'abc',
        });
        assert.deepEqual([calls, error?.code], [['error'], 'upstream_invalid_reply']);
      });
    }

    it('has no body where nobody has asked for one, and where there never is one', async () => {
      for (const [method, status] of [
        ['HEAD', 200],
        ['POST', 204],
        ['GET', 304],
      ] as const) {
        await using stage = await startStage({
          serve: ({ connection, id }) => connection.send({ ...reply, id, status }),
        });
        const { receipt } = stage.send({ method });
        await receipt.end;
        assert.deepEqual(receipt.calls, ['head', 'end']);
      }
    });
  });

  it('larger than a window, where it comes in one message', async () => {
    await using stage = await startStage({
      limits: { streamWindowBytes: 10 },
      serve: ({ connection, id }) => connection.send({ ...end, id, text: 'x'.repeat(1_000) }),
    });
    const { receipt } = stage.send();
    await receipt.end;
    assert.equal(receipt.body.length, 1_000);
  });

  it('with fields and messages of a later version', async () => {
    const receipt = await receive(
      { type: 'progress', percent: 50 },
      { ...head, text: 'a', later: true },
      { ...end, model: 'm', later: {} },
    );
    assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
  });
});

describe('an error of the other Sightline', () => {
  const error = {
    code: 'upstream_unreachable',
    message: 'The upstream cannot be reached: connection refused (ECONNREFUSED).',
    status: 502,
    outcome: 'upstream_unreachable',
    traceId: 'abc',
    exchangeId: 'an-id',
  };

  it('before any head is a reply, as it is over HTTP: status, code and message survive', async () => {
    const receipt = await receive({ type: 'error', error });
    assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
    assert.deepEqual([receipt.status, receipt.statusMessage], [502, 'Bad Gateway']);
    assert.deepEqual(receipt.headers, [
      'content-type',
      'application/json',
      'content-length',
      String(receipt.body.length),
      'x-request-id',
      'an-id',
    ]);
    assert.deepEqual(JSON.parse(receipt.body), {
      type: 'error',
      error: {
        type: 'api_error',
        code: 'upstream_unreachable',
        message: error.message,
        param: null,
        trace_id: 'abc',
      },
      request_id: 'an-id',
    });
  });

  it('after the head is a reply that has broken off', async () => {
    const receipt = await receive({ ...head, text: 'half' }, { type: 'error', error });
    assert.deepEqual(receipt.calls, ['head', 'data', 'error']);
    assert.equal(receipt.error?.code, 'upstream_truncated');
    assert.match(receipt.error?.message ?? '', /middle of its reply: .*connection refused/);
  });

  it('that refuses the query as such is a reply as well', async () => {
    const refusal = { code: 'too_many_queries', message: 'Too many.', status: 429 };
    const receipt = await receive({ type: 'error', error: refusal });
    assert.deepEqual([receipt.status, JSON.parse(receipt.body).error.type], [429, 'invalid_request_error']);
  });
});

describe('a server that takes no more queries', () => {
  const stopping = { code: 'stopping', message: 'Sightline is stopping.', status: 503 };

  /** The first connections turn every query away but the first one, which they finish. */
  async function start(turningAway: number) {
    const running: StreamArrival[] = [];
    const stage = await startStage({
      serve: async (arrival) => {
        const { connection, id, target } = arrival;
        if (target === '/long') running.push(arrival);
        else if (stage.backend.connections.indexOf(connection) < turningAway)
          connection.send({ type: 'error', id, error: stopping });
        else await arrival.end();
      },
    });
    return { stage, running };
  }

  it('finishes what it has; what it turned away, and all that follows, goes over a new connection', async () => {
    const { stage, running } = await start(1);
    await using one = stage;
    const long = one.send({ target: '/long' });
    while (running.length < 1) await turn();
    const { receipt } = one.send();
    await receipt.end;
    await one.send().receipt.end;
    assert.deepEqual(receipt.calls, ['head', 'end']);
    assert.equal(one.backend.connectionsTaken, 2);
    assert.deepEqual(one.transport.health, { state: 'open', connections: 2, running: 1, queued: 0 });
    await running[0]?.end();
    await long.receipt.end;
    assert.deepEqual(long.receipt.calls, ['head', 'end']);
    // Nobody needs the old connection any more.
    assert.equal((await one.backend.connections[0]?.closed)?.code, 1001);
  });

  it('is believed when it says so twice', async () => {
    const { stage } = await start(2);
    await using one = stage;
    const { receipt } = one.send();
    await receipt.end;
    assert.deepEqual([receipt.status, one.backend.connectionsTaken], [503, 2]);
  });

  it('is not asked again for a query whose reply had begun, whatever it says', async () => {
    const stopping = { code: 'stopping', message: 'Sightline is stopping.', status: 503 };
    const { calls, error } = await receive({ ...head, text: 'a' }, { type: 'error', error: stopping });
    assert.deepEqual([calls, error?.code], [['head', 'data', 'error'], 'upstream_truncated']);
  });

  it('is not asked again for a query that it had begun with', async () => {
    let queries = 0;
    await using stage = await startStage({
      serve: ({ connection, id }) => {
        queries += 1;
        connection.send({ type: 'error', id, error: { ...stopping, outcome: 'failed' } });
      },
    });
    const { receipt } = stage.send();
    await receipt.end;
    assert.deepEqual([receipt.status, queries], [503, 1]);
  });
});

describe('a server that breaks the protocol', () => {
  const garbage: readonly (readonly [string, (arrival: StreamArrival) => void, number, RegExp])[] = [
    ['no JSON', ({ connection }) => connection.webSocket.send('not JSON'), 1007, /JSON objects/],
    ['no object', ({ connection }) => connection.webSocket.send('[]'), 1007, /JSON objects/],
    ['a binary message', ({ connection }) => connection.webSocket.send(Buffer.from('{}')), 1003, /text/],
    ['no type', ({ connection }) => connection.send({ id: 1 }), 1002, /of the stream protocol/],
    [
      'a field that is wrong',
      ({ connection, id }) => connection.send({ ...head, id, status: '200' }),
      1002,
      /stream/,
    ],
    [
      'a status that is none',
      ({ connection, id }) => connection.send({ ...head, id, status: 101 }),
      1002,
      /stream/,
    ],
    [
      'a header with a line break',
      ({ connection, id }) => connection.send({ ...head, id, headers: { a: 'b\r\nc: d' } }),
      1002,
      /stream protocol/,
    ],
    [
      'a chunk without a head',
      ({ connection, id }) => connection.send({ type: 'chunk', id, text: 'x' }),
      1002,
      /head/,
    ],
    ['no base64', ({ connection, id }) => connection.send({ ...end, id, base64: '!!!!' }), 1002, /base64/],
    [
      'the id of nobody',
      ({ connection }) => connection.send({ ...end, id: 12_345_678 }),
      1002,
      /the id of a query/,
    ],
    [
      'an id that is a text',
      ({ connection, id }) => connection.send({ ...end, id: String(id) }),
      1002,
      /the id/,
    ],
    [
      'an error for nobody',
      ({ connection }) =>
        connection.send({ type: 'error', error: { code: 'malformed_json', message: 'No.', status: 400 } }),
      1002,
      /with its error \(No\.\)/,
    ],
    [
      'a frame that is none',
      ({ connection }) => connection.socket.write(Buffer.from([0xff, 0xff])),
      1002,
      /WS_ERR/,
    ],
  ];
  for (const [what, send, close, message] of garbage) {
    it(`${what}: every query of the connection fails, and it is closed with ${close}`, async () => {
      await using stage = await startStage();
      const other = stage.send();
      const before = await stage.arrival();
      await before.head(200, 'OK', []);
      await other.receipt.head;
      const { receipt } = stage.send();
      send(await stage.arrival());
      await Promise.all([receipt.end, other.receipt.end]);
      const isFrame = what.startsWith('a frame');
      assert.equal(receipt.error?.code, isFrame ? 'upstream_bad_frame' : 'upstream_invalid_reply');
      assert.equal(other.receipt.error?.code, 'upstream_truncated');
      assert.match(receipt.error?.message ?? '', message);
      assert.equal((await before.connection.closed).code, close);
      // The next one finds another connection.
      const next = stage.send();
      await (await stage.arrival()).end();
      await next.receipt.end;
      assert.deepEqual([next.receipt.calls, stage.backend.connectionsTaken], [['head', 'end'], 2]);
    });
  }

  it('a message above the limit: upstream_message_too_large, and 1009', async () => {
    await using stage = await startStage({ limits: { messageBytesMax: 1_000 } });
    const { receipt } = stage.send();
    const { connection, id } = await stage.arrival();
    connection.send({ ...end, id, text: 'x'.repeat(1_000) });
    await receipt.end;
    assert.equal(receipt.error?.code, 'upstream_message_too_large');
    assert.equal((await connection.closed).code, 1009);
  });
});

describe('messages that concern nobody any more', () => {
  it('are passed over: of a query that was cancelled, and of one that had its seat before', async () => {
    await using stage = await startStage({ limits: { streamQueriesMax: 1 } });
    const first = stage.send();
    const one = await stage.arrival();
    first.control.abort();
    await one.unwanted();
    const second = stage.send();
    const two = await stage.arrival();
    one.connection.send({ ...end, id: one.id, text: 'late' });
    await two.head(200, 'OK', []);
    await two.end();
    await second.receipt.end;
    assert.deepEqual([first.receipt.calls, second.receipt.calls], [[], ['head', 'end']]);
    assert.equal(stage.backend.connectionsTaken, 1);
  });

  it('a ping of the server is answered', async () => {
    await using stage = await startStage();
    stage.send();
    const { connection } = await stage.arrival();
    connection.send({ type: 'ping', id: 'p' });
    assert.deepEqual(await connection.message('pong'), { type: 'pong', id: 'p' });
  });
});
