import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { Chunk } from '../../src/exchange/chunk.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { Query } from '../../src/exchange/query.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { MiddlewareStack, stackEntry } from '../../src/middleware/stack.ts';
import type { SseEvent } from '../../src/wire/sse-event.ts';
import { sampleExchange, sampleQuery } from '../exchange/samples.ts';

interface Scene {
  readonly exchange: Exchange;
  readonly passage: NonNullable<ReturnType<MiddlewareStack['enter']>>;
  /** Failures that the exchange survived. */
  readonly reported: { readonly middleware: string; readonly error: SightlineError }[];
}

function enter(list: readonly Middleware[], timeoutMs = 10_000): Scene {
  const reported: Scene['reported'] = [];
  const stack = new MiddlewareStack(list.map(stackEntry), {
    timeoutMs,
    onFailure: (middleware, error) => reported.push({ middleware, error }),
  });
  const exchange = sampleExchange();
  const passage = stack.enter(exchange);
  assert.ok(passage);
  return { exchange, passage, reported };
}

/** Middleware that write down when they are called, and otherwise leave everything as it is. */
function noted(log: string[], ...names: readonly string[]): Middleware[] {
  return names.map((name) => ({
    name,
    beforeQuery: () => void log.push(`${name} in`),
    onChunk: () => void log.push(`${name} chunk`),
    afterResponse: (reply) => void log.push(`${name} out ${reply.status}`),
    onError: (error) => void log.push(`${name} error ${error.code}`),
  }));
}

const query = sampleQuery({ model: 'gpt-4o', messages: [] });
const event = (data: string, isFinal = false) => new Chunk({ event: '', data }, undefined, isFinal);
const dataOf = (chunks: readonly SseEvent[]) => chunks.map(({ data }) => data);
const answer = (status: number) => Reply.json(status, { status });
const never = () => new Promise<never>(() => undefined);
const failure = new SightlineError('upstream_timeout');

async function errorOf(running: Promise<unknown>): Promise<SightlineError> {
  const thrown = await running.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof SightlineError);
  return thrown;
}

