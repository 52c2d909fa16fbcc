import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { HttpSink } from '../../src/listener/http-sink.ts';
import {
  exchange,
  fieldOf,
  RawConnection,
  requestBytes,
  startRawServer,
  statusOf,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';

const piece = Buffer.alloc(64 * 1024, 'x');
const pieces = 320;

/** An upstream that sends 20 MB to each client, as fast as they are taken. */
function startGenerousUpstream() {
  return startRawServer(async (connection) => {
    await connection.request();
    await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${piece.length * pieces}\r\n\r\n`);
    for (let i = 0; i < pieces && (await connection.send(piece)); i += 1);
  });
}

describe('a client that reads', () => {
  it('nothing is given up, with its connection and the one to the upstream', async () => {
    await using upstream = await startGenerousUpstream();
    await using service = await startService({
      config: { upstreams: { default: upstream.url }, limits: { clientStallTimeoutMs: 50 } },
    });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(requestBytes({ target: '/x' }));
    const head = await connection.head();
    await service.inFlight.empty();
    const traceId = (head && fieldOf(head, 'traceresponse'))?.split('-')[1];
    const [trace] = service.telemetry.traces.list(1);
    assert.equal(trace?.traceId, traceId);
    assert.equal(trace?.attributes['sightline.outcome'], 'client_aborted');
    await upstream.connections[0]?.closed();
    // Not kept until it takes what it never will.
    await connection.rest();
    assert.ok(connection.wasReset);
    connection.close();
  });

  it('the refusal of its request while it still sends has all of it', async () => {
    await using service = await startService({ config: { limits: { queryBytesMax: 1_000 } } });
    for (let i = 0; i < 5; i += 1) {
      const body = Buffer.alloc(20_000_000, ' ');
      const reply = await exchange(service.dataUrl, {
        method: 'POST',
        target: '/v1/chat/completions',
        body,
      });
      assert.equal(statusOf(reply), 413);
      assert.ok(reply.isComplete);
    }
  });
});

describe('the wait for a client', () => {
  /** A response whose client has taken `sent` bytes of it and leaves the rest. */
  function stuck() {
    const calls: string[] = [];
    const socket = {
      bytesWritten: 1_000,
      writableLength: 900,
      destroySoon: () => calls.push('destroySoon'),
      resetAndDestroy: () => calls.push('reset'),
      destroy: () => calls.push('destroy'),
    };
    const response = Object.assign(new EventEmitter(), { socket, closed: false, write: () => false });
    const sink = new HttpSink(response as unknown as ServerResponse, {
      clientStallTimeoutMs: 100,
      lingerTimeoutMs: 100,
    });
    sink.watcher = { onDrain: () => undefined, onStall: () => calls.push('stall'), onClose: () => undefined };
    return { calls, socket, response, sink };
  }

  it('ends when it has taken nothing, and then nothing holds the connection', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { calls, sink } = stuck();
    sink.write(Buffer.from('x'));
    context.mock.timers.tick(99);
    assert.deepEqual(calls, []);
    context.mock.timers.tick(1);
    assert.deepEqual(calls, ['stall']);
    sink.break();
    assert.deepEqual(calls, ['stall', 'reset']);
  });

  it('goes on as long as it takes something', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { calls, socket, sink } = stuck();
    sink.write(Buffer.from('x'));
    for (let i = 0; i < 5; i += 1) {
      socket.writableLength -= 1;
      context.mock.timers.tick(100);
    }
    assert.deepEqual(calls, []);
    context.mock.timers.tick(100);
    assert.deepEqual(calls, ['stall']);
  });

  it('begins anew when the reply breaks off, and ends with the connection', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { calls, response, sink } = stuck();
    sink.write(Buffer.from('x'));
    context.mock.timers.tick(60);
    sink.break();
    assert.deepEqual(calls, ['destroySoon']);
    context.mock.timers.tick(60);
    assert.deepEqual(calls, ['destroySoon']);
    context.mock.timers.tick(40);
    assert.deepEqual(calls, ['destroySoon', 'destroy']);
    response.emit('close');
  });

  it('is over when the client has taken all, or has gone', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    for (const event of ['drain', 'close']) {
      const { calls, response, sink } = stuck();
      sink.write(Buffer.from('x'));
      response.emit(event);
      context.mock.timers.tick(1_000);
      assert.deepEqual(calls, []);
    }
  });
});

describe('the head of a reply', () => {
  it('keeps bytes beyond ASCII as they came, also where the body comes later', async () => {
    const sendBody = Promise.withResolvers<void>();
    await using upstream = await startRawServer(async (connection) => {
      await connection.request();
      await connection.send('HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\n');
      await sendBody.promise;
      await connection.send('ok');
    });
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const connection = await RawConnection.open(service.dataUrl);
    await connection.send(requestBytes({ target: '/x' }));
    const head = await connection.head();
    assert.equal(head && fieldOf(head, 'x-name'), 'caf\xe9');
    sendBody.resolve();
    connection.close();
  });

  for (const reply of [
    'HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 304 Not Modified\r\nTrailer: x-sum\r\n\r\n',
  ]) {
    it(`announces no trailers that cannot come: ${reply.slice(9, 12)}`, async () => {
      await using upstream = await startRawServer(async (connection) => {
        await connection.request();
        await connection.send(reply);
        connection.close();
      });
      await using service = await startService({ config: { upstreams: { default: upstream.url } } });
      const through = await exchange(service.dataUrl, { target: '/x' });
      assert.equal(statusOf(through), Number(reply.slice(9, 12)));
      assert.equal(fieldOf(through, 'trailer'), undefined);
    });
  }
});
