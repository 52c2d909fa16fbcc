import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteBody, unfinishedAtEnd } from '../../src/stream/byte-body.ts';
import type { Piece } from '../../src/stream/reply-body.ts';
import { Random } from '../support/random.ts';

const bytesOf = ({ content: { text, base64 } }: Piece) =>
  base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');

const letters = ['a', 'é', '€', '😀', '\u0000', '\ufeff', '"'];

function randomBytes(random: Random): Buffer {
  const length = random.integer(0, 40);
  if (random.chance(0.3)) return Buffer.from(Array.from({ length }, () => random.integer(0, 255)));
  return Buffer.from(Array.from({ length }, () => random.pick(letters)).join(''));
}

describe('a body in pieces', () => {
  it('is the very bytes, however they came and however much may go at once', () => {
    for (let seed = 1; seed <= 3_000; seed += 1) {
      const random = new Random(seed);
      const whole = Buffer.concat(Array.from({ length: 3 }, () => randomBytes(random)));
      const body = new ByteBody();
      const pieces: Piece[] = [];
      const take = (mostEver: number) => {
        for (;;) {
          const most = random.integer(1, mostEver);
          const piece = body.next(most);
          if (!piece) return;
          const { bytes = 0 } = piece;
          assert.ok(bytes > 0 && bytes <= most, `seed ${seed}`);
          pieces.push(piece);
        }
      };
      for (let at = 0; at < whole.length; ) {
        const end = at + random.integer(1, 9);
        body.write(whole.subarray(at, end));
        at = end;
        if (random.chance(0.7)) take(random.chance(0.5) ? 3 : 1_000);
      }
      body.end();
      take(1_000);
      assert.equal(body.isWaiting, false, `seed ${seed}`);
      assert.deepEqual(Buffer.concat(pieces.map(bytesOf)), whole, `seed ${seed}`);
    }
  });

  it('is text as far as it can be, also where a character came in two pieces', () => {
    const body = new ByteBody();
    const [first, second] = [Buffer.from('a€').subarray(0, 2), Buffer.from('a€').subarray(2)];
    body.write(first);
    assert.deepEqual(body.next(99), { content: { text: 'a' }, bytes: 1 });
    assert.equal(body.next(99), undefined);
    body.write(second);
    assert.deepEqual(body.next(99), { content: { text: '€' }, bytes: 3 });
    assert.equal(body.isWaiting, false);
  });

  it('is cut where it is large', () => {
    const body = new ByteBody();
    body.write(Buffer.alloc(600 * 1024, 'a'));
    const sizes = Array.from({ length: 3 }, () => body.next(Number.POSITIVE_INFINITY)?.bytes);
    assert.deepEqual(sizes, [256 * 1024, 256 * 1024, 88 * 1024]);
  });

  it('knows the beginnings of characters', () => {
    const euro = Buffer.from('€');
    assert.equal(unfinishedAtEnd(Buffer.alloc(0)), 0);
    assert.equal(unfinishedAtEnd(Buffer.from('abc')), 0);
    assert.equal(unfinishedAtEnd(euro), 0);
    assert.equal(unfinishedAtEnd(euro.subarray(0, 2)), 2);
    assert.equal(unfinishedAtEnd(euro.subarray(0, 1)), 1);
    assert.equal(unfinishedAtEnd(Buffer.from('😀').subarray(0, 3)), 3);
    assert.equal(unfinishedAtEnd(Buffer.from([0x80, 0x80, 0x80, 0x80])), 0);
  });
});
