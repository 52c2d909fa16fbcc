import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  Gunzip,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import type { SightlineError } from '../../src/errors.ts';
import { type ContentDecoderOptions, createContentDecoder } from '../../src/wire/content-decoder.ts';
import { seededRandom, splitAtRandom } from '../dialects/recordings.ts';

const text = Buffer.from('data: {"text":"Orléans 🚆"}\n\n'.repeat(500));

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  '': (bytes) => bytes,
  identity: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  'X-GZIP': (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  'deflate ': (bytes) => deflateRawSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
  'gzip, zstd': (bytes) => zstdCompressSync(gzipSync(bytes)),
  'gzip, br': (bytes) => brotliCompressSync(gzipSync(bytes)),
  'deflate,identity,gzip,zstd': (bytes) => zstdCompressSync(gzipSync(deflateSync(bytes))),
};

function decoding(header: string | undefined, bounds: Partial<ContentDecoderOptions> = {}) {
  const out: Buffer[] = [];
  const errors: SightlineError[] = [];
  const decoder = createContentDecoder(header, {
    onData: (chunk) => out.push(chunk),
    onError: (error) => errors.push(error),
    decodedBytesMax: 1 << 24,
    queueBytesMax: 1 << 24,
    ...bounds,
  });
  assert.ok(decoder);
  return { decoder, errors, decoded: () => Buffer.concat(out) };
}

async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !reached(); i += 1) await sleep(2);
  assert.ok(reached());
}