describe('a passage through the stack', () => {
  it('goes in in order and out in reverse', async () => {
    const log: string[] = [];
    const { passage } = enter(noted(log, 'a', 'b', 'c'));
    assert.equal(await passage.beforeQuery(query), query);
    passage.onChunk(event('{}'));
    await passage.afterResponse(answer(200));
    const expected = 'a in, b in, c in, c chunk, b chunk, a chunk, c out 200, b out 200, a out 200';
    assert.equal(log.join(', '), expected);
  });

  it('gives each middleware what the one before it made of query and reply', async () => {
    const add = (name: string, async: boolean): Middleware => ({
      name,
      beforeQuery(given) {
        const next = given.with({
          payload: { ...given.payload, user: `${given.payload.user ?? ''}${name}` },
        });
        return async ? Promise.resolve(next) : next;
      },
      afterResponse(given) {
        const next = given.with({ payload: { text: `${given.payload?.text ?? ''}${name}` } });
        return async ? Promise.resolve(next) : next;
      },
    });
    const { passage } = enter([add('a', false), { name: 'idle' }, add('b', true), add('c', false)]);
    const sent = await passage.beforeQuery(query);
    assert.ok(sent instanceof Query);
    assert.equal(sent.payload.user, 'abc');
    assert.equal((await passage.afterResponse(Reply.json(200, {}))).payload?.text, 'cba');
  });

  it('calls callbacks as methods, with the view of the exchange', async () => {
    class Counting implements Middleware {
      readonly name = 'counting';
      calls = 0;
      readonly views = new Set<unknown>();
      beforeQuery(_query: Query, exchange: unknown) {
        this.#count(exchange);
      }
      onChunk(_chunk: Chunk, exchange: unknown) {
        this.#count(exchange);
      }
      afterResponse(_reply: Reply, exchange: unknown) {
        this.#count(exchange);
      }
      #count(exchange: unknown) {
        this.calls += 1;
        this.views.add(exchange);
      }
    }
    const counting = new Counting();
    const { exchange, passage } = enter([counting]);
    await passage.beforeQuery(query);
    passage.onChunk(event('{}'));
    await passage.afterResponse(answer(200));
    assert.equal(counting.calls, 3);
    assert.deepEqual([...counting.views], [exchange.view]);
  });

  it('ends at the first reply, which goes out through those that were entered', async () => {
    const log: string[] = [];
    const [a, b, c] = noted(log, 'a', 'b', 'c') as [Middleware, Middleware, Middleware];
    const cache: Middleware = { ...b, beforeQuery: async () => answer(203) };
    const { passage } = enter([a, cache, c]);
    const reply = await passage.beforeQuery(query);
    assert.ok(reply instanceof Reply);
    await passage.afterResponse(reply);
    assert.equal(log.join(', '), 'a in, b out 203, a out 203');
  });

  it('tells whether anybody who was entered reads chunks or replies', async () => {
    const chunks: Middleware = { name: 'chunks', onChunk: () => null };
    const replies: Middleware = { name: 'replies', afterResponse: () => undefined };
    const stopper: Middleware = { name: 'stopper', beforeQuery: () => answer(200) };
    for (const [list, changesChunks, readsReplies] of [
      [[{ name: 'idle' }], false, false],
      [[chunks], true, false],
      [[replies], false, true],
      [[chunks, replies], true, true],
      [[stopper, chunks, replies], false, false],
    ] as const) {
      const { passage } = enter(list);
      await passage.beforeQuery(query);
      assert.deepEqual([passage.changesChunks, passage.readsReplies], [changesChunks, readsReplies]);
    }
  });

  it('notes each run with its phase and duration, and all chunks as one', async () => {
    const gate = Promise.withResolvers<void>();
    const slow: Middleware = {
      name: 'slow',
      beforeQuery: () => gate.promise,
      onChunk: () => undefined,
      afterResponse: () => {
        throw new Error('broken');
      },
      onError: () => undefined,
    };
    const outer: Middleware = { name: 'outer', onError: () => undefined };
    const { exchange, passage } = enter([outer, slow]);
    const running = passage.beforeQuery(query);
    const begun = performance.now();
    while (performance.now() - begun < 2);
    gate.resolve();
    await running;
    passage.onChunk(event('1'));
    passage.onChunk(event('2'));
    const error = await errorOf(passage.afterResponse(answer(200)));
    await passage.onError(error);
    assert.deepEqual(
      exchange.middlewareRuns.map((run) => [run.middleware, run.phase, run.calls, run.error?.code]),
      [
        ['slow', 'before_query', 1, undefined],
        ['slow', 'on_chunk', 2, undefined],
        ['slow', 'after_response', 1, 'middleware_failed'],
        ['outer', 'on_error', 1, undefined],
      ],
    );
    assert.ok((exchange.middlewareRuns[0]?.durationMs ?? 0) >= 2);
    for (const run of exchange.middlewareRuns) assert.ok(run.durationMs > 0, run.phase);
  });
});

