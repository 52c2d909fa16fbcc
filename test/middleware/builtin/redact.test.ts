import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropicMessages } from '../../../src/dialects/anthropic-messages.ts';
import type { Dialect } from '../../../src/dialects/dialect.ts';
import { openaiChat } from '../../../src/dialects/openai-chat.ts';
import { Chunk } from '../../../src/exchange/chunk.ts';
import { Query } from '../../../src/exchange/query.ts';
import { Reply } from '../../../src/exchange/reply.ts';
import { createMiddleware } from '../../../src/middleware/builtin/index.ts';
import { type JsonObject, parseJsonObject } from '../../../src/wire/json.ts';
import { type SseEvent, serializeSseEvent } from '../../../src/wire/sse-event.ts';
import { seededRandom } from '../../dialects/recordings.ts';
import { sampleExchange, sampleQuery } from '../../exchange/samples.ts';
import { pick, randomPatterns, randomPieces, randomText, redacted } from './redact/secrets.ts';
import { interleaved, type SlotText, type StreamShape, streamShapes } from './redact/streams.ts';

function createRedact(options: unknown) {
  const [middleware] = createMiddleware([{ name: 'redact', options }]);
  assert.ok(middleware);
  return middleware;
}

/** The chunks as the service would hand them over: with their bytes, and the last one marked. */
function chunksOf(events: readonly SseEvent[]): Chunk[] {
  return events.map(
    (event, i) => new Chunk(event, Buffer.from(serializeSseEvent(event)), i === events.length - 1),
  );
}

/** What comes out for each chunk that goes in. */
function stream(options: unknown, dialect: Dialect, chunks: readonly Chunk[]): Chunk[][] {
  const { view } = sampleExchange({ dialect });
  const { onChunk } = createRedact(options);
  return chunks.map((chunk) => {
    const out = onChunk?.(chunk, view);
    assert.ok(Array.isArray(out));
    return out;
  });
}

/** The texts of a stream: what its pieces add up to, and what it repeats as a whole. */
function textsOf(dialect: Dialect, events: readonly SseEvent[]) {
  const pieces: Record<string, string> = {};
  const wholes: string[] = [];
  for (const { data } of events) {
    const payload = parseJsonObject(data);
    if (!payload) continue;
    dialect.mapEventText(payload, (text, slot) => {
      if (slot.startsWith('whole:')) wholes.push(text);
      else pieces[slot] = (pieces[slot] ?? '') + text;
      return text;
    });
  }
  return { pieces, wholes };
}

/** An event without its texts, and without log probabilities, which go where a text was changed. */
function bare(dialect: Dialect, { event, data }: SseEvent): unknown {
  const payload = parseJsonObject(data);
  if (!payload) return { event, data };
  const json = JSON.stringify(
    dialect.mapEventText(payload, () => ''),
    (key, value) => (key === 'logprobs' ? undefined : value),
  );
  return { event, data: json };
}

/** Without keep-alives, which may overtake those that wait. */
function inOrder<T extends SseEvent>(events: readonly T[]): T[] {
  return events.filter(({ event }) => event !== 'ping');
}

function randomStream(shape: StreamShape, random: () => number): SseEvent[] {
  const texts = pick(random, shape.slots).map((slot): SlotText => {
    const text = randomText(random, 1 + Math.floor(random() * 60));
    return { slot, pieces: randomPieces(random, text, pick(random, [1, 3, 12])) };
  });
  return interleaved(shape, texts, random);
}

