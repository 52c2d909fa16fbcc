import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, test } from 'node:test';
import express, { type Response } from 'express';
import { type EventStream, EventStreams } from '../../src/admin/event-stream.ts';
import { SightlineError } from '../../src/errors.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import { readEvents } from './read-events.ts';

/** A server whose one route is a stream. */
async function serve(limits: Partial<Limits> = {}) {
  const streams = new EventStreams({ ...defaultLimits, ...limits });
  const opened: EventStream[] = [];
  const events = new EventEmitter();
  const refused: unknown[] = [];
  const app = express();
  app.get('/', (_request, response: Response) => {
    try {
      opened.push(streams.open(response));
    } catch (thrown) {
      refused.push(thrown);
      response.status(503).end();
    }
    events.emit('asked');
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    streams,
    refused,
    url: `http://127.0.0.1:${port}`,
    port,
    /** The next one that is opened. */
    async opened(): Promise<EventStream> {
      while (opened.length === 0) await once(events, 'asked');
      return opened.shift() as EventStream;
    },
    async [Symbol.asyncDispose]() {
      streams.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

const closed = (stream: EventStream) => new Promise<void>((resolve) => stream.onClose(resolve));

describe('a stream of events', () => {
  test('is one for an EventSource, which nobody keeps back', async () => {
    await using server = await serve();
    const { status, headers } = await fetch(server.url);
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^text\/event-stream\b/);
    assert.equal(headers.get('x-accel-buffering'), 'no');
  });

  test('carries ids, names and data, whatever they say', async () => {
    await using server = await serve();
    const events = readEvents(await fetch(server.url));
    const stream = await server.opened();
    const data = { text: 'two\nlines\r\nand a third', list: [1, null] };
    stream.send({ id: 7, event: 'snapshot', data });
    stream.send({ data: 'plain' });
    stream.send({ id: 'x', data: null });
    assert.deepEqual(await events.take(3), [
      { id: '7', event: 'snapshot', data },
      { id: undefined, event: undefined, data: 'plain' },
      { id: 'x', event: undefined, data: null },
    ]);
  });

  test('says now and then that it is alive', async () => {
    await using server = await serve({ eventStreamKeepAliveMs: 5 });
    const reply = await fetch(server.url);
    const { value } = (await reply.body?.getReader().read()) ?? {};
    assert.match(Buffer.from(value ?? []).toString(), /^(:\n\n)+$/);
  });

  test('ends with the others when all are closed, and takes nothing more', async () => {
    await using server = await serve();
    const replies = await Promise.all([fetch(server.url), fetch(server.url)]);
    const streams = [await server.opened(), await server.opened()];
    streams[0]?.send({ data: 'last' });
    server.streams.close();
    server.streams.close();
    const texts = await Promise.all(replies.map((reply) => reply.text()));
    assert.deepEqual(texts.toSorted(), ['', 'data: "last"\n\n']);
    for (const stream of streams) {
      assert.equal(stream.isOpen, false);
      assert.equal(stream.send({ data: 'late' }), false);
      await stream.drained();
      stream.close();
    }
    assert.equal((await fetch(server.url)).status, 503);
    assert.equal((server.refused[0] as SightlineError).code, 'stopping');
  });

  test('frees its place when the reader leaves', async () => {
    await using server = await serve({ eventStreamsMax: 1 });
    const abort = new AbortController();
    await fetch(server.url, { signal: abort.signal });
    const first = await server.opened();
    assert.equal((await fetch(server.url)).status, 503);
    assert.ok(server.refused[0] instanceof SightlineError && server.refused[0].code === 'too_many_streams');
    abort.abort();
    await closed(first);
    assert.equal((await fetch(server.url)).status, 200);
  });
});

describe('a reader that takes nothing', () => {
  /** Asks, and reads no further. */
  function ask(port: number) {
    const socket = connect(port, '127.0.0.1').pause();
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    return { socket, [Symbol.dispose]: () => void socket.destroy() };
  }

  const megabyte = 'x'.repeat(1 << 20);

  test('is cut off when too much waits for it', async () => {
    const eventStreamBytesMax = 3 << 20;
    await using server = await serve({ eventStreamBytesMax });
    using _reader = ask(server.port);
    const stream = await server.opened();
    const end = closed(stream);
    let sent = 0;
    // What the kernel takes does not wait.
    while (stream.isOpen && sent < 100) {
      stream.send({ data: megabyte });
      sent += 1;
    }
    await end;
    assert.ok(sent >= 3 && sent < 100, `${sent} MB`);
    assert.equal(stream.send({ data: 'more' }), false);
  });

  test('is cut off after two beats, if something waits for it', async () => {
    await using server = await serve({ eventStreamKeepAliveMs: 5, eventStreamBytesMax: 1 << 30 });
    using _reader = ask(server.port);
    const stream = await server.opened();
    const end = closed(stream);
    for (let sent = 0; sent < 20; sent += 1) stream.send({ data: megabyte });
    const drained = stream.drained();
    await end;
    await drained;
    assert.equal(stream.isOpen, false);
  });

  test('can catch up', async () => {
    await using server = await serve({ eventStreamBytesMax: 1 << 30 });
    using reader = ask(server.port);
    const stream = await server.opened();
    let isTaken = true;
    while (isTaken) isTaken = stream.send({ data: megabyte });
    reader.socket.resume();
    await stream.drained();
    assert.equal(stream.isOpen, true);
    assert.equal(stream.send({ data: 'small' }), true);
  });
});
