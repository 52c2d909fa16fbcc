import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzipSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { chatText, hello, post, postRaw, readJson, startFast } from './client.ts';

const decoders = {
  gzip: { whole: gunzipSync, stream: createGunzip },
  deflate: { whole: inflateSync, stream: createInflate },
  br: { whole: brotliDecompressSync, stream: createBrotliDecompress },
  zstd: { whole: zstdDecompressSync, stream: createZstdDecompress },
};

describe('a reply on the wire', () => {
  let simulator: Simulator;
  let url: string;
  const query = { model: 'gpt-4o', messages: hello };

  before(async () => {
    // With the clock fixed, two replies to one request are equal byte for byte.
    simulator = await startFast({ clock: () => 1_700_000_000_000 });
    url = `${simulator.url}/v1/chat/completions`;
  });
  after(() => simulator.close());

  it('depends on the seed and the request alone', async () => {
    const other = await startFast({ seed: 2, clock: () => 1_700_000_000_000 });
    const same = await startFast({ clock: () => 1_700_000_000_000 });
    const ask = async (target: Simulator, body: object): Promise<string> =>
      (await post(`${target.url}/v1/chat/completions`, body)).text();
    for (const stream of [true, false]) {
      const first = await ask(simulator, { ...query, stream });
      assert.equal(await ask(simulator, { ...query, stream }), first);
      assert.equal(await ask(same, { ...query, stream }), first);
      assert.notEqual(await ask(other, { ...query, stream }), first);
      assert.notEqual(await ask(simulator, { ...query, stream, model: 'gpt-4.1' }), first);
    }
    await other.close();
    await same.close();
  });

  it('carries the headers of the real API, one of them twice', async () => {
    for (const stream of [true, false]) {
      const message = await postRaw(url, { ...query, stream });
      assert.equal(message.headers['set-cookie']?.length, 2);
      assert.match(message.headers['x-request-id']?.toString() ?? '', /^req_/);
      assert.match(message.headers['openai-processing-ms']?.toString() ?? '', /^\d+$/);
      assert.ok(message.rawHeaders.includes('CF-RAY'));
      const type = stream ? 'text/event-stream; charset=utf-8' : 'application/json';
      assert.equal(message.headers['content-type'], type);
      await buffer(message);
    }
  });

  for (const [encoding, { whole, stream }] of Object.entries(decoders)) {
    const headers = { 'x-simulator-encoding': encoding, 'accept-encoding': `identity, ${encoding};q=0.5` };

    it(`is encoded with ${encoding}, whole`, async () => {
      const plain = await (await post(url, query)).text();
      const message = await postRaw(url, query, headers);
      assert.equal(message.headers['content-encoding'], encoding);
      const bytes = await buffer(message);
      assert.equal(Number(message.headers['content-length']), bytes.length);
      assert.equal(whole(bytes).toString(), plain);
      const entry = (await simulator.journal.settled()).at(-1);
      assert.equal(entry?.replyBytes, bytes.length);
    });

    it(`is encoded with ${encoding}, each event readable as soon as it has come`, async () => {
      const message = await postRaw(url, { ...query, model: 'sim-stall-3', stream: true }, headers);
      const decoded = message.on('error', () => {}).pipe(stream());
      let body = '';
      await new Promise<void>((resolve) => {
        decoded.on('data', (piece: Buffer) => {
          body += piece.toString();
          if (body.split('\n\n').length > 4) resolve();
        });
      });
      message.destroy();
      const plain = await (await post(url, { ...query, stream: true })).text();
      const all = (await buffer(
        await postRaw(url, { ...query, stream: true }, headers),
      )) as Buffer<ArrayBuffer>;
      assert.equal(whole(all).toString(), plain);
    });
  }

  it('is not encoded for a client that does not accept it', async () => {
    for (const accepted of ['gzip;q=0', 'br', '']) {
      const message = await postRaw(url, query, {
        'x-simulator-encoding': 'gzip',
        'accept-encoding': accepted,
      });
      assert.equal(message.headers['content-encoding'], undefined);
      await buffer(message);
    }
  });

  it('comes in chunks of the size that was asked for, whatever they cut', async () => {
    const plain = await (await post(url, { ...query, stream: true })).text();
    const message = await postRaw(url, { ...query, stream: true }, { 'x-simulator-chunking': 'bytes=5' });
    const sizes = await chunkSizes(message);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      Buffer.byteLength(plain),
    );
    assert.ok(sizes.slice(0, -1).every((size) => size % 5 === 0));
    assert.ok(sizes.length > 100);
    assert.ok(/[^\u0020-\u007e\n]/.test(chatText(plain)), 'no character of several bytes to be cut');
  });

  it('holds about as much text as was asked for', async () => {
    for (const size of [2_000, 5_000_000]) {
      const message = await postRaw(url, query, { 'x-simulator-size': String(size) });
      const reply = JSON.stringify(await readJson(message));
      assert.ok(Math.abs(Buffer.byteLength(reply) - size) < size * 0.1 + 1_000);
      assert.equal((await simulator.journal.settled()).at(-1)?.ended, 'completed');
    }
  });

  it('takes the time that was set, each token at its own', async () => {
    const paced = await startSimulator({ timeToFirstTokenMs: 40, tokensPerSecond: 100 });
    const target = `${paced.url}/v1/chat/completions`;
    await (await post(target, { ...query, stream: true, max_tokens: 6 })).text();
    await (await post(target, { ...query, max_tokens: 6 })).text();
    const [stream, whole] = await paced.journal.settled();
    await paced.close();
    assert.ok(stream && whole);
    const { received, headSent = 0, firstOutputSent = 0, lastOutputSent = 0 } = stream.times;
    assert.ok(headSent < firstOutputSent);
    assert.ok(firstOutputSent - received >= 39);
    assert.ok(lastOutputSent - received >= 89);
    assert.ok((whole.times.headSent ?? 0) - whole.times.received >= 95);
  });
});

/** What arrived at a time; several chunks may arrive together, but none in part. */
async function chunkSizes(message: IncomingMessage): Promise<number[]> {
  const sizes: number[] = [];
  for await (const piece of message) sizes.push(piece.length);
  return sizes;
}
