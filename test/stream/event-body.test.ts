import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { SightlineError } from '../../src/errors.ts';
import { EventBody } from '../../src/stream/event-body.ts';
import type { Piece } from '../../src/stream/reply-body.ts';

function watch(encoding?: string, eventBytesMax = 1_000) {
  const pieces: Piece[] = [];
  const errors: SightlineError[] = [];
  let isTaking = true;
  const take = () => {
    for (let piece = isTaking ? body?.next() : undefined; piece; piece = body?.next()) pieces.push(piece);
  };
  const body = EventBody.create({
    encoding,
    limits: { eventBytesMax, decodeQueueBytesMax: 1_000_000 },
    onPiece: take,
    onDrain: () => undefined,
    onError: (error) => errors.push(error),
  });
  assert.ok(body);
  const hold = (isHeld: boolean) => {
    isTaking = !isHeld;
    if (isHeld) body.pause();
    else body.resume();
    take();
  };
  return { body, pieces, errors, take, hold };
}

const dataOf = (pieces: readonly Piece[]) => pieces.map(({ content }) => content.data);

describe('a body of events', () => {
  it('has JSON as it stands and all else as a text, each counted by its message', () => {
    const { body, pieces } = watch();
    body.write(
      Buffer.from(
        ': comment\n\nevent: a\ndata: {"n":1e400}\n\ndata: [DONE]\n\nretry: 5\n\ndata: 1\ndata: 2\n\n',
      ),
    );
    assert.deepEqual(pieces, [
      { content: { event: 'a', data: '{"n":1e400}' }, bytes: undefined },
      { content: { event: '', data: '"[DONE]"' }, bytes: undefined },
      { content: { event: '', data: '"1\\n2"' }, bytes: undefined },
    ]);
  });

  it('has an event at its end that has no blank line, unless it broke off', async () => {
    const ended = watch();
    ended.body.write(Buffer.from('data: 1\n\ndata: 2'));
    await ended.body.end();
    ended.take();
    assert.deepEqual(dataOf(ended.pieces), ['1', '2']);
    const cut = watch();
    cut.body.write(Buffer.from('data: 1\n\ndata: 2'));
    cut.body.cut();
    cut.take();
    assert.deepEqual(dataOf(cut.pieces), ['1']);
  });

  it('holds back what is not decompressed yet', async () => {
    const events = Array.from({ length: 100_000 }, (_, i) => `data: ${i}\n\n`).join('');
    const { body, pieces, hold } = watch('gzip');
    hold(true);
    body.write(gzipSync(events));
    const ended = body.end();
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(body.isWaiting, false);
    hold(false);
    await ended;
    assert.equal(pieces.length, 100_000);
    assert.equal(body.isDecoded, true);
  });

  it('fails once where an event is too large, and then takes no more', async () => {
    for (const encoding of [undefined, 'gzip']) {
      const { body, pieces, errors } = watch(encoding, 20);
      const bytes = Buffer.from(`data: 1\n\ndata: ${'x'.repeat(50)}\n\ndata: 2\n\n`);
      body.write(encoding ? gzipSync(bytes) : bytes);
      await body.end();
      assert.deepEqual(
        errors.map(({ code }) => code),
        ['reply_too_large'],
      );
      assert.ok(pieces.length <= 1);
    }
  });

  it('is none where nobody knows the encoding', () => {
    const options = { limits: { eventBytesMax: 1, decodeQueueBytesMax: 1 } };
    const ignore = () => undefined;
    const callbacks = { onPiece: ignore, onDrain: ignore, onError: ignore };
    assert.equal(EventBody.create({ encoding: 'secret', ...options, ...callbacks }), undefined);
  });
});
