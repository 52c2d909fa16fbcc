import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type ServerEvent, type StreamClient } from '../../src/client/index.ts';
import { eventsOf, type FakeConnection, FakeServer } from './fake-server.ts';

describe('a message of a type that a plugin brings', () => {
  let server: FakeServer;
  before(async () => {
    server = await FakeServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  async function open(onMessage?: (message: ServerEvent) => void): Promise<[StreamClient, FakeConnection]> {
    const sightline = connect(server.url, { ...(onMessage && { onMessage }) });
    return [sightline, await server.connection()];
  }

  it('is answered by the message that comes back with its id', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const sent = sightline.send<{ text: string }>({ type: 'translate', text: 'Hello!', to: 'de' });
    assert.deepEqual(await connection.next(), { type: 'translate', text: 'Hello!', to: 'de', id: 1 });
    connection.send({ type: 'translated', id: 1, text: 'Servus!' });
    const { message, events } = await sent;
    assert.deepEqual([message.text, events], ['Servus!', []]);
  });

  it('is answered by a response, where it has become a query', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const sent = sightline.send({ type: 'ask', prompt: 'Hello!' });
    await connection.next();
    connection.send({ type: 'chunk', id: 1, status: 200, data: { n: 1 } });
    connection.respond(1, { usage: { output: 3 } });
    const { ok, status, usage, events, message } = await sent;
    assert.deepEqual([ok, status, usage, events], [true, 200, { output: 3 }, [{ data: { n: 1 } }]]);
    assert.equal(message.type, 'response');
  });

  it('is answered by an error, where it is wrong', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const sent = sightline.send({ type: 'translate' });
    await connection.next();
    const error = {
      code: 'message_invalid',
      message: 'No.',
      status: 400,
      field: 'to',
      reason: 'expected a text',
    };
    connection.send({ type: 'error', id: 1, error });
    await assert.rejects(sent, { code: 'message_invalid', field: 'to', reason: 'expected a text' });
  });

  it('is answered by several messages, where the app says which one is the last', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const until = ({ type }: ServerEvent) => type === 'done';
    const first = sightline.send({ type: 'count' }, { until });
    const second = sightline.send({ type: 'count' }, { until });
    for (const id of [1, 2]) {
      await connection.next();
      for (const n of [1, 2]) connection.send({ type: 'step', id, n });
      connection.send({ type: 'done', id, n: 3 });
    }
    assert.deepEqual(
      (await eventsOf(first)).map(({ message }) => message?.n),
      [1, 2],
    );
    assert.equal((await first).message.n, 3);
    assert.deepEqual(
      (await second).events.map(({ message }) => message?.n),
      [1, 2],
    );
  });

  it('is cancelled where the app breaks when it is asked for the last one', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const cause = new Error('the app broke');
    const sent = sightline.send(
      { type: 'count' },
      {
        until() {
          throw cause;
        },
      },
    );
    await connection.next();
    connection.send({ type: 'step', id: 1 });
    await assert.rejects(sent, { code: 'client_aborted', message: /the app broke/, cause });
    assert.deepEqual(await connection.next(), { type: 'cancel', id: 1 });
  });

  it('has no answer where the app does not wait for one', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const sent = sightline.send({ type: 'note' });
    await connection.next();
    sent.cancel();
    await assert.rejects(sent, { code: 'client_aborted' });
    assert.deepEqual(await connection.next(), { type: 'cancel', id: 1 });
  });

  it('may come from the server at any time', async () => {
    const messages: ServerEvent[] = [];
    const [sightline, connection] = await open((message) => messages.push(message));
    await using _ = sightline;
    const query = sightline.query({ path: '/v1/models' });
    await connection.next();
    const unasked = [
      { type: 'news', text: 'a' },
      { type: 'progress', id: 1, percent: 50 },
      { type: 'error', error: { code: 'malformed_json', message: 'The message is not valid JSON.' } },
      { type: 'chunk', id: 'of-nobody', data: 1 },
      { type: '__proto__' },
      { type: 'constructor' },
    ];
    for (const message of unasked) connection.send(message);
    connection.respond(1);
    assert.equal((await query).status, 200);
    assert.deepEqual(messages, unasked);
  });
});
