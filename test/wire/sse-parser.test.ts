import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type SseEvent, serializeSseEvent } from '../../src/wire/sse-event.ts';
import { SseParser } from '../../src/wire/sse-parser.ts';
import { seededRandom, splitAtRandom } from '../dialects/recordings.ts';

interface Parsed {
  readonly events: SseEvent[];
  /** Each piece with its event, and at the end what was left. */
  readonly pieces: (readonly [string, SseEvent | undefined])[];
}

function parse(chunks: readonly Buffer[], eventBytesMax = 1 << 20): Parsed {
  const events: SseEvent[] = [];
  const raws: (readonly [Buffer, SseEvent | undefined])[] = [];
  const observer = new SseParser({ eventBytesMax, onEvent: (event) => events.push(event) });
  const writer = new SseParser({ eventBytesMax, onPiece: (raw, event) => raws.push([raw, event]) });
  for (const chunk of chunks) {
    observer.push(chunk);
    writer.push(chunk);
  }
  const rest = writer.end();
  if (rest !== undefined) raws.push([rest, undefined]);
  const written = raws.map(([, event]) => event).filter((event) => event !== undefined);
  assert.deepEqual(written, events, 'both ways see the same events');
  const sent = Buffer.concat(chunks);
  assert.ok(Buffer.concat(raws.map(([raw]) => raw)).equals(sent), 'no byte is lost, added or moved');
  return { events, pieces: raws.map(([raw, event]) => [raw.toString('latin1'), event] as const) };
}

function eventsOf(text: string): SseEvent[] {
  return parse([Buffer.from(text)]).events;
}

