import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { Peer } from '../../../src/exchange/session-facts.ts';
import type { Message, Sending } from '../../../src/session/session-reader.ts';
import { Random } from '../../support/random.ts';
import { randomBytes, randomPieces } from '../../wire/websocket/frames.ts';
import { RelayStage } from './relay-stage.ts';

const sides: readonly Peer[] = ['client', 'upstream'];
const opposite = (side: Peer): Peer => (side === 'client' ? 'upstream' : 'client');
const onward = (from: Peer, message: Message): Sending[] => [{ ...message, to: opposite(from) }];
const upper = (from: Peer, { data }: Message): Sending[] => [
  { to: opposite(from), data: Buffer.from(data.toString().toUpperCase()), isBinary: false },
];
const text = (payload: string, fin = true) => ({ opcode: 1, payload: Buffer.from(payload), fin });
const rest = (payload: string, fin = true) => ({ opcode: 0, payload: Buffer.from(payload), fin });

describe('messages that somebody looks at', () => {
  for (const side of sides) {
    it(`of the ${side} go on as they came, and are told whole`, async () => {
      await using stage = await RelayStage.start();
      stage.reader.choose = () => 'look';
      const [from, to] = side === 'client' ? [stage.client, stage.upstream] : [stage.upstream, stage.client];
      const frames = [text('gr', false), { opcode: 9 }, rest('', false), rest('üß'), text(''), { opcode: 2 }];
      const bytes = Buffer.concat(frames.map((frame) => from.bytes(frame)));
      const random = new Random(1);
      for (const piece of randomPieces(random, bytes, 5)) await from.connection.send(piece);
      assert.ok((await to.take(bytes.length)).equals(bytes));
      assert.deepEqual(stage.reader.seenMessages, [`${side} grüß`, `${side} `, `${side} `]);
    });

    it(`of the ${side} may be held: what goes on is what they became, in one frame each`, async () => {
      await using stage = await RelayStage.start();
      stage.reader.choose = (_from, isBinary) => (isBinary ? 'pass' : 'hold');
      stage.reader.answer = upper;
      const [from, to] = side === 'client' ? [stage.client, stage.upstream] : [stage.upstream, stage.client];
      const binary = from.bytes({ opcode: 2, payload: Buffer.alloc(300, 5) });
      await from.send(
        text('a', false),
        { opcode: 9, payload: Buffer.from('p') },
        rest('b'),
        binary,
        text('c'),
        text('d'),
        binary,
      );
      assert.equal((await to.frame())?.opcode, 9);
      const first = await to.frame();
      assert.equal(String(first?.payload), 'AB');
      assert.equal(first?.fin, true);
      assert.ok((await to.frame())?.raw.equals(binary));
      assert.equal(await to.nextText(), 'C');
      assert.equal(await to.nextText(), 'D');
      assert.ok((await to.frame())?.raw.equals(binary));
    });

    it(`of the ${side} that are held keep their order while one of them is waited for`, async () => {
      await using stage = await RelayStage.start();
      const random = new Random(2);
      stage.reader.choose = () => random.pick(['pass', 'look', 'hold', 'hold']);
      stage.reader.answer = async (from, message) => {
        for (let i = random.integer(0, 3); i > 0; i -= 1) await new Promise(setImmediate);
        return onward(from, message);
      };
      const [from, to] = side === 'client' ? [stage.client, stage.upstream] : [stage.upstream, stage.client];
      const messages = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(random.integer(0, 300))}`);
      const bytes = Buffer.concat(messages.map((message) => from.bytes(text(message))));
      const sent = (async () => {
        for (const piece of randomPieces(random, bytes, 3_000)) await from.connection.send(piece);
      })();
      for (const message of messages) assert.equal(await to.nextText(), message);
      await sent;
    });
  }

  it('may become several, or none, and go to either side', async () => {
    await using stage = await RelayStage.start();
    stage.reader.choose = () => 'hold';
    stage.reader.answer = (from, message) =>
      message.data.length === 0
        ? []
        : [
            { to: from, data: Buffer.from('no'), isBinary: true },
            { ...message, to: opposite(from) },
            { ...message, to: opposite(from) },
          ];
    await stage.client.send(text(''), text('twice'));
    assert.equal(await stage.upstream.nextText(), 'twice');
    assert.equal(await stage.upstream.nextText(), 'twice');
    const answer = await stage.client.frame();
    assert.equal(answer?.opcode, 2);
    assert.equal(String(answer?.payload), 'no');
  });

  it('are not read where they are compressed', async () => {
    await using stage = await RelayStage.start({}, 'deflate');
    stage.reader.choose = () => 'look';
    await stage.client.send({ opcode: 1, rsv: 4, payload: Buffer.from([0xff]) }, text('plain'));
    await stage.upstream.frame();
    await stage.upstream.frame();
    assert.deepEqual(stage.reader.seenMessages, ['client plain']);
  });

  it('of many frames cost no more memory than they have bytes', async () => {
    await using stage = await RelayStage.start();
    stage.reader.choose = () => 'hold';
    stage.reader.answer = onward;
    const frames = [text('', false)];
    for (let i = 0; i < 20_000; i += 1) frames.push(rest('abc', false));
    await stage.client.send(...frames, rest('!'));
    const frame = await stage.upstream.frame();
    assert.equal(String(frame?.payload), `${'abc'.repeat(20_000)}!`);
  });

  it('may be held for longer than a peer may be silent', async () => {
    await using stage = await RelayStage.start({ pingIntervalMs: 30, pongTimeoutMs: 30 });
    const held = Promise.withResolvers<void>();
    stage.reader.choose = (from) => (from === 'client' ? 'hold' : 'pass');
    stage.reader.answer = async (from, message) => {
      await held.promise;
      return onward(from, message);
    };
    await stage.client.send(text('one'));
    // The upstream answers; the client does as well, and nobody reads that.
    for (let pings = 0; pings < 4; pings += 1) {
      const frame = await stage.upstream.frame();
      assert.equal(frame?.opcode, 9);
      await stage.client.send({ opcode: 10 });
      await stage.upstream.send({ opcode: 10, payload: frame.payload });
    }
    held.resolve();
    let frame = await stage.upstream.frame();
    while (frame?.opcode === 9) frame = await stage.upstream.frame();
    assert.equal(String(frame?.payload), 'one');
  });

  it('that are whole when their side ends are not lost', async () => {
    await using stage = await RelayStage.start();
    const held = Promise.withResolvers<void>();
    stage.reader.choose = (from) => (from === 'client' ? 'hold' : 'pass');
    stage.reader.answer = async (from, message) => {
      await held.promise;
      return onward(from, message);
    };
    await stage.client.send(text('one'), text('two'));
    await stage.client.close(1000);
    stage.client.socket.end();
    held.resolve();
    assert.equal(await stage.upstream.nextText(), 'one');
    assert.equal(await stage.upstream.nextText(), 'two');
    assert.deepEqual(await stage.upstream.nextClose(), [1000, '']);
    await stage.upstream.close(1000);
    assert.equal(await stage.over, 'completed');
  });
});

describe('messages of our own', () => {
  it('go out at once where nothing is under way', async () => {
    await using stage = await RelayStage.start();
    stage.send('client', 'hello client');
    stage.send('upstream', 'hello upstream');
    assert.equal(await stage.client.nextText(), 'hello client');
    assert.equal(await stage.upstream.nextText(), 'hello upstream');
  });

  it('wait for the end of a message, wherever that comes', async () => {
    await using stage = await RelayStage.start();
    const { client, upstream } = stage;
    const long = upstream.bytes(text('0123456789', false));
    await upstream.connection.send(long.subarray(0, 5));
    await client.take(5);
    stage.send('client', 'first');
    stage.send('client', 'second');
    await upstream.send(long.subarray(5), rest('', false), { opcode: 9 }, rest('end'), text('next'));
    await client.take(long.length - 5);
    assert.equal((await client.frame())?.opcode, 0);
    assert.equal((await client.frame())?.opcode, 9);
    assert.equal(String((await client.frame())?.payload), 'end');
    assert.equal(await client.nextText(), 'first');
    assert.equal(await client.nextText(), 'second');
    assert.equal(await client.nextText(), 'next');
  });

  it('stand between any two messages of a peer, and never within one', async () => {
    await using stage = await RelayStage.start();
    const random = new Random(5);
    const { client, upstream } = stage;
    const frames = [];
    for (let i = 0; i < 200; i += 1) {
      const parts = random.integer(1, 3);
      for (let part = 1; part <= parts; part += 1)
        frames.push({
          opcode: part === 1 ? 2 : 0,
          fin: part === parts,
          payload: randomBytes(random, random.integer(0, 200)),
        });
    }
    const bytes = Buffer.concat(frames.map((frame) => upstream.bytes(frame)));
    let sent = 0;
    const sending = (async () => {
      for (const piece of randomPieces(random, bytes, 300)) {
        await upstream.connection.send(piece);
        await new Promise(setImmediate);
        if (random.chance(0.3)) {
          stage.send('client', `own ${sent}`);
          sent += 1;
        }
      }
      stage.send('client', 'last');
    })();
    let isInMessage = false;
    let own = 0;
    const others: Buffer[] = [];
    for (let frame = await client.frame(); frame; frame = await client.frame()) {
      if (frame.opcode === 1) {
        assert.equal(isInMessage, false);
        if (frame.payload.toString() === 'last') break;
        assert.equal(frame.payload.toString(), `own ${own}`);
        own += 1;
      } else {
        others.push(frame.raw);
        isInMessage = !frame.fin;
      }
    }
    await sending;
    assert.equal(own, sent);
    assert.ok(Buffer.concat(others).equals(bytes));
  });

  it('hold back who causes them, until the peer has taken them', async () => {
    await using stage = await RelayStage.start({ sendBufferBytesMax: 10_000 });
    const { client } = stage;
    const large = 'x'.repeat(200_000);
    stage.reader.choose = () => 'look';
    // The kernel takes some megabytes before anything waits here.
    while (stage.waitingForClient <= 10_000) stage.send('client', large);
    await client.send(text('from the client'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(stage.reader.seenMessages, []);
    while (stage.reader.seenMessages.length === 0) await client.frame();
    assert.deepEqual(stage.reader.seenMessages, ['client from the client']);
  });

  it('end the session where a peer takes none of them', async () => {
    await using stage = await RelayStage.start({
      sendBufferBytesMax: 10_000,
      messageBytesMax: 100_000,
      closeTimeoutMs: 50,
    });
    const large = 'x'.repeat(100_000);
    for (let i = 0; i < 500; i += 1) stage.send('client', large);
    assert.equal(await stage.over, 'client_aborted: client_stalled');
  });

  it('are lost after the end', async () => {
    const stage = await RelayStage.start();
    await stage[Symbol.asyncDispose]();
    stage.send('client', 'too late');
    stage.control?.fail(new SightlineError('internal'));
    stage.relay.drain();
    assert.deepEqual(stage.reader.errors.map((error) => error?.code).length, 1);
  });
});

describe('the end of a session that somebody reads', () => {
  it('by an error of the reader is told to both sides with its close code', async () => {
    await using stage = await RelayStage.start();
    stage.control?.fail(new SightlineError('blocked', { message: 'Not this.' }));
    for (const peer of [stage.client, stage.upstream]) {
      assert.deepEqual(await peer.nextClose(), [1008, 'Not this.']);
      await peer.close(1008);
    }
    assert.equal(await stage.over, 'blocked: blocked');
    assert.deepEqual(
      stage.reader.errors.map((error) => error?.code),
      ['blocked'],
    );
  });

  it('by an error in the middle of a message that is looked at leaves the rest of the bytes alone', async () => {
    await using stage = await RelayStage.start();
    stage.reader.choose = () => 'look';
    stage.reader.seen = () => stage.control?.fail(new SightlineError('blocked'));
    await stage.client.send(text('one'), text('two'), text('three'));
    assert.equal(await stage.upstream.nextText(), 'one');
    assert.equal((await stage.upstream.nextClose())[0], 1008);
    assert.equal((await stage.client.nextClose())[0], 1008);
  });

  it('at a stop of the service waits for turns that are open', async () => {
    await using stage = await RelayStage.start();
    stage.reader.openTurns = 1;
    stage.relay.drain();
    await stage.client.text('still under way');
    assert.equal(await stage.upstream.nextText(), 'still under way');
    stage.reader.openTurns = 0;
    assert.equal((await stage.client.nextClose())[0], 1001);
    assert.equal((await stage.upstream.nextClose())[0], 1001);
    await Promise.all([stage.client.close(1001), stage.upstream.close(1001)]);
    assert.equal(await stage.over, 'completed');
    assert.deepEqual(stage.reader.errors, [undefined]);
  });

  it('at the deadline of a stop is short, whatever the peers do', async () => {
    await using stage = await RelayStage.start();
    stage.relay.fail(new SightlineError('stopping'));
    assert.equal((await stage.client.nextClose())[0], 1012);
    assert.equal(await stage.over, 'failed: stopping');
  });

  it('tells the reader once, with the error', async () => {
    const stage = await RelayStage.start();
    stage.upstream.vanish();
    assert.equal((await stage.client.nextClose())[0], 1014);
    await stage.client.close(1014);
    await stage[Symbol.asyncDispose]();
    assert.deepEqual(
      stage.reader.errors.map((error) => error?.code),
      ['upstream_truncated'],
    );
  });
});