describe('chunks on their way out', () => {
  async function through(list: readonly Middleware[], chunks: readonly Chunk[]): Promise<Chunk[]> {
    const { passage } = enter(list);
    await passage.beforeQuery(query);
    return chunks.flatMap((chunk) => [...passage.onChunk(chunk)]);
  }

  it('are left, changed, split and dropped, each result going on to the next middleware out', async () => {
    const out = await through(
      [
        { name: 'last', onChunk: (chunk) => chunk.with({ data: `<${chunk.data}>` }) },
        { name: 'drop', onChunk: (chunk) => (chunk.data === 'b2' ? null : undefined) },
        {
          name: 'split',
          onChunk: (chunk) => [1, 2].map((n) => chunk.with({ data: `${chunk.data}${n}` })),
        },
        { name: 'keep', onChunk: () => undefined },
      ],
      [event('a'), event('b')],
    );
    assert.deepEqual(dataOf(out), ['<a1>', '<a2>', '<b1>']);
  });

  it('keep their bytes where nobody replaced them', async () => {
    const raw = Buffer.from('data:{"a": 1}\r\n\r\n');
    const [same, changed] = await through(
      [{ name: 'b', onChunk: (chunk) => (chunk.data === 'b' ? chunk.with({ data: 'c' }) : chunk) }],
      [new Chunk({ event: '', data: '{"a": 1}' }, raw), new Chunk({ event: 'x', data: 'b', id: '7' }, raw)],
    );
    assert.equal(same?.bytes, raw);
    assert.equal(changed?.bytes.toString(), 'id: 7\nevent: x\ndata: c\n\n');
  });

  it('tell everybody of the last one, also where somebody further in takes it out', async () => {
    const finals: string[] = [];
    const outer: Middleware = {
      name: 'outer',
      onChunk: (chunk) => {
        if (chunk.isFinal) finals.push(chunk.data);
        return chunk.isFinal ? [event('held back'), chunk] : undefined;
      },
    };
    for (const inner of [
      { name: 'inner', onChunk: () => null },
      { name: 'inner', onChunk: () => [] },
      { name: 'inner', onChunk: (chunk: Chunk) => new Chunk({ event: '', data: chunk.data }) },
    ] satisfies Middleware[]) {
      const out = await through([outer, inner], [event('a'), event('[DONE]', true)]);
      const bytes = Buffer.concat(out.map((chunk) => chunk.bytes)).toString();
      assert.match(bytes, /data: held back\n\n$/);
      assert.equal(out.at(-1)?.isFinal, true);
    }
    assert.equal(finals.length, 3);
  });

  it('fail the exchange where a middleware throws or gives back something else, and name it', async () => {
    const wrong: Record<string, () => unknown> = {
      'onChunk must return a Chunk, a list of them, null or nothing': () => 'text',
      'onChunk must answer at once: a stream waits for nobody': async () => {
        throw new Error('reaches nobody');
      },
      'at once': () => {
        throw new Error('at once');
      },
    };
    for (const [message, onChunk] of Object.entries(wrong)) {
      const { passage, exchange } = enter([{ name: 'bad', onChunk: onChunk as () => null }]);
      await passage.beforeQuery(query);
      assert.throws(
        () => passage.onChunk(event('a')),
        (error) => {
          assert.ok(error instanceof SightlineError && error.cause instanceof Error);
          assert.equal(error.code, 'middleware_failed');
          assert.equal(error.culprit, 'bad');
          assert.equal(error.cause.message, message);
          return true;
        },
      );
      assert.equal(exchange.middlewareRuns[0]?.error?.code, 'middleware_failed');
    }
    const list: Middleware = { name: 'bad', onChunk: () => [event('a'), 'b' as unknown as Chunk] };
    await assert.rejects(through([list], [event('a')]), { code: 'middleware_failed', culprit: 'bad' });
  });

  it("pass a failing middleware by that declares onFailure: 'continue'", async () => {
    const { passage, reported } = enter([
      { name: 'mark', onChunk: (chunk) => chunk.with({ data: `<${chunk.data}>` }) },
      {
        name: 'bad',
        onFailure: 'continue',
        onChunk: (chunk) => {
          if (chunk.data === 'b') throw new Error('broken');
          return null;
        },
      },
    ]);
    await passage.beforeQuery(query);
    const out = ['a', 'b', 'c'].flatMap((data) => dataOf(passage.onChunk(event(data))));
    assert.deepEqual(out, ['<b>']);
    assert.deepEqual(
      reported.map(({ middleware, error }) => [middleware, error.code]),
      [['bad', 'middleware_failed']],
    );
  });
});

