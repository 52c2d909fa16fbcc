import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Chunk } from '../../src/exchange/chunk.ts';
import { Reply } from '../../src/exchange/reply.ts';

const chunk = (data: string) => new Chunk({ event: '', data });
const bodyHeaders = ['content-length', '7', 'Content-Encoding', 'gzip', 'ETag', '"1"', 'content-digest', 'x'];

describe('a reply as middleware sees it', () => {
  it('has a payload where its body is a JSON object, parsed once and frozen', () => {
    const reply = Reply.json(200, { a: { b: 1 } });
    assert.deepEqual(reply.payload, { a: { b: 1 } });
    assert.equal(reply.payload, reply.payload);
    assert.ok(Object.isFrozen(reply.payload?.a));
    for (const body of ['', '[1]', '{', 'null'].map((text) => Buffer.from(text))) {
      assert.equal(new Reply({ status: 200, headers: [], body }).payload, undefined);
    }
  });

  it('never changes: with makes another one', () => {
    const reply = Reply.json(200, { a: 1 }, ['x-a', '1']);
    const other = reply.with({ status: 202, payload: { a: 2 } });
    assert.deepEqual([reply.status, reply.payload], [200, { a: 1 }]);
    assert.deepEqual([other.status, other.payload, other.header('x-a')], [202, { a: 2 }, '1']);
  });

  it('loses the headers that told of its old body', () => {
    const headers = ['x-a', '1', ...bodyHeaders];
    const reply = new Reply({ status: 200, headers, body: Buffer.from('{}') });
    const replaced = [{ payload: { a: 1 } }, { body: Buffer.from('x') }, { chunks: [chunk('x')] }];
    for (const changes of replaced) assert.deepEqual(reply.with(changes).headers, ['x-a', '1']);
  });

  it('loses the headers that tell of compressed bytes where only its head is changed', () => {
    const compressed = new Reply({ status: 200, headers: bodyHeaders, body: Buffer.from('{}') });
    assert.deepEqual(compressed.with({ status: 201 }).headers, []);
    assert.deepEqual(compressed.with({ headers: [...bodyHeaders, 'x-a', '1'] }).headers, ['x-a', '1']);
    const plain = new Reply({ status: 200, headers: ['etag', '"1"'], body: Buffer.from('{}') });
    assert.deepEqual(plain.with({ status: 201 }).headers, ['etag', '"1"']);
  });

  it('has either a body or chunks', () => {
    const streamed = Reply.events([chunk('a')]).with({ body: Buffer.from('whole') });
    assert.deepEqual([streamed.chunks, String(streamed.body)], [undefined, 'whole']);
    const whole = Reply.json(200, {}).with({ chunks: [chunk('a')] });
    assert.deepEqual([whole.chunks?.length, whole.body], [1, undefined]);
    assert.equal(Reply.events([chunk('a')]).with({ status: 201 }).chunks?.length, 1);
  });

  it('keeps the reason of its status only as long as the status', () => {
    const reply = new Reply({ status: 200, statusMessage: 'Fine', headers: [] });
    assert.equal(reply.with({ headers: [] }).statusMessage, 'Fine');
    assert.equal(reply.with({ status: 201 }).statusMessage, undefined);
  });
});
