import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closePayload, readClose } from '../../../src/wire/websocket/close-frame.ts';
import { closeFrame, messageFrame, pingFrame } from '../../../src/wire/websocket/frame-writer.ts';
import { applyMask } from '../../../src/wire/websocket/mask.ts';
import { Utf8Check } from '../../../src/wire/websocket/utf8-check.ts';
import { Random } from '../../support/random.ts';
import { randomBytes, randomPieces } from './frames.ts';
import { Witness } from './witness.ts';

describe('frames of our own', () => {
  for (const isMasked of [true, false]) {
    it(`say what they have to, ${isMasked ? 'masked for a server' : 'for a client'}`, () => {
      const random = new Random(1);
      const witness = new Witness({ isMasked, extensions: 'none', messageBytesMax: 1_000_000 });
      const expected: [string, string][] = [];
      for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 200_003]) {
        const data = randomBytes(random, length);
        assert.ok(witness.push(messageFrame(data, true, isMasked)));
        expected.push(['binary', data.toString('hex')]);
      }
      assert.ok(witness.push(messageFrame(Buffer.from('grüß'), false, isMasked)));
      assert.ok(witness.push(pingFrame(Buffer.from('a'), isMasked)));
      assert.ok(witness.push(closeFrame(1001, 'c', isMasked)));
      expected.push(['text', Buffer.from('grüß').toString('hex')], ['ping', '61'], ['close', '03e963']);
      assert.deepEqual(witness.events, expected);
    });
  }

  it('have another mask each', () => {
    const masks = new Set<string>();
    for (let i = 0; i < 3_000; i += 1)
      masks.add(messageFrame(Buffer.alloc(8), true, true).toString('hex', 2, 6));
    assert.ok(masks.size > 2_990);
  });

  it('close without a code where there is none to tell', () => {
    assert.deepEqual(readClose(closePayload(1005)), { code: 1005, reason: '' });
  });

  it('close with a reason that is cut off between two characters', () => {
    assert.deepEqual(readClose(closePayload(1000, 'ok')), { code: 1000, reason: 'ok' });
    const cut = readClose(closePayload(1000, `x${'€'.repeat(60)}`));
    assert.equal(cut.reason, `x${'€'.repeat(40)}`);
  });
});

describe('masking', () => {
  it('gives the same for any length, place in memory and offset', () => {
    const random = new Random(2);
    const memory = Buffer.alloc(300);
    const mask = randomBytes(random, 4);
    for (let round = 0; round < 2_000; round += 1) {
      const clear = randomBytes(random, random.integer(0, 200));
      const bytes = memory.subarray(random.integer(0, 90)).subarray(0, clear.length);
      clear.copy(bytes);
      const offset = random.integer(0, 9);
      applyMask(bytes, mask, offset);
      const expected = clear.map((byte, i) => byte ^ (mask[(offset + i) & 3] as number));
      assert.deepEqual([...bytes], [...expected]);
    }
  });
});

describe('the check of texts', () => {
  it('finds what is no UTF-8 wherever the pieces break', () => {
    const random = new Random(3);
    const strict = new TextDecoder('utf-8', { fatal: true });
    const check = new Utf8Check();
    let valid = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Buffer.from(
        Array.from({ length: random.integer(0, 6) }, () =>
          random.pick(['a', 'é', '€', '😀', '\ud7ff', '\ue000']),
        ).join(''),
      );
      if (bytes.length > 0 && random.chance(0.5))
        bytes[random.integer(0, bytes.length - 1)] = random.pick([
          0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0x80, 0xa0,
        ]);
      let isText = true;
      try {
        strict.decode(bytes);
      } catch {
        isText = false;
      }
      check.begin();
      const pieces = randomPieces(random, bytes, 4);
      const found = pieces.every((piece) => check.push(piece)) && check.isWhole;
      assert.equal(found, isText, bytes.toString('hex'));
      if (isText) valid += 1;
    }
    assert.ok(valid > 5_000 && valid < 15_000);
  });
});
