import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../support/random.ts';
import { type FrameParts, frameBytes, randomBytes, randomPieces } from '../../wire/websocket/frames.ts';
import { type RawPeer, startRawUpstream } from './raw-session.ts';
import { SessionStage } from './session-stage.ts';

const compressed = { headers: ['Sec-WebSocket-Extensions', 'permessage-deflate'] };

/** Messages of all kinds, with control frames between their frames. */
function randomFrames(random: Random, isCompressed: boolean): FrameParts[] {
  const frames: FrameParts[] = [];
  for (let messages = random.integer(1, 8); messages > 0; messages -= 1) {
    const isBinary = random.chance(0.5);
    const rsv = isCompressed && random.chance(0.5) ? 4 : 0;
    const count = random.pick([1, 1, 1, 2, 5]);
    for (let i = 0; i < count; i += 1) {
      if (random.chance(0.2))
        frames.push({ opcode: random.pick([9, 10]), payload: randomBytes(random, random.integer(0, 125)) });
      const length = random.pick([0, 1, 5, 100, 125, 126, 127, 1_000, 65_535, 65_536]);
      const payload = isBinary || rsv > 0 ? randomBytes(random, length) : Buffer.alloc(length, 'x');
      frames.push({
        opcode: i > 0 ? 0 : isBinary ? 2 : 1,
        rsv: i > 0 ? 0 : rsv,
        fin: i === count - 1,
        payload,
      });
    }
  }
  return frames;
}

async function arrive(from: RawPeer, to: RawPeer, pieces: readonly Buffer[]): Promise<void> {
  const all = Buffer.concat(pieces);
  const [got] = await Promise.all([
    to.take(all.length),
    (async () => {
      for (const piece of pieces) await from.connection.send(piece);
    })(),
  ]);
  assert.ok(got.equals(all), 'what came is not what was sent');
}

describe('the bytes of a session', () => {
  it('reach the other side as they came, both ways, whatever the frames and wherever they break', async () => {
    const upstream = await startRawUpstream(compressed);
    await using stage = await SessionStage.start({ upstream });
    const { client, upstream: server } = await stage.session(compressed);
    const random = new Random(11);
    for (let round = 0; round < 40; round += 1) {
      const [from, to] = random.chance(0.5) ? [client, server] : [server, client];
      const bytes = randomFrames(random, true).map((frame) => from.bytes(frame));
      await arrive(from, to, randomPieces(random, Buffer.concat(bytes), random.pick([20_000, 200_000])));
    }
    await client.close(1000);
    await server.frame();
    await server.close(1000);
    assert.equal(await stage.ending(), 'completed');
  });

  for (const peer of ['client', 'upstream'] as const) {
    it(`of a ${peer} may be broken at every place`, async () => {
      await using stage = await SessionStage.start();
      const { client, upstream } = await stage.session();
      const [from, to] = peer === 'client' ? [client, upstream] : [upstream, client];
      const bytes = Buffer.concat([
        from.bytes({ opcode: 1, payload: Buffer.from('grüß'), fin: false }),
        from.bytes({ opcode: 9, payload: Buffer.from('ping') }),
        from.bytes({ opcode: 0, payload: Buffer.from(' dich €') }),
        from.bytes({ opcode: 2, payload: Buffer.alloc(130, 7) }),
        from.bytes({ opcode: 1 }),
      ]);
      for (let at = 1; at < bytes.length; at += 1)
        await arrive(from, to, [Buffer.from(bytes.subarray(0, at)), Buffer.from(bytes.subarray(at))]);
      await arrive(
        from,
        to,
        Array.from(bytes, (byte) => Buffer.from([byte])),
      );
    });
  }

  it('that come with the handshake, on either side, are the first ones', async () => {
    const greeting = frameBytes({ opcode: 1, payload: Buffer.from('welcome') });
    await using stage = await SessionStage.start({
      upstream: await startRawUpstream({ head: Buffer.concat([greeting, greeting]) }),
    });
    const mask = Buffer.from('mask');
    const head = Buffer.concat([
      frameBytes({ opcode: 1, payload: Buffer.from('hello'), mask }),
      frameBytes({ opcode: 1, payload: Buffer.from('again'), mask }).subarray(0, 7),
    ]);
    const { client, upstream } = await stage.session({ head });
    assert.equal(await client.nextText(), 'welcome');
    assert.equal(await client.nextText(), 'welcome');
    assert.equal(await upstream.nextText(), 'hello');
    await client.connection.send(frameBytes({ opcode: 1, payload: Buffer.from('again'), mask }).subarray(7));
    assert.equal(await upstream.nextText(), 'again');
  });

  it('are counted', async () => {
    await using stage = await SessionStage.start();
    const { client, upstream } = await stage.session();
    await client.send(
      { opcode: 1, payload: Buffer.from('ab'), fin: false },
      { opcode: 0, payload: Buffer.from('c') },
    );
    await upstream.frame();
    await upstream.frame();
    await upstream.send({ opcode: 9 }, { opcode: 2, payload: Buffer.alloc(300) });
    await client.frame();
    await client.frame();
    await upstream.close(1000, 'bye');
    assert.deepEqual(await client.nextClose(), [1000, 'bye']);
    await client.close(1000);
    assert.equal(await stage.ending(), 'completed');
    const { attributes } = stage;
    assert.equal(attributes['sightline.session.client.messages'], 1);
    assert.equal(attributes['sightline.session.client.frames'], 3);
    assert.equal(attributes['sightline.session.client.bytes'], 8 + 7 + 8);
    assert.equal(attributes['sightline.session.upstream.messages'], 1);
    assert.equal(attributes['sightline.session.upstream.frames'], 3);
    assert.equal(attributes['sightline.session.upstream.bytes'], 2 + 304 + 7);
    assert.equal(attributes['sightline.session.close.by'], 'upstream');
  });

  it('are told to those who watch the pieces that go to the client', async () => {
    await using stage = await SessionStage.start();
    const { client, upstream } = await stage.session();
    const told: Buffer[] = [];
    stage.service.hooks.registerHook('reply.chunk', ({ bytes, exchange }) => {
      assert.equal(exchange.kind, 'session');
      told.push(bytes);
    });
    const frames = [upstream.bytes({ opcode: 2, payload: Buffer.from('a') }), upstream.bytes({ opcode: 2 })];
    await upstream.send(...frames);
    await client.take(5);
    await client.send({ opcode: 2, payload: Buffer.from('not told') });
    await upstream.frame();
    assert.ok(Buffer.concat(told).equals(Buffer.concat(frames)));
  });
});