for (const shape of streamShapes) {
  const { dialect } = shape;
  describe(`redact on streams of ${dialect.name}, for any patterns, texts and pieces`, () => {
    const runs = Array.from({ length: 250 }, (_, seed) => {
      const random = seededRandom(seed);
      const options = randomPatterns(random);
      const events = randomStream(shape, random);
      const chunks = chunksOf(events);
      const steps = stream(options, dialect, chunks);
      const story = `seed ${seed}: ${JSON.stringify({ ...options, events })}`;
      return { ...options, events, chunks, steps, out: steps.flat(), story };
    });

    it('makes of each text what the patterns make of it as a whole', () => {
      for (const { patterns, events, out, story } of runs) {
        const before = textsOf(dialect, events);
        const after = textsOf(dialect, out);
        for (const [slot, text] of Object.entries(before.pieces)) {
          assert.equal(after.pieces[slot], redacted(patterns, text), `${slot} of ${story}`);
        }
        assert.deepEqual(
          after.wholes,
          before.wholes.map((text) => redacted(patterns, text)),
          story,
        );
      }
    });

    it('sends every event once and in order, with nothing changed but its texts', () => {
      for (const { events, out, story } of runs) {
        const bareOf = (list: readonly SseEvent[]) => inOrder(list).map((one) => bare(dialect, one));
        assert.deepEqual(bareOf(out), bareOf(events), story);
        assert.equal(out.length, events.length, story);
        assert.equal(out.at(-1)?.isFinal, true, story);
      }
    });

    it('sends what a text still held before the event that ends it', () => {
      for (const { chunks, steps, story } of runs) {
        const sent: Chunk[] = [];
        for (const [i, chunk] of chunks.entries()) {
          sent.push(...(steps[i] ?? []));
          const ended = dialect.endedSlots(chunk, chunk.payload);
          if (ended !== 'all' && ended.length === 0) continue;
          const isEnded = (slot: string) =>
            ended === 'all' || ended.some((prefix) => slot.startsWith(prefix));
          const before = Object.entries(textsOf(dialect, chunks.slice(0, i + 1)).pieces);
          if (!before.every(([slot]) => isEnded(slot))) continue;
          assert.equal(sent.length, i + 1, story);
        }
      }
    });

    it('leaves the bytes of an event alone in which nothing was replaced', () => {
      for (const { chunks, out, story } of runs) {
        const sent = inOrder(out);
        for (const [i, chunk] of inOrder(chunks).entries()) {
          assert.equal(sent[i]?.bytes === chunk.bytes, sent[i]?.data === chunk.data, story);
        }
      }
    });
  });
}

const choice = (index: number, delta: JsonObject, finish: string | null = null): SseEvent => ({
  event: '',
  data: JSON.stringify({ choices: [{ index, delta, finish_reason: finish }] }),
});

