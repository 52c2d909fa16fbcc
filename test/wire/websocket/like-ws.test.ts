import assert from 'node:assert/strict';
import type { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import * as ws from 'ws';
import { opcode } from '../../../src/wire/websocket/opcode.ts';
import { Random } from '../../support/random.ts';
import { frameBytes, randomBytes, randomPieces } from './frames.ts';
import { Witness } from './witness.ts';

// Its types know no Receiver.
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => Writable;
};
const messageBytesMax = 4_000;

/** What the Receiver of `ws` makes of the same bytes: it is strict where RFC 6455 is. */
async function judgedByWs(bytes: Buffer, isServer: boolean) {
  const events: [string, string][] = [];
  let closeCode: number | undefined;
  const receiver = new Receiver({ isServer, maxPayload: messageBytesMax });
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    events.push([isBinary ? 'binary' : 'text', data.toString('hex')]),
  );
  receiver.on('ping', (data: Buffer) => events.push(['ping', data.toString('hex')]));
  receiver.on('pong', (data: Buffer) => events.push(['pong', data.toString('hex')]));
  receiver.on('conclude', (code: number, reason: Buffer) =>
    events.push([
      'close',
      (code === 1005 ? '' : code.toString(16).padStart(4, '0')) + reason.toString('hex'),
    ]),
  );
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  receiver.on('error', (error: Error) => {
    const symbol = Object.getOwnPropertySymbols(error).find(
      ({ description }) => description === 'status-code',
    );
    closeCode = symbol && (error as unknown as Record<symbol, number>)[symbol];
    resolve();
  });
  // It unmasks in place.
  receiver.write(Buffer.from(bytes), () => resolve());
  await ended;
  return { events, closeCode };
}

const alphabet = ['a', 'ß', '€', '𝄞', '\0', '\u07ff', '\u0800', '\uffff'];

function randomPayload(random: Random): Buffer {
  const length = random.pick([0, 1, 5, 124, 125, 126, 127, 300, 3_999]);
  if (random.chance(0.2)) return randomBytes(random, length);
  let text = '';
  for (let i = 0; i < length && i < 400; i += 1) text += random.pick(alphabet);
  const bytes = Buffer.from(text);
  // Half a character at the end, or a wrong byte in the middle.
  if (bytes.length > 0 && random.chance(0.15)) return bytes.subarray(0, bytes.length - 1);
  if (bytes.length > 0 && random.chance(0.1))
    bytes[random.integer(0, bytes.length - 1)] = random.integer(128, 255);
  return bytes;
}

/** Frames as peers send them, now and then with something wrong. */
function randomStream(random: Random, isMasked: boolean): Buffer {
  const frames: Buffer[] = [];
  let isInMessage = false;
  for (let i = random.integer(1, 10); i > 0; i -= 1) {
    const isWrong = random.chance(0.04);
    const isControl = random.chance(0.25);
    const data = isInMessage ? opcode.continuation : random.pick([opcode.text, opcode.text, opcode.binary]);
    const code = isControl ? random.pick([opcode.ping, opcode.pong]) : data;
    const fin = isControl || random.chance(0.6);
    const payload = isControl ? randomBytes(random, random.integer(0, 125)) : randomPayload(random);
    const isMaskWrong = isWrong && random.chance(0.2);
    frames.push(
      frameBytes({
        fin: isWrong && random.chance(0.3) ? !fin : fin,
        rsv: isWrong && random.chance(0.3) ? random.integer(0, 7) : 0,
        opcode: isWrong && random.chance(0.5) ? random.integer(0, 15) : code,
        payload: isWrong && random.chance(0.3) ? randomBytes(random, random.integer(0, 5_000)) : payload,
        mask: isMasked !== isMaskWrong ? randomBytes(random, 4) : undefined,
      }),
    );
    if (!isControl) isInMessage = !fin;
  }
  const close = random.chance(0.5)
    ? Buffer.alloc(0)
    : Buffer.concat([randomBytes(random, 2), randomPayload(random).subarray(0, 100)]);
  if (close.length > 0 && random.chance(0.7))
    close.writeUInt16BE(random.pick([1000, 1001, 1011, 1014, 3000, 4999]), 0);
  frames.push(
    frameBytes({ opcode: opcode.close, payload: close, mask: isMasked ? randomBytes(random, 4) : undefined }),
  );
  const bytes = Buffer.concat(frames);
  if (random.chance(0.1)) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
  // Whatever lengths a wrong byte has made of it, the last frame comes to its end.
  return Buffer.concat([bytes, Buffer.alloc(5_000)]);
}

describe('the frame parser and the one of ws', () => {
  for (const isServer of [true, false]) {
    it(`judge 10,000 random streams of ${isServer ? 'clients' : 'servers'} alike`, async () => {
      let refused = 0;
      for (let seed = 1; seed <= 10_000; seed += 1) {
        const random = new Random(seed * 2 + (isServer ? 1 : 0));
        const bytes = randomStream(random, isServer);
        const witness = new Witness({ isMasked: isServer, extensions: 'none', messageBytesMax });
        for (const piece of randomPieces(random, bytes, random.pick([7, 1_000, 100_000])))
          witness.push(piece);
        const { events, closeCode } = await judgedByWs(bytes, isServer);
        const found = { seed, closeCode: witness.closeCode, events: witness.events };
        if (witness.closeCode === 1007) {
          // ws looks at a text when it is whole. Until then something else may go wrong.
          const later = events.slice(witness.events.length);
          assert.ok(later.every(([kind]) => kind !== 'text' && kind !== 'binary'));
          assert.deepEqual(found.events, events.slice(0, witness.events.length));
        } else {
          assert.deepEqual(found, { seed, closeCode, events });
        }
        if (closeCode !== undefined) refused += 1;
      }
      assert.ok(refused > 1_000 && refused < 9_000, `${refused} were refused`);
    });
  }
});