describe('a stream that a middleware answers with', () => {
  it('goes out through onChunk and afterResponse of those that were entered, with its last one marked', async () => {
    const log: string[] = [];
    const outer: Middleware = {
      name: 'outer',
      onChunk: (chunk) => {
        log.push(`${chunk.data}${chunk.isFinal ? ' final' : ''}`);
        return chunk.isFinal ? [event('held back'), chunk] : chunk.with({ data: chunk.data.toUpperCase() });
      },
      afterResponse: (reply) => void log.push(`out ${reply.chunks?.length}`),
    };
    const inner: Middleware = {
      name: 'inner',
      beforeQuery: () => Reply.events([event('a'), event('b'), event('[DONE]')]),
    };
    const { passage } = enter([outer, inner]);
    const reply = await passage.beforeQuery(query);
    assert.ok(reply instanceof Reply);
    const last = await passage.afterResponse(reply);
    assert.deepEqual(dataOf(last.chunks ?? []), ['A', 'B', 'held back', '[DONE]']);
    assert.deepEqual(log, ['a', 'b', '[DONE] final', 'out 4']);
  });

  it('may become a whole reply on its way, and the other way round', async () => {
    const { passage } = enter([
      { name: 'a', onChunk: () => assert.fail('no stream comes here'), afterResponse: () => undefined },
      { name: 'b', afterResponse: () => answer(202) },
      { name: 'c', onChunk: (chunk) => chunk.with({ data: `${chunk.data}!` }) },
      { name: 'd', afterResponse: () => Reply.events([event('x')]) },
    ]);
    await passage.beforeQuery(query);
    const last = await passage.afterResponse(answer(200));
    assert.equal(last.status, 202);
    assert.equal(last.chunks, undefined);
  });

  it('fails with the middleware that fails on it, which is left by onError', async () => {
    const log: string[] = [];
    const [a, b] = noted(log, 'a', 'b') as [Middleware, Middleware];
    const bad: Middleware = {
      ...b,
      onChunk: () => {
        throw new Error('broken');
      },
    };
    const { passage } = enter([a, bad]);
    await passage.beforeQuery(query);
    const error = await errorOf(passage.afterResponse(Reply.events([event('x')])));
    await passage.onError(error);
    assert.equal(log.join(', '), 'a in, b in, b error middleware_failed, a error middleware_failed');
  });
});