describe('redact on a stream', () => {
  const secret = { patterns: [{ name: 'secret', pattern: 'se+cret' }], window: 8 };
  const dataOf = (chunks: readonly Chunk[]) => chunks.map(({ data }) => data);

  it('lets an event pass at once that carries no text while no text waits', () => {
    const events = [choice(0, { role: 'assistant', content: '' }), { event: '', data: 'no JSON' }];
    const steps = stream(secret, openaiChat, chunksOf(events));
    assert.deepEqual(
      steps.map((step) => step.length),
      [1, 1],
    );
  });

  it('sends a whole tool call in one event as one event', () => {
    const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const events = [
      choice(0, { tool_calls: [call] }),
      choice(0, {}, 'tool_calls'),
      { event: '', data: '[DONE]' },
    ];
    const chunks = chunksOf(events);
    assert.deepEqual(dataOf(stream(secret, openaiChat, chunks).flat()), dataOf(chunks));
  });

  it('sends the text that a block begins with, and no second beginning', () => {
    const events = [
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'a sec' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'ret!' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_stop' },
    ].map((payload) => ({ event: payload.type, data: JSON.stringify(payload) }));
    const out = stream(secret, anthropicMessages, chunksOf(events)).flat();
    assert.deepEqual(
      out.map(({ payload }) => [payload?.type, JSON.stringify(payload?.content_block ?? payload?.delta)]),
      [
        ['content_block_start', '{"type":"text","text":"a [secret]"}'],
        ['content_block_delta', '{"type":"text_delta","text":"!"}'],
        ['content_block_stop', undefined],
        ['message_stop', undefined],
      ],
    );
  });

  it('lets a keep-alive pass behind which nothing comes for long', () => {
    const ping = { event: 'ping', data: '{"type":"ping"}' };
    const piece = {
      event: 'content_block_delta',
      data: '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"sec"}}',
    };
    const stop = { event: 'message_stop', data: '{"type":"message_stop"}' };
    const steps = stream(secret, anthropicMessages, chunksOf([piece, ping, stop]));
    assert.deepEqual(steps.map(dataOf), [[], [ping.data], [piece.data, stop.data]]);
  });

  it('takes a text to have ended behind which others wait for long', () => {
    const thought = choice(0, { reasoning_content: 'hm, secret' });
    const words = Array.from({ length: 64 }, (_, i) => choice(0, { content: ` word ${i}` }));
    const steps = stream(secret, openaiChat, chunksOf([thought, ...words]));
    const waiting = steps.findIndex((step) => step.length > 0);
    assert.ok(waiting > 30 && waiting < 40, `${waiting} events waited`);
    assert.deepEqual(dataOf(steps.flat()), [
      choice(0, { reasoning_content: 'hm, [secret]' }).data,
      ...words.map(({ data }) => data),
    ]);
  });

  it('gives out everything at the end, also where the stream had no terminal event', () => {
    const piece = choice(0, { content: 'secr' });
    const { view } = sampleExchange();
    const { onChunk } = createRedact(secret);
    const end = new Chunk({ event: '', data: '' }, undefined, true);
    const [first, last] = [new Chunk(piece), end].map((chunk) => onChunk?.(chunk, view) as Chunk[]);
    assert.deepEqual(first, []);
    assert.deepEqual(
      last?.map(({ data, isFinal }) => [data, isFinal]),
      [
        [piece.data, false],
        ['', true],
      ],
    );
    // What comes behind the end is not held back for ever.
    assert.deepEqual(dataOf(onChunk?.(new Chunk(choice(0, { content: 'a secret' })), view) as Chunk[]), [
      choice(0, { content: 'a [secret]' }).data,
    ]);
  });

  it('drops log probabilities, which repeat what was replaced', () => {
    const event = {
      event: '',
      data: JSON.stringify({
        choices: [{ index: 0, delta: { content: 'secret' }, logprobs: { content: [{ token: 'secret' }] } }],
      }),
    };
    const [out] = stream(secret, openaiChat, chunksOf([event])).flat();
    assert.ok(out && !out.data.includes('"token"'));
  });

  it('keeps a character whole that a stream brings in two halves', () => {
    const events = [
      choice(0, { content: 'a \ud83d' }),
      choice(0, { content: '\ude42 secret' }),
      choice(0, {}, 'stop'),
    ];
    const out = stream(secret, openaiChat, chunksOf(events)).flat();
    const bytes = Buffer.concat(out.map((chunk) => chunk.bytes)).toString();
    assert.ok(!bytes.includes('\ufffd'));
    assert.equal(textsOf(openaiChat, out).pieces['choice:0:content'], 'a 🙂 [secret]');
  });

  it('keeps the state of each exchange apart', () => {
    const { onChunk } = createRedact(secret);
    const views = [sampleExchange().view, sampleExchange().view];
    const texts = ['se', 'cret'].flatMap((text) =>
      views.map((view) => onChunk?.(new Chunk(choice(0, { content: text })), view)),
    );
    assert.deepEqual(texts, [[], [], [], []]);
    for (const view of views) {
      const end = onChunk?.(new Chunk(choice(0, {}, 'stop')), view) as Chunk[];
      assert.equal(textsOf(openaiChat, end).pieces['choice:0:content'], '[secret]');
    }
  });
});

describe('redact on what is whole', () => {
  const options = { patterns: ['email', { name: 'code', pattern: 'X\\d+', replacement: '***' }] };
  const payload = { model: 'gpt-4o', messages: [{ role: 'user', content: 'I am a@b.example, code X12.' }] };

  it('replaces in prompts, and leaves a query alone in which nothing matches', async () => {
    const { beforeQuery } = createRedact(options);
    const { view } = sampleExchange();
    const query = await beforeQuery?.(sampleQuery(payload), view);
    assert.ok(query instanceof Query);
    assert.deepEqual(query.payload.messages, [{ role: 'user', content: 'I am [email], code ***.' }]);
    assert.equal(await beforeQuery?.(sampleQuery({ model: 'X1', messages: [] }), view), undefined);
  });

  it('replaces in replies, and leaves a reply alone in which nothing matches', async () => {
    const { afterResponse } = createRedact(options);
    const { view } = sampleExchange();
    const reply = Reply.json(200, { choices: [{ index: 0, message: { content: 'X7 is taken' } }] });
    const changed = await afterResponse?.(reply, view);
    assert.ok(changed instanceof Reply);
    assert.deepEqual(changed.payload, { choices: [{ index: 0, message: { content: '*** is taken' } }] });
    assert.equal(await afterResponse?.(Reply.json(200, { choices: [] }), view), undefined);
    assert.equal(
      await afterResponse?.(new Reply({ status: 200, headers: [], isSent: true }), view),
      undefined,
    );
  });

  it('can be told to leave prompts or replies alone', () => {
    const replies = createRedact({ ...options, prompts: false });
    assert.deepEqual([replies.beforeQuery, typeof replies.onChunk], [undefined, 'function']);
    const prompts = createRedact({ ...options, replies: false });
    assert.deepEqual([prompts.onChunk, prompts.afterResponse], [undefined, undefined]);
  });
});

