import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Peer } from '../../../src/exchange/session-facts.ts';
import type { RawPeer } from './raw-session.ts';
import { SessionStage } from './session-stage.ts';

const sides: readonly Peer[] = ['client', 'upstream'];
const piece = Buffer.alloc(256 * 1024, 7);

function ordered(
  side: Peer,
  { client, upstream }: { client: RawPeer; upstream: RawPeer },
): [RawPeer, RawPeer] {
  return side === 'client' ? [client, upstream] : [upstream, client];
}

/** Sends until the other end takes no more for so long; resolves with the bytes that were taken. */
async function fill(from: RawPeer, stuckMs = 300): Promise<number> {
  let sent = 0;
  from.socket.on('error', () => undefined);
  for (;;) {
    const bytes = from.bytes({ opcode: 2, payload: piece });
    const { promise: stuck, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), stuckMs);
    const isTaken = await Promise.race([from.connection.send(bytes), stuck]);
    clearTimeout(timer);
    if (!isTaken) return sent;
    sent += bytes.length;
  }
}

describe('a session between peers of different speed', () => {
  for (const side of sides) {
    it(`holds the ${side} back while the other side does not read, and loses nothing`, async () => {
      await using stage = await SessionStage.start();
      const [from, to] = ordered(side, await stage.session());
      // What is on its way waits in the kernel.
      assert.ok((await fill(from)) < 64 * 1024 * 1024);
      const done = from.text('the end');
      for (let frame = await to.frame(); ; frame = await to.frame()) {
        assert.ok(frame);
        if (frame.opcode === 1) break;
        assert.ok(frame.payload.equals(piece));
      }
      await done;
    });

    it(`ends where a ${side === 'client' ? 'upstream' : 'client'} takes nothing for too long`, async () => {
      await using stage = await SessionStage.start({
        limits: { clientStallTimeoutMs: 150, closeTimeoutMs: 100 },
      });
      const [from, to] = ordered(side, await stage.session());
      await fill(from);
      assert.equal(
        await stage.ending(),
        side === 'client' ? 'upstream_truncated: upstream_lost' : 'client_aborted: client_stalled',
      );
      from.vanish();
      to.vanish();
    });
  }

  it('goes on where a client is slow, and reads', async () => {
    await using stage = await SessionStage.start({ limits: { clientStallTimeoutMs: 400 } });
    const { client, upstream } = await stage.session();
    await fill(upstream, 100);
    let hasEnded = false;
    void stage.ending().then(() => {
      hasEnded = true;
    });
    for (let i = 0; i < 20; i += 1) {
      void upstream.send({ opcode: 2, payload: piece });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await client.frame();
    }
    assert.equal(hasEnded, false);
  });

  it('ends with 1008 where a client floods it with control frames, and only there', async () => {
    await using stage = await SessionStage.start({
      limits: { clientMessagesPerSecondMax: 50, lingerTimeoutMs: 50 },
    });
    const { client, upstream } = await stage.session();
    const pings = Array.from({ length: 60 }, () => ({ opcode: 9 }));
    await upstream.send(...pings);
    for (let i = 0; i < 60; i += 1) assert.equal((await client.frame())?.opcode, 9);
    await client.send(...pings);
    assert.equal((await client.nextClose())[0], 1008);
    for (let i = 0; i < 50; i += 1) assert.equal((await upstream.frame())?.opcode, 9);
    assert.equal((await upstream.nextClose())[0], 1001);
    await Promise.all([client.close(1008), upstream.close(1001)]);
    assert.equal(await stage.ending(), 'blocked: too_many_messages');
  });
});

describe('a session with silent peers', () => {
  const limits = { pingIntervalMs: 60, pongTimeoutMs: 120 };

  it('asks both whether they are there, and keeps the answers', async () => {
    await using stage = await SessionStage.start({ limits });
    const { client, upstream } = await stage.session();
    for (let round = 0; round < 3; round += 1) {
      for (const peer of [client, upstream]) {
        const frame = await peer.frame();
        assert.equal(frame?.opcode, 9);
        await peer.send({ opcode: 10, payload: frame.payload });
      }
    }
    await client.text('still here');
    let frame = await upstream.frame();
    while (frame?.opcode === 9) frame = await upstream.frame();
    assert.equal(frame?.payload.toString(), 'still here');
    await client.close(1000);
  });

  it('asks nobody in the middle of a frame', async () => {
    await using stage = await SessionStage.start({ limits: { pingIntervalMs: 30, pongTimeoutMs: 10_000 } });
    const { client, upstream } = await stage.session();
    const bytes = upstream.bytes({ opcode: 2, payload: Buffer.alloc(1_000) });
    for (let at = 0; at < bytes.length; at += 251) {
      await upstream.connection.send(bytes.subarray(at, at + 251));
      const end = Math.min(bytes.length, at + 251);
      // A ping may come before the frame and after it.
      let first = at === 0 ? await client.take(2) : Buffer.alloc(0);
      while (first[0] === 0x89) {
        await client.take(8);
        first = await client.take(2);
      }
      const piece = Buffer.concat([first, await client.take(end - at - first.length)]);
      assert.ok(piece.equals(bytes.subarray(at, end)));
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
  });

  it('lets pings and pongs of the peers through', async () => {
    await using stage = await SessionStage.start();
    const { client, upstream } = await stage.session();
    await client.send({ opcode: 9, payload: Buffer.from('are you there') });
    const ping = await upstream.frame();
    assert.equal(String(ping?.payload), 'are you there');
    await upstream.send({ opcode: 10, payload: Buffer.from('are you there') }, { opcode: 10 });
    assert.equal(String((await client.frame())?.payload), 'are you there');
    assert.equal((await client.frame())?.opcode, 10);
  });

  for (const side of sides) {
    it(`ends where the ${side} answers nothing`, async () => {
      await using stage = await SessionStage.start({ limits: { ...limits, closeTimeoutMs: 100 } });
      const [silent, other] = ordered(side, await stage.session());
      const answers = (async () => {
        for (let frame = await other.frame(); frame; frame = await other.frame()) {
          if (frame.opcode === 8) return frame.payload.readUInt16BE(0);
          await other.send({ opcode: 10, payload: frame.payload });
        }
        return undefined;
      })();
      assert.equal(await answers, side === 'client' ? 1001 : 1014);
      assert.equal(
        await stage.ending(),
        side === 'client' ? 'client_aborted: client_lost' : 'upstream_truncated: upstream_lost',
      );
      silent.vanish();
    });
  }

  it('takes any byte for an answer, and asks nobody who speaks', async () => {
    await using stage = await SessionStage.start({ limits: { pingIntervalMs: 200, pongTimeoutMs: 50 } });
    const { client, upstream } = await stage.session();
    for (let i = 0; i < 12; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      await Promise.all([client.text(`${i}`), upstream.text(`${i}`)]);
      assert.equal(await client.nextText(), `${i}`);
      assert.equal(await upstream.nextText(), `${i}`);
    }
  });
});
