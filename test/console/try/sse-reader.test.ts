import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SseReader } from '../../../src/console/page/try/sse-reader.ts';
import type { SseEvent } from '../../../src/wire/sse-event.ts';
import { SseParser } from '../../../src/wire/sse-parser.ts';
import { recordedStreams } from '../../dialects/recordings.ts';
import { Random } from '../../support/random.ts';

const encoder = new TextEncoder();

function read(...chunks: readonly (string | Uint8Array)[]): SseEvent[] {
  const reader = new SseReader();
  return chunks.flatMap((chunk) => reader.push(typeof chunk === 'string' ? encoder.encode(chunk) : chunk));
}

const data = (events: readonly SseEvent[]) => events.map((event) => event.data);

describe('the reader of an event stream', () => {
  it('reads names and data', () => {
    const events = read('event: ping\ndata: {"a":1}\n\ndata:b\n\n');
    assert.deepEqual(events, [
      { event: 'ping', data: '{"a":1}' },
      { event: '', data: 'b' },
    ]);
  });

  it('takes every kind of line end', () => {
    assert.deepEqual(data(read('data: a\r\n\r\ndata: b\r\rdata: c\n\n')), ['a', 'b', 'c']);
  });

  it('takes a line end that is cut in two for one', () => {
    assert.deepEqual(data(read('data: a\r', '\ndata: b\r', '\n\r', '\n')), ['a\nb']);
    assert.deepEqual(data(read('data: a\r', '\r', '', '\ndata: b\n\n')), ['a', 'b']);
  });

  it('joins lines of data, and passes over comments, other fields and events without data', () => {
    assert.deepEqual(read(': hello\nid: 7\nretry: 5\ndata: a\ndata\ndata:  b\nevent: x\n\nevent: none\n\n'), [
      { event: 'x', data: 'a\n\n b' },
    ]);
  });

  it('takes characters that are cut apart, and a byte order mark for none', () => {
    const bytes = encoder.encode('\ufeffdata: 観🚀é\n\n');
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(data(read(...single)), ['観🚀é']);
  });

  it('drops what has no end', () => {
    assert.deepEqual(data(read('data: a\n\ndata: b\n')), ['a']);
  });

  it('leaves out what is longer than anybody reads, and goes on after it', () => {
    const reader = new SseReader();
    const huge = encoder.encode('x'.repeat(1_000_000));
    reader.push(encoder.encode('data: '));
    for (let count = 0; count < 5; count += 1) assert.deepEqual(reader.push(huge), []);
    assert.deepEqual(reader.push(encoder.encode('\ndata: more\n\ndata: next\n\n')), [
      { event: '', data: 'next' },
    ]);
    assert.equal(reader.skipped, 1);
  });

  for (const folder of ['openai-chat', 'openai-responses', 'anthropic-messages', 'openai-completions'])
    for (const { name, bytes } of recordedStreams(folder))
      it(`reads what the service reads, however it is cut: ${folder}, ${name}`, () => {
        const expected: SseEvent[] = [];
        const parser = new SseParser({
          eventBytesMax: 1_000_000,
          onEvent: (event) => expected.push({ event: event.event, data: event.data }),
        });
        parser.push(bytes);
        for (let seed = 1; seed <= 20; seed += 1) {
          const random = new Random(seed);
          const reader = new SseReader();
          const events: SseEvent[] = [];
          for (let at = 0; at < bytes.length; ) {
            const end = at + random.integer(0, random.pick([1, 3, 40, 2_000]));
            events.push(...reader.push(bytes.subarray(at, end)));
            at = end;
          }
          assert.deepEqual(events, expected);
        }
      });
});
