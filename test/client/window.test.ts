import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type StreamClient } from '../../src/client/index.ts';
import { eventsOf, type FakeConnection, FakeServer } from './fake-server.ts';

const path = '/v1/chat/completions';
const window = 1_000;
const text = 'ü'.repeat(100);

describe('the window of a query', () => {
  let server: FakeServer;
  before(async () => {
    server = await FakeServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  async function open(): Promise<[StreamClient, FakeConnection]> {
    const sightline = connect(server.url, { window });
    return [sightline, await server.connection()];
  }

  it('stays as full as it is while nobody takes anything', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path });
    assert.equal((await connection.next()).window, window);
    for (let i = 0; i < 4; i += 1) connection.send({ type: 'chunk', id: 1, text });
    await connection.settled();
    assert.deepEqual(connection.unread, []);
    // Whoever awaits it wants all of it.
    const whole = query.then(({ events }) => events.length);
    const { type, id, bytes } = await connection.next();
    assert.deepEqual([type, id, Number(bytes) >= window / 2], ['window', 1, true]);
    connection.respond(1);
    assert.equal(await whole, 4);
  });

  it('is granted anew as a loop takes events, half of it at a time, until the reply is whole', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path });
    await connection.next();
    for (let i = 0; i < 4; i += 1) connection.send({ type: 'chunk', id: 1, text });
    const events = query[Symbol.asyncIterator]();
    for (const grants of [0, 0, 1]) {
      await events.next();
      await connection.settled();
      assert.equal(connection.unread.length, grants);
    }
    assert.deepEqual(await connection.next(), { type: 'window', id: 1, bytes: 600 });
    for (let i = 0; i < 4; i += 1) connection.send({ type: 'chunk', id: 1, text });
    connection.respond(1);
    await connection.settled();
    assert.equal((await eventsOf({ [Symbol.asyncIterator]: () => events })).length, 5);
    await connection.settled();
    assert.deepEqual(connection.unread, []);
  });

  it('counts events by the bytes of their messages, and pieces by their own', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query({ path });
    await connection.next();
    const events = query[Symbol.asyncIterator]();
    const granted: unknown[] = [];
    const take = async (message: object, bytes: number) => {
      connection.send({ type: 'chunk', id: 1, ...message });
      await events.next();
      granted.push((await connection.next()).bytes, bytes);
    };
    const data = { text: text.repeat(3) };
    await take({ data }, Buffer.byteLength(JSON.stringify({ type: 'chunk', id: 1, data })));
    await take({ text: `${text.repeat(3)}€😀` }, 607);
    for (const length of [601, 602, 603])
      await take({ base64: Buffer.alloc(length).toString('base64') }, length);
    assert.deepEqual(
      granted.filter((_, i) => i % 2 === 0),
      granted.filter((_, i) => i % 2 === 1),
    );
    connection.respond(1);
    assert.equal((await events.next()).done, true);
  });

  it('keeps what was collected for a loop that begins later', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const query = sightline.query<number>({ path });
    await connection.next();
    const whole = query.then(({ events }) => events);
    for (let i = 0; i < 600; i += 1) connection.send({ type: 'chunk', id: 1, data: i });
    await connection.settled();
    const seen: unknown[] = [];
    for await (const { data } of query) {
      seen.push(data);
      if (data === 599) connection.respond(1);
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 600 }, (_, i) => i),
    );
    assert.deepEqual(await whole, []);
  });

  it('of one query that is not taken holds up no other', async () => {
    const [sightline, connection] = await open();
    await using _ = sightline;
    const slow = sightline.query({ path });
    const quick = Array.from({ length: 49 }, () => sightline.query({ path }));
    for (let i = 0; i < 50; i += 1) {
      const { id } = await connection.next();
      connection.send({ type: 'chunk', id, text });
      connection.send({ type: 'chunk', id, text });
      if (id !== slow.id) connection.respond(id);
    }
    for (const { events } of await Promise.all(quick)) assert.equal(events.length, 2);
    connection.respond(slow.id);
    assert.equal((await eventsOf(slow)).length, 2);
  });
});
