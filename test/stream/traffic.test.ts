import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Received } from '../../src/exchange/session-facts.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { Endings } from '../support/endings.ts';
import { startService } from '../support/service.ts';
import { factsOf } from './session-facts.ts';
import { chat, StreamClient } from './stream-client.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
});
after(() => simulator.close());

const start = (limits: object = {}, middleware: readonly Middleware[] = []) =>
  startService({ config: { upstreams: { default: simulator.url }, limits }, middleware });

const named = { headers: { 'x-request-id': 'session' } };

/** A frame on the wire: of clients they have a mask. */
const sizeOf = (payload: number, isMasked: boolean) =>
  (payload < 126 ? 2 : payload < 65_536 ? 4 : 10) + (isMasked ? 4 : 0) + payload;

/** Counts what a client sends and gets, frame by frame. */
class Tally {
  readonly sent: Received = { frames: 0, messages: 0, bytes: 0 };
  readonly got: Received = { frames: 0, messages: 0, bytes: 0 };

  constructor({ socket }: StreamClient) {
    socket.on('message', (data) => {
      this.got.messages += 1;
      this.frame(this.got, (data as Buffer).length);
    });
    socket.on('pong', (data) => this.frame(this.got, data.length));
    // The code and the reason; the client answers with both.
    socket.on('close', (_code, reason) => {
      this.frame(this.got, 2 + reason.length);
      this.frame(this.sent, 2 + reason.length);
    });
  }

  frame(count: Received, payload: number): void {
    count.frames += 1;
    count.bytes += sizeOf(payload, count === this.sent);
  }

  message(text: string): string {
    this.sent.messages += 1;
    this.frame(this.sent, Buffer.byteLength(text));
    return text;
  }
}

describe('what goes over a connection', () => {
  it('is counted in both directions: messages, frames and bytes', async () => {
    for (const closesFirst of ['client', 'service']) {
      await using service = await start();
      const endings = new Endings(service);
      const client = await StreamClient.open(service, named);
      const tally = new Tally(client);
      const facts = factsOf(service);
      client.send(tally.message(JSON.stringify(chat(1, 'sim-tokens-3'))));
      client.send(tally.message(JSON.stringify(chat(2, 'sim-tokens-20000', { body: { stream: false } }))));
      client.send(tally.message('no message: Grüße'));
      await Promise.all([client.answer(1), client.answer(2)]);
      client.socket.ping('hello');
      tally.frame(tally.sent, 5);
      await once(client.socket, 'pong');
      assert.deepEqual(facts.received, { client: tally.sent, upstream: tally.got }, 'while it is open');
      if (closesFirst === 'client') client.socket.close(1000, 'bye');
      else void service.stop();
      await client.closed;
      await endings.of('session');
      assert.deepEqual(facts.received, { client: tally.sent, upstream: tally.got }, closesFirst);
      assert.ok(tally.got.messages > 5 && tally.got.bytes > 65_536);
    }
  });

  it('is in the metrics and on the span of its session', async () => {
    await using service = await start();
    const endings = new Endings(service);
    const client = await StreamClient.open(service, named);
    await client.ask(chat(1, 'sim-tokens-3'));
    const told = async (what: string, direction: string) => {
      const page = await service.telemetry.page.render();
      const line = new RegExp(
        `^sightline_session_${what}_total\\{.*direction="${direction}".*\\} (\\d+)$`,
        'm',
      );
      return Number(line.exec(page)?.[1]);
    };
    assert.equal(await told('messages', 'upstream'), client.messages.length);
    assert.ok((await told('bytes', 'upstream')) > 500);
    client.socket.close();
    const session = await endings.of('session');
    const { spans = [] } = service.telemetry.traces.get(session.traceId ?? '') ?? {};
    const { attributes = {} } = spans.find(({ name }) => name === 'websocket /stream') ?? {};
    assert.equal(attributes[attribute.sessionUpstreamMessages], client.messages.length);
    assert.equal(attributes[attribute.sessionClientMessages], 1);
  });

  it('is counted from the first frame, also where its client did not wait for the answer to its handshake', async () => {
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const slow: Middleware = {
      name: 'slow',
      beforeQuery: () => {
        asked.resolve();
        return gate.promise;
      },
    };
    await using service = await start({}, [slow]);
    const endings = new Endings(service);
    const socket = connect(Number(new URL(service.dataUrl).port), '127.0.0.1').resume();
    const lines = [
      'GET /stream HTTP/1.1',
      'host: x',
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'x-request-id: session',
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    await asked.promise;
    const facts = factsOf(service);
    // An empty ping, masked: six bytes.
    const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);
    for (let n = 0; n < 3; n += 1) {
      socket.write(ping);
      await setImmediate();
    }
    gate.resolve();
    while (facts.received.client.frames < 3) await setImmediate();
    assert.equal(facts.received.client.bytes, 18);
    socket.destroy();
    await endings.of('session');
  });
});

/** Not `once`: that fails with the connection. */
const drained = (socket: Socket) => new Promise<void>((resolve) => socket.once('drain', resolve));

it('a flood of pings whose answers nobody reads is stopped, and not kept in memory', async () => {
  await using service = await start({
    clientMessagesPerSecondMax: 100_000_000,
    sendBufferBytesMax: 10_000,
    clientStallTimeoutMs: 100,
  });
  const endings = new Endings(service);
  const client = await StreamClient.open(service, named);
  const facts = factsOf(service);
  client.raw.pause();
  const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)]);
  const pings = Buffer.concat(Array(5_000).fill(ping));
  // Far more than two kernels take.
  for (let n = 0; n < 100 && !client.raw.destroyed; n += 1)
    if (!client.raw.write(pings)) await Promise.race([drained(client.raw), client.closed]);
  assert.equal((await endings.of('session')).outcome, 'client_aborted');
  assert.equal(facts.close?.reason, 'The client stopped reading.');
  await client.closed;
});
