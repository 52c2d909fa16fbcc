import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FrameParserOptions } from '../../../src/wire/websocket/frame-parser.ts';
import { opcode } from '../../../src/wire/websocket/opcode.ts';
import { Random } from '../../support/random.ts';
import { type FrameParts, frameBytes, randomBytes, randomPieces } from './frames.ts';
import { Witness } from './witness.ts';

const ofClient: FrameParserOptions = { isMasked: true, extensions: 'none', messageBytesMax: 1_000_000 };
const ofServer: FrameParserOptions = { ...ofClient, isMasked: false };
const mask = Buffer.from([1, 2, 3, 4]);
const text = (payload: string | Buffer, parts: Partial<FrameParts> = {}) =>
  frameBytes({ opcode: opcode.text, payload: Buffer.from(payload), ...parts });
const hex = (payload: string | Buffer) => Buffer.from(payload).toString('hex');

describe('the frame parser', () => {
  it('tells of messages, fragments and control frames between them, wherever the bytes break', () => {
    for (const masks of [undefined, mask]) {
      const frames = [
        text('', { mask: masks }),
        text('grüß', { mask: masks, fin: false }),
        frameBytes({ opcode: opcode.ping, payload: Buffer.from('p'), mask: masks }),
        frameBytes({ opcode: opcode.continuation, payload: Buffer.alloc(0), mask: masks, fin: false }),
        frameBytes({ opcode: opcode.continuation, payload: Buffer.from(' dich €'), mask: masks }),
        frameBytes({ opcode: opcode.binary, payload: Buffer.alloc(200, 255), mask: masks }),
        frameBytes({ opcode: opcode.pong, mask: masks }),
        frameBytes({ opcode: opcode.close, payload: Buffer.from([0x03, 0xe8, 0x6f]), mask: masks }),
      ];
      const all = Buffer.concat(frames);
      for (let size = 1; size <= all.length; size += 1) {
        const witness = new Witness(masks ? ofClient : ofServer);
        for (let at = 0; at < all.length; at += size)
          assert.ok(witness.push(Buffer.from(all.subarray(at, at + size))));
        assert.deepEqual(witness.events, [
          ['text', ''],
          ['ping', hex('p')],
          ['text', hex('grüß dich €')],
          ['binary', 'ff'.repeat(200)],
          ['pong', ''],
          ['close', '03e86f'],
        ]);
        assert.deepEqual(witness.frames, frames.map(hex));
      }
    }
  });

  it('tells of the bytes of frames as they came, for any lengths, masks and breaks', () => {
    const random = new Random(7);
    for (let round = 0; round < 60; round += 1) {
      const isMasked = random.chance(0.5);
      const frames: Buffer[] = [];
      const contents: string[] = [];
      for (let i = random.integer(1, 12); i > 0; i -= 1) {
        const payload = randomBytes(
          random,
          random.pick([0, 1, 31, 32, 33, 125, 126, 127, 4_099, 65_535, 65_536, 70_001]),
        );
        contents.push(payload.toString('hex'));
        frames.push(
          frameBytes({ opcode: opcode.binary, payload, mask: isMasked ? randomBytes(random, 4) : undefined }),
        );
      }
      const witness = new Witness(isMasked ? ofClient : ofServer);
      for (const piece of randomPieces(random, Buffer.concat(frames), random.pick([3, 100, 65_536, 200_000])))
        witness.push(piece);
      assert.deepEqual(
        witness.events.map(([, payload]) => payload),
        contents,
      );
      assert.deepEqual(witness.frames, frames.map(hex));
    }
  });

  const refused: [name: string, closeCode: number, bytes: Buffer, options: FrameParserOptions][] = [
    ['a frame of a client without a mask', 1002, text('x'), ofClient],
    ['a frame of a server with a mask', 1002, text('x', { mask }), ofServer],
    ['a reserved bit that nobody agreed on', 1002, text('x', { rsv: 4 }), ofServer],
    [
      'the second reserved bit beside compression',
      1002,
      text('x', { rsv: 2 }),
      { ...ofServer, extensions: 'deflate' },
    ],
    [
      'a compressed control frame',
      1002,
      frameBytes({ opcode: opcode.ping, rsv: 4 }),
      { ...ofServer, extensions: 'deflate' },
    ],
    [
      'compression in the middle of a message',
      1002,
      Buffer.concat([text('x', { fin: false }), frameBytes({ opcode: 0, rsv: 4 })]),
      { ...ofServer, extensions: 'deflate' },
    ],
    ['a reserved opcode', 1002, frameBytes({ opcode: 3 }), ofServer],
    ['a reserved opcode of control frames', 1002, frameBytes({ opcode: 11 }), ofServer],
    ['a fragmented control frame', 1002, frameBytes({ opcode: opcode.ping, fin: false }), ofServer],
    [
      'a control frame of 126 bytes',
      1002,
      frameBytes({ opcode: opcode.ping, payload: Buffer.alloc(126) }),
      ofServer,
    ],
    ['a continuation of nothing', 1002, frameBytes({ opcode: opcode.continuation }), ofServer],
    ['a message within a message', 1002, Buffer.concat([text('x', { fin: false }), text('y')]), ofServer],
    [
      'a close frame of one byte',
      1002,
      frameBytes({ opcode: opcode.close, payload: Buffer.alloc(1) }),
      ofServer,
    ],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000].map((code): (typeof refused)[number] => [
      `the close code ${code}`,
      1002,
      frameBytes({ opcode: opcode.close, payload: Buffer.from([code >> 8, code & 0xff]) }),
      ofServer,
    ]),
    [
      'a close reason that is no text',
      1007,
      frameBytes({ opcode: opcode.close, payload: Buffer.from([3, 232, 0xff]) }),
      ofServer,
    ],
    ['a text that is none', 1007, text(Buffer.from([0xc3, 0x28])), ofServer],
    ['a masked text that is none', 1007, text(Buffer.from([0xed, 0xa0, 0x80]), { mask }), ofClient],
    ['a text that breaks off in a character', 1007, text(Buffer.from([0xe2, 0x82])), ofServer],
    [
      'a text whose empty last frame ends it in a character',
      1007,
      Buffer.concat([text(Buffer.from([0xe2]), { fin: false }), frameBytes({ opcode: 0 })]),
      ofServer,
    ],
    ['a message over the limit', 1009, text('x'.repeat(11)), { ...ofServer, messageBytesMax: 10 }],
    [
      'a message whose frames together are over the limit',
      1009,
      Buffer.concat([
        text('x'.repeat(6), { fin: false }),
        frameBytes({ opcode: 0, payload: Buffer.alloc(5) }),
      ]),
      { ...ofServer, messageBytesMax: 10 },
    ],
    ['a length of 2⁶³', 1009, Buffer.concat([Buffer.from([0x82, 127, 0x80]), Buffer.alloc(7)]), ofServer],
  ];
  for (const [name, closeCode, bytes, options] of refused) {
    it(`refuses ${name} with ${closeCode}, at once and in single bytes`, () => {
      const whole = new Witness(options);
      assert.equal(whole.push(bytes), false);
      assert.equal(whole.closeCode, closeCode);
      const single = new Witness(options);
      for (const byte of bytes) single.push(Buffer.from([byte]));
      assert.equal(single.closeCode, closeCode);
    });
  }

  it('takes reserved bits of extensions, and does not read what they changed', () => {
    const deflate = new Witness({ ...ofServer, extensions: 'deflate' });
    assert.ok(deflate.push(text(Buffer.from([0xff]), { rsv: 4 })));
    const other = new Witness({ ...ofServer, extensions: 'other' });
    assert.ok(other.push(text(Buffer.from([0xff]), { rsv: 2 })));
    assert.ok(other.push(text(Buffer.from([0xff]))));
    assert.deepEqual(
      [...deflate.events, ...other.events].map(([kind]) => kind),
      ['changed text', 'changed text', 'changed text'],
    );
  });

  it('refuses a frame by its header before its payload has come, and tells nobody of it', () => {
    const witness = new Witness({ ...ofServer, messageBytesMax: 1_000 });
    assert.ok(witness.push(text('ok')));
    witness.push(text('', { length: 1_001 }).subarray(0, 4));
    assert.equal(witness.closeCode, 1009);
    assert.equal(witness.frames.length, 1);
  });

  it('refuses a text with the piece that makes it none', () => {
    const witness = new Witness(ofServer);
    const bytes = text(Buffer.concat([Buffer.from('grün'), Buffer.from([0xff]), Buffer.alloc(1_000)]));
    assert.ok(witness.push(bytes.subarray(0, 8)));
    assert.equal(witness.push(bytes.subarray(8, 12)), false);
    assert.equal(witness.closeCode, 1007);
  });

  it('checks texts also where nobody wants their payload', () => {
    const witness = new Witness(ofClient, false);
    assert.ok(witness.push(text('fine', { mask })));
    witness.push(text(Buffer.from([0xff]), { mask }));
    assert.equal(witness.closeCode, 1007);
  });

  it('drops what comes after a close frame', () => {
    const witness = new Witness(ofServer);
    assert.ok(witness.push(Buffer.concat([frameBytes({ opcode: opcode.close }), Buffer.from('garbage')])));
    assert.ok(witness.push(Buffer.from('more garbage')));
    assert.deepEqual(witness.events, [['close', '']]);
  });

  it('says how many bytes at the end it has told nobody of', () => {
    const witness = new Witness(ofServer);
    witness.push(Buffer.concat([text('x'), text('abc').subarray(0, 1)]));
    assert.equal(witness.parser.untold, 1);
    witness.push(text('abc').subarray(1));
    assert.equal(witness.parser.untold, 0);
    assert.deepEqual(witness.frames, [text('x'), text('abc')].map(hex));
  });
});
