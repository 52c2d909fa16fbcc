import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ConnectOptions, connect, QueryError, type StreamClient } from '../../src/client/index.ts';
import { eventsOf, type FakeConnection, FakeServer } from './fake-server.ts';

const path = '/v1/chat/completions';

describe('a query of the client', () => {
  let server: FakeServer;
  before(async () => {
    server = await FakeServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  async function open(options: ConnectOptions = {}): Promise<[StreamClient, FakeConnection]> {
    const sightline = connect(server.url, options);
    return [sightline, await server.connection()];
  }

  it('goes out as the protocol has it, and resolves to the whole reply', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({
      path,
      body: { model: 'gpt-4o' },
      headers: { 'x-tenant': 'acme' },
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    assert.deepEqual(await connection.next(), {
      type: 'query',
      id: 1,
      path,
      window: 262_144,
      headers: { 'x-tenant': 'acme' },
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      body: { model: 'gpt-4o' },
    });
    connection.respond(1, {
      headers: { 'Content-Type': 'application/json', 'set-cookie': ['a=1', 'b=2'] },
      body: { id: 'chatcmpl-1' },
      model: 'gpt-4o-2024-08-06',
      usage: { input: 5, output: 7 },
      finishReasons: ['stop'],
      traceId: '0af7651916cd43dd8448eb211c80319c',
    });
    const { headers, ...reply } = await query;
    assert.deepEqual(reply, {
      ok: true,
      status: 200,
      body: { id: 'chatcmpl-1' },
      events: [],
      outcome: 'completed',
      model: 'gpt-4o-2024-08-06',
      usage: { input: 5, output: 7 },
      finishReasons: ['stop'],
      traceId: '0af7651916cd43dd8448eb211c80319c',
    });
    assert.equal(headers.get('content-type'), 'application/json');
    assert.deepEqual(headers.getSetCookie(), ['a=1', 'b=2']);
  });

  it('sends texts and bytes as they are, and gets them back', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const text = sightline.query({ path, body: 'Grüß Gott', reply: 'bytes' });
    const { id, text: sent, reply } = await connection.next();
    assert.deepEqual([sent, reply], ['Grüß Gott', 'bytes']);
    connection.respond(id, { text: 'Servus', trailers: { 'x-sum': '1' } });
    assert.equal((await text).text, 'Servus');
    assert.equal((await text).trailers?.get('x-sum'), '1');

    const image = Uint8Array.from({ length: 20_000 }, (_, i) => i % 256);
    const bytes = sightline.query({ path, body: image });
    const second = await connection.next();
    assert.deepEqual(Buffer.from(String(second.base64), 'base64'), Buffer.from(image));
    connection.respond(second.id, { base64: second.base64 });
    assert.deepEqual((await bytes).bytes, image);
  });

  it('resolves whatever the status is', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path });
    await connection.next();
    connection.respond(1, { status: 401, outcome: 'upstream_error', body: { error: { message: 'No key' } } });
    const { ok, status, body } = await query;
    assert.deepEqual(
      { ok, status, body },
      { ok: false, status: 401, body: { error: { message: 'No key' } } },
    );
  });

  it('rejects with what the server says of an error', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, body: { model: 7 } });
    await connection.next();
    const error = {
      code: 'message_invalid',
      message: 'The message is not as its type wants it.',
      status: 400,
      field: 'body.model',
      reason: 'expected a text',
      outcome: 'blocked',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      exchangeId: 'ex-1',
    };
    connection.send({ type: 'error', id: 1, error });
    await assert.rejects(query, (thrown) => {
      assert.ok(thrown instanceof QueryError);
      const { name, ...rest } = thrown;
      assert.deepEqual({ ...rest, message: thrown.message }, { ...error, wasSent: true, chunks: 0 });
      return true;
    });
  });

  it('is iterated over event by event, and then awaited for what came with the end', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query<{ n: number }>({ path, body: { stream: true } });
    await connection.next();
    connection.send({ type: 'chunk', id: 1, status: 200, headers: { 'x-a': '1' }, data: { n: 1 } });
    connection.send({ type: 'chunk', id: 1, event: 'more', data: { n: 2 } });
    connection.send({ type: 'chunk', id: 1, data: '[DONE]' });
    connection.respond(1, { usage: { output: 2 } });
    const events = await eventsOf(query);
    assert.deepEqual(events, [{ data: { n: 1 } }, { event: 'more', data: { n: 2 } }, { text: '[DONE]' }]);
    const reply = await query;
    assert.deepEqual([reply.usage, reply.headers.get('x-a'), reply.events], [{ output: 2 }, '1', []]);
  });

  it('collects the events for whoever awaits the whole of it', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, body: { stream: true } });
    await connection.next();
    connection.send({ type: 'chunk', id: 1, status: 200, headers: {} });
    connection.send({ type: 'chunk', id: 1, data: { n: 1 } });
    connection.send({ type: 'chunk', id: 1, base64: 'AAE=' });
    connection.respond(1);
    assert.deepEqual((await query).events, [{ data: { n: 1 } }, { bytes: Uint8Array.of(0, 1) }]);
  });

  it('is one event to a loop, where the reply did not come in pieces', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path });
    await connection.next();
    connection.respond(1, { body: { whole: true } });
    assert.deepEqual(await eventsOf(query), [{ data: { whole: true } }]);
  });

  it('shows a loop that the reply is an error', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, body: { stream: true } });
    await connection.next();
    connection.respond(1, { status: 429, outcome: 'upstream_error', body: { error: 'slow down' } });
    await assert.rejects(eventsOf(query), (thrown) => {
      assert.ok(thrown instanceof QueryError);
      assert.deepEqual([thrown.code, thrown.status, thrown.outcome], ['error_status', 429, 'upstream_error']);
      assert.deepEqual(thrown.reply?.body, { error: 'slow down' });
      return true;
    });
  });

  it('shows a loop that the reply is an error, also where it came in pieces', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, reply: 'bytes' });
    await connection.next();
    connection.send({ type: 'chunk', id: 1, status: 503, text: 'not ' });
    connection.send({ type: 'chunk', id: 1, text: 'now' });
    connection.respond(1, { status: 503, outcome: 'upstream_error' });
    const seen: unknown[] = [];
    const looped = (async () => {
      for await (const { text } of query) seen.push(text);
    })();
    await assert.rejects(looped, { code: 'error_status', status: 503, chunks: 2 });
    assert.deepEqual(seen, ['not ', 'now']);
    assert.deepEqual([(await query).ok, (await query).status], [false, 503]);
  });

  it('gives a loop all events before the error that the stream ends with', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, body: { stream: true } });
    await connection.next();
    connection.send({ type: 'chunk', id: 1, status: 200, data: 1 });
    connection.send({ type: 'chunk', id: 1, data: 2 });
    const error = { code: 'upstream_truncated', message: 'It broke off.', outcome: 'upstream_truncated' };
    connection.send({ type: 'error', id: 1, error });
    await connection.settled();
    const seen: unknown[] = [];
    const looped = (async () => {
      for await (const { data } of query) seen.push(data);
    })();
    await assert.rejects(looped, { code: 'upstream_truncated', chunks: 2, outcome: 'upstream_truncated' });
    assert.deepEqual(seen, [1, 2]);
    await assert.rejects(query, { code: 'upstream_truncated' });
  });

  it('is iterated over once', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path });
    await connection.next();
    connection.respond(1);
    assert.deepEqual(await eventsOf(query), []);
    await assert.rejects(eventsOf(query), { name: 'TypeError', message: /once/ });
  });

  it('is cancelled by leaving the loop', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, body: { stream: true } });
    await connection.next();
    connection.send({ type: 'chunk', id: 1, status: 200, data: { n: 1 } });
    for await (const { data } of query) {
      assert.deepEqual(data, { n: 1 });
      break;
    }
    assert.deepEqual(await connection.next(), { type: 'cancel', id: 1 });
    await assert.rejects(query, {
      code: 'client_aborted',
      outcome: 'client_aborted',
      wasSent: true,
      chunks: 1,
    });
  });

  it('has nothing more for whoever has left', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, body: { stream: true } });
    await connection.next();
    const events = query[Symbol.asyncIterator]();
    await events.return?.();
    assert.deepEqual(await events.next(), { value: undefined, done: true });
    await assert.rejects(query, { code: 'client_aborted' });
  });

  it('is not cancelled any more, where its reply is whole', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path, body: { stream: true } });
    await connection.next();
    connection.send({ type: 'chunk', id: 1, status: 200, data: 1 });
    connection.send({ type: 'chunk', id: 1, data: 2 });
    connection.respond(1);
    await connection.settled();
    for await (const _event of query) break;
    assert.equal((await query).status, 200);
    await connection.settled();
    assert.deepEqual(connection.unread, []);
  });

  it('is cancelled by its signal, and what still comes for it concerns nobody', async () => {
    const messages: unknown[] = [];
    const [sightline, connection] = await open({ onMessage: (message) => messages.push(message) });
    await using _ = sightline;
    const controller = new AbortController();
    const query = sightline.query({ path, signal: controller.signal });
    await connection.next();
    controller.abort(new Error('the page was left'));
    await assert.rejects(query, { code: 'client_aborted', message: /the page was left/ });
    assert.deepEqual(await connection.next(), { type: 'cancel', id: 1 });
    connection.send({ type: 'chunk', id: 1, status: 200, data: 'late' });
    connection.send({
      type: 'error',
      id: 1,
      error: { code: 'client_aborted', message: 'The client hung up.' },
    });
    await connection.settled();
    assert.deepEqual(messages, []);
  });

  it('is not sent where its signal was aborted before', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    await sightline.ready;
    const query = sightline.query({ path, signal: AbortSignal.abort() });
    await assert.rejects(query, { code: 'client_aborted', wasSent: false });
    await connection.settled();
    assert.deepEqual(connection.unread, []);
  });

  it('does not go where it is no JSON', async () => {
    const [sightline] = await open();
    await using _ = sightline;
    await assert.rejects(sightline.query({ path, body: { n: 1n } }), {
      code: 'message_invalid',
      wasSent: false,
    });
  });

  it('fails without a word where nobody looks after it', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const stray: unknown[] = [];
    const note = (reason: unknown) => stray.push(reason);
    process.on('unhandledRejection', note);
    sightline.query({ path });
    const iterated = sightline.query({ path });
    const { id } = await connection.next();
    connection.send({ type: 'error', id, error: { code: 'internal', message: 'Sightline failed.' } });
    await connection.next();
    connection.send({ type: 'error', id: 2, error: { code: 'internal', message: 'Sightline failed.' } });
    await assert.rejects(eventsOf(iterated), { code: 'internal' });
    // The process says so when the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    assert.deepEqual(stray, []);
  });
});
