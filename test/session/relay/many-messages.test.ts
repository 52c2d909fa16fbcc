import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Endings } from '../../support/endings.ts';
import { Random } from '../../support/random.ts';
import { startService } from '../../support/service.ts';

const sessions = 20;
const messagesEachWay = 250;
const bytesMax = 9_900_000;

/** Contents are cut out of these, so that both ends know them by a number. */
const pools = { binary: binaryPool(), text: textPool() };

interface Planned {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** The same for the same session, direction and number, on both ends. */
function* plan(session: number, direction: number): Generator<Planned> {
  const random = new Random(session * 2 + direction + 1);
  for (let i = 0; i < messagesEachWay; i += 1) {
    const isBinary = random.chance(0.5);
    const length = lengthOf(random, i);
    const pool = isBinary ? pools.binary : pools.text;
    const from = random.integer(0, pool.length - length - 1);
    yield { data: pool.subarray(from, from + length), isBinary };
  }
}

function lengthOf(random: Random, i: number): number {
  // One in each direction of each session is as large as can be, or nearly.
  if (i === 100) return random.chance(0.5) ? bytesMax : random.integer(1_000_000, bytesMax);
  if (random.chance(0.02)) return random.integer(0, 500_000);
  return random.chance(0.2) ? random.pick([0, 1, 125, 126, 127, 65_535, 65_536]) : random.integer(0, 3_000);
}

function binaryPool(): Buffer {
  const random = new Random(1);
  const block = Buffer.from(Array.from({ length: 65_537 }, () => random.integer(0, 255)));
  return Buffer.alloc(bytesMax + 1_000_000, block);
}

function textPool(): Buffer {
  const random = new Random(2);
  const block = Array.from({ length: 65_537 }, () => String.fromCharCode(random.integer(32, 126))).join('');
  return Buffer.alloc(bytesMax + 1_000_000, block);
}

/** Sends all of it, no faster than the other end takes it. */
async function send(socket: WebSocket, session: number, direction: number): Promise<void> {
  for (const { data, isBinary } of plan(session, direction)) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Fragments now and then, the last one empty.
    if (data.length % 7 === 0) {
      socket.send(data.subarray(0, data.length >> 1), { binary: isBinary, fin: false });
      socket.send(data.subarray(data.length >> 1), { binary: isBinary, fin: false });
      socket.send('', { binary: isBinary, fin: true }, (error) => (error ? reject(error) : resolve()));
    } else {
      socket.send(data, { binary: isBinary }, (error) => (error ? reject(error) : resolve()));
    }
    if (socket.bufferedAmount > 1_000_000) await promise;
    else promise.catch(() => undefined);
  }
}

/** Resolves when all of it has come, each message byte for byte. */
function receive(socket: WebSocket, session: number, direction: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const expected = plan(session, direction);
  let count = 0;
  socket.on('close', (code) => reject(new Error(`closed with ${code} after ${count} messages`)));
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    const { value } = expected.next();
    if (value?.isBinary !== isBinary || !value.data.equals(data))
      reject(new Error(`message ${count} of session ${session} is not what was sent`));
    count += 1;
    if (count === messagesEachWay) resolve();
  });
  return promise;
}

describe('ten thousand messages in twenty sessions', () => {
  it('come as they were sent, both ways, compressed or not, while others are cut off for their size', async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      maxPayload: 0,
      perMessageDeflate: { threshold: 0, zlibDeflateOptions: { level: 1 } },
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await using service = await startService({
      config: { upstreams: { default: `http://127.0.0.1:${port}` } },
    });
    const endings = new Endings(service);
    const url = service.dataUrl.replace('http', 'ws');
    const atServer: Promise<void>[] = [];
    server.on('connection', (socket, request) => {
      socket.on('error', () => undefined);
      const session = Number(request.headers['x-session']);
      if (Number.isNaN(session)) return;
      atServer.push(
        Promise.all([send(socket, session, 1), receive(socket, session, 0)]).then(() => undefined),
      );
    });
    const open = async (headers: Record<string, string>, perMessageDeflate: boolean | object) => {
      const socket = new WebSocket(`${url}/v1/unknown`, { headers, perMessageDeflate, maxPayload: 0 });
      await once(socket, 'open');
      return socket;
    };
    const atClients = Array.from({ length: sessions }, async (_, session) => {
      const isCompressed = session % 4 === 0;
      const deflate = isCompressed && { threshold: 0, zlibDeflateOptions: { level: 1 } };
      const socket = new WebSocket(`${url}/v1/unknown`, {
        headers: { 'x-session': `${session}`, 'x-request-id': `session-${session}` },
        perMessageDeflate: deflate,
        maxPayload: 0,
      });
      const received = receive(socket, session, 1);
      await once(socket, 'open');
      assert.equal(socket.extensions.startsWith('permessage-deflate'), isCompressed);
      await Promise.all([send(socket, session, 0), received]);
      return socket;
    });

    const tooLarge = await open({ 'x-request-id': 'too-large' }, false);
    tooLarge.on('error', () => undefined);
    tooLarge.send(Buffer.alloc(10 * 1024 * 1024 + 1));
    const [code] = await once(tooLarge, 'close');
    assert.equal(code, 1009);
    assert.equal((await endings.of('too-large')).outcome, 'blocked');

    const sockets = await Promise.all(atClients);
    await Promise.all(atServer);
    assert.equal(atServer.length, sessions);
    for (const socket of sockets) socket.close(1000);
    for (let session = 0; session < sessions; session += 1)
      assert.equal((await endings.of(`session-${session}`)).outcome, 'completed');
    server.close();
    await once(server, 'close');
  });
});
