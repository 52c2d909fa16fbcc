import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Peer } from '../../../src/exchange/session-facts.ts';
import type { FrameParts } from '../../wire/websocket/frames.ts';
import type { RawPeer } from './raw-session.ts';
import { SessionStage } from './session-stage.ts';

type Side = Peer;
const sides: readonly Side[] = ['client', 'upstream'];
const quick = { closeTimeoutMs: 60 };
/** What comes then does not come by this deadline. */
const patient = { closeTimeoutMs: 600_000 };

async function begin(limits: Readonly<Record<string, number>> = {}) {
  const stage = await SessionStage.start({ limits: { lingerTimeoutMs: 100, ...limits } });
  const peers = await stage.session();
  const of = (side: Side): [RawPeer, RawPeer] =>
    side === 'client' ? [peers.client, peers.upstream] : [peers.upstream, peers.client];
  return { stage, of, ...peers, [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose]() };
}

describe('the end of a session', () => {
  const closes: [side: Side, code: number | undefined, ending: string][] = [
    ['client', 1000, 'completed'],
    ['client', 1001, 'completed'],
    ['client', undefined, 'completed'],
    ['client', 1011, 'client_aborted: client_aborted'],
    ['client', 4000, 'client_aborted: client_aborted'],
    ['upstream', 1000, 'completed'],
    ['upstream', 1001, 'completed'],
    ['upstream', undefined, 'completed'],
    ['upstream', 1011, 'upstream_error: upstream_close_code'],
    ['upstream', 3000, 'upstream_error: upstream_close_code'],
  ];
  for (const [side, code, ending] of closes) {
    it(`by a close frame of the ${side} with ${code ?? 'no code'} goes through both ways: ${ending}`, async () => {
      await using scene = await begin();
      const [from, to] = scene.of(side);
      const reason = code === undefined ? '' : 'bye';
      await from.close(code, reason);
      assert.deepEqual(await to.nextClose(), [code, reason]);
      await to.close(code);
      assert.deepEqual(await from.nextClose(), [code, '']);
      await Promise.all([from.connection.closed(), to.connection.closed()]);
      assert.equal(await scene.stage.ending(), ending);
      assert.equal(scene.stage.attributes['sightline.session.close.by'], side);
      assert.equal(scene.stage.attributes['sightline.session.close.code'], code ?? 1005);
    });
  }

  for (const side of sides) {
    it(`lets the other side say what it had begun when the ${side} closes`, async () => {
      await using scene = await begin();
      const [from, to] = scene.of(side);
      await from.close(1000);
      await to.nextClose();
      await to.text('the last word');
      await to.close(1000);
      assert.equal(await from.nextText(), 'the last word');
      await from.nextClose();
      assert.equal(await scene.stage.ending(), 'completed');
    });

    it(`drops what the ${side} sends after its close frame`, async () => {
      await using scene = await begin();
      const [from, to] = scene.of(side);
      await from.send({ opcode: 8 }, { opcode: 1, payload: Buffer.from('late') });
      await to.nextClose();
      await from.text('later');
      await to.close();
      assert.equal((await to.rest()).length, 0);
      assert.equal(await scene.stage.ending(), 'completed');
    });

    it(`comes in time where nobody answers the close frame of the ${side}, who gets its own code back`, async () => {
      await using scene = await begin(quick);
      const [from, to] = scene.of(side);
      await from.close(1001, 'off');
      await to.nextClose();
      assert.deepEqual(await from.nextClose(), [1001, 'off']);
      assert.equal(await scene.stage.ending(), 'completed');
      assert.equal((await to.rest()).length, 0);
    });

    it(`comes where nobody is left to answer the close frame of the ${side}, who gets its own code back`, async () => {
      await using scene = await begin(patient);
      const [from, to] = scene.of(side);
      await from.close(1001, 'off');
      await to.nextClose();
      to.vanish();
      assert.deepEqual(await from.nextClose(), [1001, 'off']);
      assert.equal(await scene.stage.ending(), 'completed');
    });

    it(`comes where both sides close at once (${side} first)`, async () => {
      await using scene = await begin();
      const [from, to] = scene.of(side);
      await Promise.all([from.close(1000), to.close(1001)]);
      assert.deepEqual(await to.nextClose(), [1000, '']);
      assert.deepEqual(await from.nextClose(), [1001, '']);
      assert.equal(await scene.stage.ending(), 'completed');
    });

    for (const how of ['vanish', 'reset'] as const) {
      it(`comes where the ${side} goes without a word (${how})`, async () => {
        await using scene = await begin();
        const [from, to] = scene.of(side);
        await from.text('hello');
        await to.frame();
        from[how]();
        const [code] = await to.nextClose();
        assert.equal(code, side === 'client' ? 1001 : 1014);
        await to.close(code);
        await to.connection.closed();
        assert.equal(
          await scene.stage.ending(),
          side === 'client' ? 'client_aborted: client_aborted' : 'upstream_truncated: upstream_truncated',
        );
        assert.equal(scene.stage.attributes['sightline.session.close.code'], 1006);
      });
    }

    it(`comes where the ${side} ends its half of the connection`, async () => {
      await using scene = await begin();
      const [from, to] = scene.of(side);
      from.socket.end();
      await to.nextClose();
      await to.close();
      assert.match(await scene.stage.ending(), side === 'client' ? /^client_aborted/ : /^upstream_truncated/);
      await from.connection.closed();
    });

    it(`comes without a close frame to who waits for the rest of a frame when the ${side} goes`, async () => {
      await using scene = await begin(patient);
      const [from, to] = scene.of(side);
      const bytes = from.bytes({ opcode: 2, payload: Buffer.alloc(1_000) }).subarray(0, 500);
      await from.connection.send(bytes);
      assert.ok((await to.take(500)).equals(bytes));
      from.vanish();
      assert.equal((await to.rest()).length, 0);
      assert.match(await scene.stage.ending(), side === 'client' ? /^client_aborted/ : /^upstream_truncated/);
    });

    it(`by a close frame of the ${side} is none of a connection that ends after it`, async () => {
      await using scene = await begin();
      const [from, to] = scene.of(side);
      await from.close(1000);
      from.socket.end();
      await to.nextClose();
      await to.close(1000);
      await to.connection.closed();
      assert.equal(await scene.stage.ending(), 'completed');
    });
  }

  const faults: [name: string, parts: FrameParts[], code: number, client: string, upstream: string][] = [
    ['a wrong opcode', [{ opcode: 3 }], 1002, 'blocked: bad_frame', 'upstream_error: upstream_bad_frame'],
    [
      'a text that is none',
      [{ opcode: 1, payload: Buffer.from([0xff]) }],
      1007,
      'blocked: bad_text',
      'upstream_error: upstream_bad_frame',
    ],
    [
      'a message over the limit',
      [
        { opcode: 2, payload: Buffer.alloc(600), fin: false },
        { opcode: 0, payload: Buffer.alloc(401) },
      ],
      1009,
      'blocked: message_too_large',
      'upstream_error: upstream_message_too_large',
    ],
  ];
  for (const [name, parts, code, ofClient, ofUpstream] of faults) {
    for (const side of sides) {
      it(`by ${name} of the ${side} tells it ${code}, and the other side that it is gone`, async () => {
        await using scene = await begin({ messageBytesMax: 1_000 });
        const [from, to] = scene.of(side);
        await from.text('fine');
        await from.send(...parts);
        assert.equal((await from.nextClose())[0], code);
        assert.equal(await to.nextText(), 'fine');
        // Of a message in several frames those go on that are right.
        for (let i = 1; i < parts.length; i += 1) assert.equal((await to.frame())?.fin, false);
        assert.equal((await to.nextClose())[0], side === 'client' ? 1001 : 1014);
        await to.close(1001);
        await from.close(code);
        await Promise.all([from.connection.closed(), to.connection.closed()]);
        assert.equal(await scene.stage.ending(), side === 'client' ? ofClient : ofUpstream);
      });
    }
  }

  for (const side of sides) {
    it(`by a text of the ${side} that is none, found after its frame has gone on in part, ends the other side's connection`, async () => {
      await using scene = await begin(patient);
      const [from, to] = scene.of(side);
      const bytes = from.bytes({
        opcode: 1,
        payload: Buffer.concat([Buffer.alloc(200, 'x'), Buffer.from([0xff])]),
      });
      await from.connection.send(bytes.subarray(0, 100));
      assert.ok((await to.take(100)).equals(bytes.subarray(0, 100)));
      await from.connection.send(bytes.subarray(100));
      assert.equal((await from.nextClose())[0], 1007);
      assert.equal((await to.rest()).length, 0);
      assert.match(await scene.stage.ending(), side === 'client' ? /bad_text/ : /upstream_bad_frame/);
    });
  }

  it('by a fault reaches a client that goes on sending', async () => {
    await using scene = await begin({ lingerTimeoutMs: 2_000 });
    const { client } = scene;
    await client.send({ opcode: 3 });
    const sent = (async () => {
      for (let i = 0; i < 40; i += 1) await client.send({ opcode: 2, payload: Buffer.alloc(100_000) });
    })();
    await sent;
    assert.equal((await client.nextClose())[0], 1002);
    client.socket.end();
    const [code] = await scene.upstream.nextClose();
    await scene.upstream.close(code);
    assert.equal(await scene.stage.ending(), 'blocked: bad_frame');
  });

  it('by a stop of the service is told to both sides, and awaited', async () => {
    await using scene = await begin();
    const stopped = scene.stage.service.stop();
    for (const peer of [scene.client, scene.upstream]) {
      assert.equal((await peer.nextClose())[0], 1001);
      await peer.close(1001);
    }
    await stopped;
    assert.equal(await scene.stage.ending(), 'completed');
    assert.equal(scene.stage.attributes['sightline.session.close.by'], 'sightline');
  });

  it('by a stop of the service waits for the rest of a frame, which belongs before the close frame', async () => {
    await using scene = await begin();
    const bytes = scene.upstream.bytes({ opcode: 2, payload: Buffer.alloc(1_000) });
    await scene.upstream.connection.send(bytes.subarray(0, 500));
    await scene.client.take(500);
    const stopped = scene.stage.service.stop();
    assert.equal((await scene.upstream.nextClose())[0], 1001);
    await scene.upstream.connection.send(bytes.subarray(500));
    await scene.client.take(504);
    assert.equal((await scene.client.nextClose())[0], 1001);
    await Promise.all([scene.client.close(1001), scene.upstream.close(1001)]);
    await stopped;
    assert.equal(await scene.stage.ending(), 'completed');
  });

  it('by a stop of the service does not wait for peers that say nothing', async () => {
    await using scene = await begin(quick);
    await scene.stage.service.stop();
    assert.equal(await scene.stage.ending(), 'completed');
  });
});