/** The standard, word for word, on a whole text: slow, and plain to see through. */
function reference(bytes: Buffer): SseEvent[] {
  const events: SseEvent[] = [];
  const lines = bytes
    .toString()
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/);
  lines.pop();
  let data = '';
  let event = '';
  let id: string | undefined;
  for (const line of lines) {
    if (line === '') {
      const idPart = id === undefined ? {} : { id };
      if (data !== '') events.push({ event, data: data.slice(0, -1), ...idPart });
      data = '';
      event = '';
      id = undefined;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data += `${value}\n`;
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
  return events;
}

const fragments = [
  '\n',
  '\n',
  '\r',
  '\r\n',
  'data: ',
  'data:',
  'data',
  'event: ',
  'event',
  'id: 7',
  'id',
  ': ',
  ':',
  ' ',
  'x',
  'é',
  '🚆',
  '\ufeff',
  '\0',
  'retry: 10',
].map((text) => Buffer.from(text));

describe('the parser of event streams', () => {
  it('reads the examples of the HTML standard', () => {
    assert.deepEqual(eventsOf('data: YHOO\ndata: +2\ndata: 10\n\n'), [{ event: '', data: 'YHOO\n+2\n10' }]);
    assert.deepEqual(
      eventsOf(': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event'),
      [
        { event: '', data: 'first event', id: '1' },
        { event: '', data: 'second event', id: '' },
      ],
    );
    assert.deepEqual(eventsOf('data\n\ndata\ndata\n\ndata:'), [
      { event: '', data: '' },
      { event: '', data: '\n' },
    ]);
    assert.deepEqual(eventsOf('data:test\n\ndata: test\n\n'), [
      { event: '', data: 'test' },
      { event: '', data: 'test' },
    ]);
  });

  it('names events, and drops those without data', () => {
    assert.deepEqual(eventsOf('event: ping\ndata: {}\n\nevent: none\n\ndata: x\n\n'), [
      { event: 'ping', data: '{}' },
      { event: '', data: 'x' },
    ]);
  });

  it('gives a writer each event with its bytes, and what belongs to none by itself', () => {
    const text =
      ': hello\n\nevent: a\ndata: 1\n\n\nretry: 5\n\n: in between\ndata: 2\n: within\n\ndata: unfinished';
    assert.deepEqual(parse([Buffer.from(text)]).pieces, [
      [': hello\n', undefined],
      ['\n', undefined],
      ['event: a\ndata: 1\n\n', { event: 'a', data: '1' }],
      ['\n', undefined],
      ['retry: 5\n\n', undefined],
      [': in between\n', undefined],
      ['data: 2\n: within\n\n', { event: '', data: '2' }],
      ['data: unfinished', undefined],
    ]);
  });

  it('passes a comment on at the end of its line, and an event at its blank line', () => {
    const seen: string[] = [];
    const parser = new SseParser({ eventBytesMax: 100, onPiece: (raw) => seen.push(raw.toString()) });
    for (const byte of Buffer.from(': wait\ndata: x\r\r')) parser.push(Buffer.from([byte]));
    assert.deepEqual(seen, [': wait\n', 'data: x\r\r']);
  });

  it('takes an LF that comes after its CR in another chunk for no line of its own', () => {
    const chunks = ['data: a\r', '\ndata: b\r', '\n\r', '\n', 'data: c\r\n\r\n'].map((text) =>
      Buffer.from(text),
    );
    assert.deepEqual(parse(chunks).events, [
      { event: '', data: 'a\nb' },
      { event: '', data: 'c' },
    ]);
  });

  it('agrees with the standard on streams of any shape, cut anywhere, and loses no byte', () => {
    const random = seededRandom(20260701);
    for (let round = 0; round < 4000; round += 1) {
      const parts: Buffer[] = [];
      for (let n = Math.floor(random() * 24); n >= 0; n -= 1) {
        const part = fragments[Math.floor(random() * fragments.length)];
        if (part !== undefined) parts.push(part);
      }
      const bytes = Buffer.concat(parts);
      const wanted = reference(bytes);
      assert.deepEqual(parse([bytes]).events, wanted, JSON.stringify(bytes.toString()));
      const pieces = splitAtRandom(bytes, random, 1 + Math.floor(random() * 8));
      assert.deepEqual(parse(pieces).events, wanted, JSON.stringify(pieces.map(String)));
    }
  });

  it('skips and counts an event or a comment that is too large, wherever it is cut, and goes on after it', () => {
    const random = seededRandom(7);
    const bytes = Buffer.from(
      `data: a\n\ndata: ${'x'.repeat(200)}\nid: 1\n\ndata: b\n\n: ${'c'.repeat(200)}\ndata: d\n\n`,
    );
    for (let round = 0; round < 200; round += 1) {
      const events: string[] = [];
      const parser = new SseParser({ eventBytesMax: 100, onEvent: (event) => events.push(event.data) });
      for (const piece of round === 0 ? [bytes] : splitAtRandom(bytes, random, 60)) parser.push(piece);
      assert.deepEqual(events, ['a', 'b', 'd']);
      assert.equal(parser.skippedEvents, 2);
    }
  });

  it('refuses such an event to a writer, who may lose nothing', () => {
    const bytes = Buffer.from(`data: ${'x'.repeat(200)}\n\n`);
    for (const chunks of [[bytes], [bytes.subarray(0, 50), bytes.subarray(50)], [bytes.subarray(0, 150)]]) {
      const parser = new SseParser({ eventBytesMax: 100, onPiece: () => undefined });
      assert.throws(() => chunks.forEach((chunk) => void parser.push(chunk)), { code: 'reply_too_large' });
    }
  });

  it('reads an event of exactly the limit', () => {
    const bytes = Buffer.from(`data: ${'x'.repeat(92)}\n\n`);
    assert.equal(bytes.length, 100);
    assert.equal(parse([bytes], 100).events.length, 1);
    assert.equal(parse([bytes.subarray(0, 99), bytes.subarray(99)], 100).events.length, 1);
  });

  it('gives a writer bytes that later chunks do not change', () => {
    const raws: Buffer[] = [];
    const parser = new SseParser({ eventBytesMax: 100, onPiece: (raw) => raws.push(raw) });
    for (const text of ['data: fi', 'rst\n\n', 'data: second', '\n\n']) parser.push(Buffer.from(text));
    assert.deepEqual(raws.map(String), ['data: first\n\n', 'data: second\n\n']);
  });
});

describe('the serializer of events', () => {
  it('writes what the parser reads as the same event', () => {
    for (const event of [
      { event: '', data: '{"a":1}' },
      { event: 'ping', data: '' },
      { event: 'x', data: 'two\nlines\n', id: '9' },
      { event: '', data: ' leading space' },
    ]) {
      assert.deepEqual(eventsOf(serializeSseEvent(event)), [event]);
    }
  });

  it('lets no line break make a second field or event', () => {
    const text = serializeSseEvent({ event: 'a\ndata: b\n\n', data: 'c\r\nd\re', id: '1\n2' });
    assert.deepEqual(eventsOf(text), [{ event: 'adata: b', data: 'c\nd\ne', id: '12' }]);
  });
});