describe('the decoder of content encodings', () => {
  for (const [header, encode] of Object.entries(encoders)) {
    it(`undoes "${header}", however it is cut`, async () => {
      const encoded = encode(text);
      const random = seededRandom(encoded.length);
      const whole = [encoded];
      const singles = Array.from(encoded.subarray(0, 3000), (_, i) => encoded.subarray(i, i + 1));
      for (const chunks of [whole, splitAtRandom(encoded, random, 40), singles]) {
        if (chunks === singles && singles.length < encoded.length) continue;
        const { decoder, errors, decoded } = decoding(header);
        for (const chunk of chunks) decoder.push(chunk);
        await decoder.end();
        assert.deepEqual(errors, []);
        assert.ok(decoded().equals(text));
      }
    });
  }

  it('knows no other encoding, and no more than three', () => {
    const options = {
      onData: () => undefined,
      onError: () => undefined,
      decodedBytesMax: 1,
      queueBytesMax: 1,
    };
    for (const header of ['compress', 'gzip, rot13', 'constructor', 'gzip,gzip,gzip,gzip']) {
      assert.equal(createContentDecoder(header, options), undefined, header);
    }
  });

  it('hands identity on in the same call, and has nothing to wait for', () => {
    const { decoder, decoded } = decoding(undefined);
    assert.equal(decoder.push(text), true);
    assert.ok(decoded().equals(text));
    assert.equal(decoder.end(), undefined);
  });

  it('has nothing to wait for where no byte came', () => {
    assert.equal(decoding('gzip').decoder.end(), undefined);
  });

  const flushing = [
    ['gzip', () => createGzip({ flush: constants.Z_SYNC_FLUSH })],
    ['br', () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })],
    ['zstd', () => createZstdCompress({ flush: constants.ZSTD_e_flush })],
  ] as const;
  for (const [header, create] of flushing) {
    it(`gives each piece as early as ${header} was flushed`, async () => {
      const { decoder, errors, decoded } = decoding(header);
      const encoder = create();
      encoder.on('data', (chunk: Buffer) => decoder.push(chunk));
      let sent = '';
      for (const piece of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
        encoder.write(piece);
        sent += piece;
        await until(() => decoded().toString() === sent);
      }
      decoder.close();
      encoder.destroy();
      assert.deepEqual(errors, []);
    });
  }

  it('stops at what may come out, once, and ignores what comes after', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    for (const [header, bytes] of [
      ['gzip', bomb],
      ['gzip, gzip', gzipSync(bomb)],
    ] as const) {
      const { decoder, errors, decoded } = decoding(header, { decodedBytesMax: 100_000 });
      decoder.push(bytes);
      await until(() => errors.length > 0);
      decoder.push(bytes);
      await decoder.end();
      assert.deepEqual(
        errors.map((error) => error.code),
        ['reply_too_large'],
      );
      assert.ok(decoded().length <= 100_000);
    }
    const { decoder, errors } = decoding('identity', { decodedBytesMax: 10 });
    decoder.push(text);
    decoder.push(text);
    assert.equal(errors.length, 1);
  });

  it('stops at what may wait', () => {
    const { decoder, errors } = decoding('gzip', { queueBytesMax: 1000 });
    decoder.push(gzipSync(randomBytes(500)));
    decoder.push(randomBytes(900));
    decoder.push(randomBytes(900));
    assert.deepEqual(
      errors.map((error) => error.code),
      ['reply_too_large'],
    );
  });

  it('says once that it cannot decode, and ends', async () => {
    for (const [header, bytes] of [
      ['gzip', Buffer.from('no gzip at all')],
      ['gzip', gzipSync(text).subarray(0, -20)],
      ['br', Buffer.from('no brotli at all, really')],
      ['zstd', Buffer.from('no zstd at all')],
      ['gzip, br', brotliCompressSync(text)],
    ] as const) {
      const { decoder, errors } = decoding(header);
      decoder.push(bytes);
      await decoder.end();
      assert.deepEqual(
        errors.map((error) => error.code),
        ['upstream_invalid_reply'],
        header,
      );
    }
  });

  it('holds the output back while it is paused, and the input with it', async () => {
    const bytes = randomBytes(3_000_000);
    for (const header of ['gzip', 'gzip, zstd']) {
      const encoded = encoders[header]?.(bytes) ?? bytes;
      let drains = 0;
      const { decoder, errors, decoded } = decoding(header, {
        onDrain: () => {
          drains += 1;
        },
      });
      decoder.pause();
      let full = 0;
      for (let at = 0; at < encoded.length; at += 65_536) {
        if (!decoder.push(encoded.subarray(at, at + 65_536))) full += 1;
      }
      await sleep(50);
      assert.ok(full > 0);
      assert.equal(drains, 0);
      assert.equal(decoded().length, 0);
      decoder.resume();
      await decoder.end();
      assert.deepEqual(errors, []);
      assert.ok(decoded().equals(bytes));
    }
  });

  it('tells a writer of identity to wait while it is paused', () => {
    let drains = 0;
    const { decoder } = decoding('identity', {
      onDrain: () => {
        drains += 1;
      },
    });
    decoder.pause();
    assert.equal(decoder.push(text), false);
    decoder.resume();
    decoder.resume();
    assert.equal(drains, 1);
    assert.equal(decoder.push(text), true);
  });

  it('frees its handles when it is closed in the middle, and resolves whoever waits', async (t) => {
    const destroy = t.mock.method(Gunzip.prototype, '_destroy');
    const encoded = gzipSync(randomBytes(1_000_000));
    for (let round = 0; round < 50; round += 1) {
      const { decoder, errors } = decoding(round % 2 === 0 ? 'gzip' : 'br, gzip');
      decoder.push(encoded.subarray(0, 500_000));
      const ended = decoder.end();
      decoder.close();
      decoder.close();
      decoder.push(encoded);
      await ended;
      assert.deepEqual(errors, []);
    }
    assert.equal(destroy.mock.callCount(), 50);
    const open = () => destroy.mock.calls.filter((call) => Reflect.get(call.this ?? {}, '_handle') !== null);
    await until(() => open().length === 0);
  });

  it('frees its handle at the end of the stream', async (t) => {
    const destroy = t.mock.method(Gunzip.prototype, '_destroy');
    const { decoder } = decoding('gzip');
    decoder.push(gzipSync(text));
    await decoder.end();
    assert.equal(destroy.mock.callCount(), 1);
  });
});