describe('a middleware that fails', () => {
  const broken: Record<string, () => unknown> = {
    throws: () => {
      throw new Error('broken');
    },
    rejects: () => Promise.reject(new Error('broken')),
    'throws what is no error': () => {
      throw 'broken';
    },
    'gives back something else': () => 42,
    'gives back something else later': async () => 'text',
  };

  for (const [how, callback] of Object.entries(broken)) {
    it(`on the way in fails the exchange closed, and is not entered (${how})`, async () => {
      const log: string[] = [];
      const [a, b, c] = noted(log, 'a', 'b', 'c') as [Middleware, Middleware, Middleware];
      const { passage, reported } = enter([a, { ...b, beforeQuery: callback as () => undefined }, c]);
      const error = await errorOf(passage.beforeQuery(query));
      assert.equal(error.code, 'middleware_failed');
      assert.equal(error.culprit, 'b');
      assert.equal(error.message, "Middleware 'b' failed.");
      await passage.onError(error);
      assert.equal(log.join(', '), 'a in, a error middleware_failed');
      assert.deepEqual(reported, []);
    });

    it(`on the way out fails the exchange closed, and is left (${how})`, async () => {
      const log: string[] = [];
      const [a, b, c] = noted(log, 'a', 'b', 'c') as [Middleware, Middleware, Middleware];
      const { passage } = enter([a, { ...b, afterResponse: callback as () => undefined }, c]);
      await passage.beforeQuery(query);
      const error = await errorOf(passage.afterResponse(answer(200)));
      assert.equal(error.culprit, 'b');
      await passage.onError(error);
      assert.equal(log.slice(3).join(', '), 'c out 200, a error middleware_failed');
    });

    it(`is passed by where it declares onFailure: 'continue' (${how})`, async () => {
      const log: string[] = [];
      const [a, b, c] = noted(log, 'a', 'b', 'c') as [Middleware, Middleware, Middleware];
      const { passage, reported } = enter([
        a,
        { ...b, onFailure: 'continue', beforeQuery: callback as () => undefined },
        { ...c, onFailure: 'continue', afterResponse: callback as () => undefined },
      ]);
      assert.equal(await passage.beforeQuery(query), query);
      assert.equal((await passage.afterResponse(answer(200))).status, 200);
      assert.equal(log.join(', '), 'a in, c in, a out 200');
      assert.deepEqual(
        reported.map(({ middleware, error }) => `${middleware} ${error.code}`),
        ['b middleware_failed', 'c middleware_failed'],
      );
    });
  }

  it('keeps the code of its refusal, which onFailure does not soften, and is named', async () => {
    const guard: Middleware = {
      name: 'guard',
      onFailure: 'continue',
      beforeQuery: () => {
        throw new SightlineError('blocked', { message: 'No cards, please.' });
      },
    };
    const { passage, exchange } = enter([guard]);
    const error = await errorOf(passage.beforeQuery(query));
    assert.deepEqual([error.code, error.culprit, error.message], ['blocked', 'guard', 'No cards, please.']);
    assert.equal(exchange.middlewareRuns[0]?.error?.code, 'blocked');
  });

  it('names the place where a body breaks off that it has to read', async () => {
    const reader: Middleware = { name: 'reader', beforeQuery: ({ payload }) => void payload };
    const { passage } = enter([reader]);
    const malformed = new Query({ method: 'POST', target: '/', headers: [], body: Buffer.from('{"a": }') });
    const error = await errorOf(passage.beforeQuery(malformed));
    assert.equal(error.code, 'malformed_json');
    assert.match(error.message, /character 6/);
  });

  it('has a deadline for each asynchronous callback, and is named where it misses it', async () => {
    for (const onFailure of ['fail', 'continue'] as const) {
      const hanging: Middleware = { name: 'hanging', onFailure, beforeQuery: never };
      const { passage, reported } = enter([hanging], 2);
      const running = passage.beforeQuery(query);
      const thrown = onFailure === 'fail' ? await errorOf(running) : undefined;
      await running.catch(() => undefined);
      const error = thrown ?? reported[0]?.error;
      assert.equal(error?.message, "Middleware 'hanging' gave no answer within 2 ms.");
      assert.equal(error?.culprit, 'hanging');
    }
    const out: Middleware = { name: 'out', afterResponse: never };
    const { passage } = enter([out], 2);
    await passage.beforeQuery(query);
    assert.match((await errorOf(passage.afterResponse(answer(200)))).message, /'out' gave no answer/);
  });

  it('gives no answer to anybody after its deadline', async () => {
    const late = Promise.withResolvers<Reply>();
    const slow: Middleware = { name: 'slow', onFailure: 'continue', beforeQuery: () => late.promise };
    const { passage } = enter([slow], 2);
    assert.equal(await passage.beforeQuery(query), query);
    late.reject(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await passage.afterResponse(answer(201))).status, 201);
  });

  it('after the client has its stream changes nothing: it is reported, and the others still see the reply', async () => {
    const log: string[] = [];
    const [a, b] = noted(log, 'a', 'b') as [Middleware, Middleware];
    const bad: Middleware = { name: 'bad', afterResponse: () => Promise.reject(new Error('broken')) };
    const { passage, reported } = enter([a, bad, b]);
    await passage.beforeQuery(query);
    const reply = new Reply({ status: 200, headers: [], isSent: true });
    assert.equal(await passage.afterResponse(reply), reply);
    assert.equal(log.slice(2).join(', '), 'b out 200, a out 200');
    assert.deepEqual(
      reported.map(({ middleware }) => middleware),
      ['bad'],
    );
  });
});