describe('the known patterns of redact', () => {
  const samples: Record<string, { hits: readonly string[]; misses: readonly string[] }> = {
    email: {
      hits: ['a@b.example', 'first.last+tag@sub.domain.example'],
      misses: ['a@b', '@b.example', 'a at b.example'],
    },
    credit_card: {
      hits: ['4111111111111111', '4111 1111 1111 1111', '3782-822463-10005'],
      misses: ['411111111111', '41111111111111111111'],
    },
    iban: {
      hits: ['DE89370400440532013000', 'CH93 0076 2011 6238 5295 7'],
      misses: ['DE8937', 'de89370400440532013000'],
    },
    ipv4: { hits: ['192.168.0.1', '255.255.255.255'], misses: ['256.1.1.1', '1.2.3'] },
    us_ssn: { hits: ['078-05-1120'], misses: ['078-051-120', '1078-05-1120'] },
    api_key: {
      hits: [
        `sk-proj-${'aB3_'.repeat(39)}`,
        'ghp_0123456789abcdefghij0123456789abcdef',
        'xoxb-123456789012-abcdefghij',
      ],
      misses: ['sk-short', 'task-0123456789abcdefghij'],
    },
  };

  for (const [name, { hits, misses }] of Object.entries(samples)) {
    it(`finds ${name} where it is one, and in a stream also letter by letter`, () => {
      for (const text of [...hits, ...misses]) {
        const events = [...`<${text}>`].map((content) => choice(0, { content }));
        const out = stream({ patterns: [name] }, openaiChat, chunksOf(events)).flat();
        const expected = hits.includes(text) ? `<[${name}]>` : `<${text}>`;
        assert.equal(textsOf(openaiChat, out).pieces['choice:0:content'], expected);
      }
    });
  }
});

describe('the options of redact', () => {
  for (const [options, message] of [
    [undefined, 'middleware[0].redact.patterns: expected a list of patterns'],
    [{ patterns: [] }, 'middleware[0].redact.patterns: expected a pattern at least'],
    [
      { patterns: ['emial'] },
      'middleware[0].redact.patterns.0: expected one of email, credit_card, iban, ipv4, us_ssn, api_key, or a name and a pattern',
    ],
    [
      { patterns: ['email', { name: 'x', pattern: '(' }] },
      'middleware[0].redact.patterns.1: expected a regular expression: Invalid regular expression: /(/g: Unterminated group',
    ],
    [
      { patterns: [{ name: 'x', pattern: 'a*' }] },
      'middleware[0].redact.patterns.0: expected a pattern that does not match the empty text',
    ],
    [
      { patterns: [{ name: 'a b', pattern: 'a', flags: 'ii' }] },
      'middleware[0].redact.patterns.0.name: expected 1 to 40 letters, digits, - and _\nmiddleware[0].redact.patterns.0.flags: expected some of i, m, s, u, each once',
    ],
    [{ patterns: ['email'], windows: 3 }, 'middleware[0].redact: Unrecognized key: "windows"'],
    [{ patterns: ['email'], window: 0 }, 'middleware[0].redact.window: Too small: expected number to be >=1'],
  ] as const) {
    it(`are refused with a message that says what was expected: ${JSON.stringify(options) ?? 'none'}`, () => {
      assert.throws(() => createRedact(options), { name: 'MiddlewareOptionsError', message });
    });
  }
});