describe('an exchange that fails', () => {
  it('is handled by the first onError that answers, and those further out see its reply', async () => {
    const log: string[] = [];
    const [a, b, c, d] = noted(log, 'a', 'b', 'c', 'd') as [Middleware, Middleware, Middleware, Middleware];
    const repair: Middleware = {
      ...c,
      onError: async (error) => {
        log.push(`c repairs ${error.code}`);
        return answer(200);
      },
    };
    const { passage } = enter([a, b, repair, d]);
    await passage.beforeQuery(query);
    const reply = await passage.onError(failure);
    assert.ok(reply);
    await passage.afterResponse(reply);
    assert.equal(
      log.slice(4).join(', '),
      'd error upstream_timeout, c repairs upstream_timeout, b out 200, a out 200',
    );
  });

  it('is told to everybody where nobody answers', async () => {
    const log: string[] = [];
    const { passage } = enter(noted(log, 'a', 'b'));
    await passage.beforeQuery(query);
    assert.equal(await passage.onError(failure), undefined);
    assert.equal(log.slice(2).join(', '), 'b error upstream_timeout, a error upstream_timeout');
    assert.equal(await passage.onError(failure), undefined);
    assert.equal(log.length, 4);
  });

  it('passes an onError by that fails itself: the first error is the one that tells', async () => {
    const seen: string[] = [];
    const bad = (name: string, onError: () => unknown): Middleware => ({
      name,
      onError: onError as () => undefined,
    });
    const { passage, reported } = enter(
      [
        { name: 'outer', onError: (error) => void seen.push(error.code) },
        bad('throws', () => {
          throw new Error('broken');
        }),
        bad('hangs', never),
        bad('answers wrongly', () => 'text'),
        bad('blocks', () => {
          throw new SightlineError('blocked');
        }),
      ],
      2,
    );
    await passage.beforeQuery(query);
    assert.equal(await passage.onError(failure), undefined);
    assert.deepEqual(seen, ['upstream_timeout']);
    assert.deepEqual(
      reported.map(({ middleware }) => middleware),
      ['blocks', 'answers wrongly', 'hangs', 'throws'],
    );
  });
});

describe('an exchange whose client has gone', () => {
  it('enters nobody else, and leaves in reverse order who was, the one under way first', async () => {
    const log: string[] = [];
    const [a, b, c] = noted(log, 'a', 'b', 'c') as [Middleware, Middleware, Middleware];
    const gate = Promise.withResolvers<void>();
    const slow: Middleware = {
      ...b,
      beforeQuery: () => {
        log.push('b in');
        return gate.promise;
      },
    };
    const { exchange, passage } = enter([a, slow, c]);
    const running = passage.beforeQuery(query);
    await new Promise((resolve) => setImmediate(resolve));
    const error = new SightlineError('client_aborted');
    exchange.end('client_aborted', error);
    const abandoned = passage.abandon(error);
    gate.resolve();
    await Promise.all([running, abandoned]);
    assert.equal(log.join(', '), 'a in, b in, b error client_aborted, a error client_aborted');
  });

  it('leaves everybody, whatever onError answers', async () => {
    const log: string[] = [];
    const list = noted(log, 'a', 'b', 'c').map(
      (one): Middleware => ({
        ...one,
        onError: (error, exchange) => {
          void one.onError?.(error, exchange);
          return answer(200);
        },
      }),
    );
    const { exchange, passage } = enter(list);
    await passage.beforeQuery(query);
    exchange.end('client_aborted', failure);
    await passage.abandon(failure);
    assert.equal(
      log.slice(3).join(' '),
      'c error upstream_timeout b error upstream_timeout a error upstream_timeout',
    );
  });

  it('in the middle of the way out is told to those that have not seen the reply', async () => {
    const log: string[] = [];
    const [a, b, c] = noted(log, 'a', 'b', 'c') as [Middleware, Middleware, Middleware];
    const { exchange, passage } = enter([
      a,
      {
        ...b,
        afterResponse: async () => {
          log.push('b out');
          exchange.end('client_aborted', failure);
          void passage.abandon(failure);
        },
      },
      c,
    ]);
    await passage.beforeQuery(query);
    await passage.afterResponse(answer(200));
    await passage.abandon(failure);
    assert.equal(log.slice(3).join(', '), 'c out 200, b out, a error upstream_timeout');
  });
});
