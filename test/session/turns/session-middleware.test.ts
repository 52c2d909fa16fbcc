import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SessionDialect } from '../../../src/dialects/session-dialect.ts';
import { SightlineError } from '../../../src/errors.ts';
import { Breaker } from '../../../src/exchange/breaker.ts';
import { Chunk } from '../../../src/exchange/chunk.ts';
import { createKey } from '../../../src/exchange/keys.ts';
import { Query } from '../../../src/exchange/query.ts';
import { Reply } from '../../../src/exchange/reply.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { ReaderStage, settled } from './reader-stage.ts';
import { toyDialect } from './toy-dialect.ts';

const ask = { type: 'ask', text: 'hello' };
const begin = (turn: string) => ({ type: 'begin', turn });
const word = (turn: string, text = 'word') => ({ type: 'text', turn, text });
const end = (turn: string) => ({ type: 'end', turn });
const parsed = (texts: readonly string[]) => texts.map((text) => JSON.parse(text));

/** Middleware that write down when they are called, and otherwise leave everything as it is. */
function noted(log: string[], ...names: readonly string[]): Middleware[] {
  return names.map((name) => ({
    name,
    beforeQuery: (_query, { id }) => void log.push(`${name} in ${id}`),
    onChunk: ({ isFinal }, { id }) => void log.push(`${name} chunk ${id}${isFinal ? ' final' : ''}`),
    afterResponse: ({ status, isSent }, { id }) =>
      void log.push(`${name} out ${id} ${isSent ? 'sent' : status}`),
    onError: ({ code }, { id }) => void log.push(`${name} error ${id} ${code}`),
  }));
}

describe('middleware on a turn', () => {
  it('goes in in order and out in reverse, around every message of the turn', async () => {
    const log: string[] = [];
    using stage = new ReaderStage({ middleware: noted(log, 'a', 'b') });
    await stage.turn('t1');
    await settled();
    assert.deepEqual(log, [
      'a in session-1.1',
      'b in session-1.1',
      'b chunk session-1.1',
      'a chunk session-1.1',
      'b chunk session-1.1',
      'a chunk session-1.1',
      'b chunk session-1.1 final',
      'a chunk session-1.1 final',
      'b out session-1.1 sent',
      'a out session-1.1 sent',
    ]);
    assert.equal(stage.turns[0]?.outcome, 'completed');
    assert.equal(stage.lease.acquired, stage.lease.released);
  });

  it('leaves bytes as they were where it changes nothing', async () => {
    using stage = new ReaderStage({ middleware: noted([], 'a') });
    const odd = '{ "type" : "text",\t"turn":"t1","text":"w\\u006frd","big":12345678901234567890 }';
    await stage.client('{ "type":"ask" }');
    stage.upstream(begin('t1'));
    stage.upstream(odd);
    assert.deepEqual(stage.got.upstream, ['{ "type":"ask" }']);
    assert.equal(stage.got.client.at(-1), odd);
    const data = Buffer.from('{"type":"hello"}');
    const sendings = stage.reader.take('upstream', { data, isBinary: false }, 0);
    assert.equal(Array.isArray(sendings) && sendings[0].data, data);
  });

  it('changes the query, and telemetry knows what was asked', async () => {
    const change: Middleware = {
      name: 'change',
      beforeQuery: async (query) => query.with({ payload: { ...query.payload, model: 'toy-9', id: 'q9' } }),
    };
    using stage = new ReaderStage({ middleware: [change] });
    await stage.client(ask);
    assert.deepEqual(parsed(stage.got.upstream), [{ ...ask, model: 'toy-9', id: 'q9' }]);
    assert.equal(stage.turns[0]?.query?.model, 'toy-9');
    stage.upstream({ type: 'refused', id: 'q9', error: 'busy' });
    await settled();
    assert.equal(stage.turns[0]?.outcome, 'upstream_error');
  });

  it('can make something of a query that asks for nothing', async () => {
    const change: Middleware = {
      name: 'change',
      beforeQuery: (query) => query.with({ payload: { type: 'nothing' } }),
    };
    using stage = new ReaderStage({ middleware: [change] });
    const ready: unknown[] = [];
    stage.hooks.registerHook('query.ready', ({ query }) => ready.push(query.payload));
    await stage.client(ask);
    await settled();
    assert.deepEqual(ready, [{ type: 'nothing' }]);
    assert.deepEqual(stage.got.upstream, ['{"type":"nothing"}']);
    assert.equal(stage.reader.openTurns, 0);
  });

  it('changes, splits and drops messages, and gives out at the end what it held', async () => {
    const held: Chunk[] = [];
    const change: Middleware = {
      name: 'change',
      onChunk(chunk) {
        const { type, text } = chunk.payload ?? {};
        if (type === 'begin') return [chunk, chunk.with({ data: 'two' })];
        if (text === 'drop') return null;
        if (text === 'hold') {
          held.push(chunk);
          return null;
        }
        return chunk.isFinal ? [...held, chunk] : chunk.with({ data: `${text}!` });
      },
    };
    using stage = new ReaderStage({ middleware: [change] });
    await stage.client(ask);
    for (const message of [begin('a'), word('a', 'drop'), word('a', 'hold'), word('a', 'x'), end('a')])
      stage.upstream(message);
    const json = JSON.stringify;
    assert.deepEqual(stage.got.client, [
      json(begin('a')),
      'two',
      'x!',
      json(word('a', 'hold')),
      json(end('a')),
    ]);
  });

  it('tells those further out of the end where the last message was dropped, and sends nothing for it', async () => {
    const log: string[] = [];
    const drop: Middleware = { name: 'drop', onChunk: ({ isFinal }) => (isFinal ? null : undefined) };
    using stage = new ReaderStage({ middleware: [...noted(log, 'outer'), drop] });
    await stage.turn('t1');
    assert.ok(log.includes('outer chunk session-1.1 final'));
    assert.equal(stage.got.client.length, 2);
  });

  it('answers in the upstream’s place, with events or as a whole', async () => {
    const log: string[] = [];
    const chunk = (data: string) => new Chunk({ event: '', data });
    const answer: Middleware = {
      name: 'answer',
      beforeQuery: ({ payload }) =>
        payload.text === 'whole' ? Reply.json(200, { whole: true }) : Reply.events([chunk('1'), chunk('2')]),
    };
    using stage = new ReaderStage({ middleware: [...noted(log, 'outer'), answer, ...noted(log, 'inner')] });
    await stage.client(ask);
    await stage.client({ ...ask, text: 'whole' });
    assert.deepEqual(stage.got, { client: ['1', '2', '{"whole":true}'], upstream: [] });
    assert.deepEqual(stage.facts.outcomes, { completed: 2 });
    assert.equal(stage.turns[0]?.attempts.length, 0);
    assert.deepEqual(log, [
      'outer in session-1.1',
      'outer chunk session-1.1',
      'outer chunk session-1.1 final',
      'outer out session-1.1 200',
      'outer in session-1.2',
      'outer out session-1.2 200',
    ]);
  });

  it('refuses a query: the client is told in the shape of its dialect, and the session goes on', async () => {
    const log: string[] = [];
    const errors: string[] = [];
    const refuse: Middleware = {
      name: 'refuse',
      beforeQuery({ payload }) {
        if (payload.text === 'bad') throw new SightlineError('blocked', { message: 'Not that.' });
        if (payload.text === 'bug') throw new Error('secret');
      },
    };
    using stage = new ReaderStage({ middleware: [...noted(log, 'outer'), refuse] });
    stage.hooks.registerHook('exchange.error', ({ exchange, error }) =>
      errors.push(`${exchange.id} ${error.code}`),
    );
    await stage.client({ ...ask, text: 'bad', id: 'q1' });
    await stage.client({ ...ask, text: 'bug' });
    await stage.client(ask);
    assert.deepEqual(parsed(stage.got.client), [
      { type: 'problem', code: 'blocked', message: 'Not that.', requestId: 'session-1.1', id: 'q1' },
      {
        type: 'problem',
        code: 'middleware_failed',
        message: "Middleware 'refuse' failed.",
        requestId: 'session-1.2',
      },
    ]);
    assert.deepEqual(parsed(stage.got.upstream), [ask]);
    assert.equal(stage.facts.refused, 2);
    assert.deepEqual(stage.facts.outcomes, { blocked: 1, failed: 1 });
    assert.deepEqual(errors, ['session-1.1 blocked', 'session-1.2 middleware_failed']);
    assert.deepEqual(log.slice(0, 2), ['outer in session-1.1', 'outer error session-1.1 blocked']);
    assert.equal(stage.reader.openTurns, 1);
  });

  it('repairs what one further in has failed', async () => {
    const repair: Middleware = { name: 'repair', onError: () => Reply.json(200, { repaired: true }) };
    const fail: Middleware = {
      name: 'fail',
      beforeQuery: () => {
        throw new Error('broken');
      },
    };
    using stage = new ReaderStage({ middleware: [repair, fail] });
    await stage.client(ask);
    await stage.client({ type: 'other' });
    assert.deepEqual(stage.got, { client: ['{"repaired":true}', '{"repaired":true}'], upstream: [] });
    assert.deepEqual(stage.facts.outcomes, { completed: 1 });
    assert.equal(stage.facts.refused, 0);
  });

  it('fails the turn closed where it throws at a message: the rest is swallowed, the session goes on', async () => {
    const log: string[] = [];
    const fail: Middleware = {
      name: 'fail',
      onChunk({ payload }) {
        if (payload?.text === 'bad') throw new Error('broken');
      },
    };
    using stage = new ReaderStage({ middleware: [...noted(log, 'outer'), fail] });
    await stage.client(ask);
    for (const message of [begin('a'), word('a', 'bad'), word('a'), end('a')]) stage.upstream(message);
    await settled();
    const [first, problem, ...rest] = parsed(stage.got.client);
    assert.deepEqual(first, begin('a'));
    assert.equal(problem.code, 'middleware_failed');
    assert.deepEqual(rest, []);
    assert.deepEqual(parsed(stage.got.upstream), [ask, { type: 'cancel', turn: 'a' }]);
    assert.equal(stage.facts.swallowed, 2);
    assert.equal(log.at(-1), 'outer error session-1.1 middleware_failed');
    await stage.turn('b');
    await settled();
    assert.deepEqual(stage.facts.outcomes, { failed: 1, completed: 1 });
    assert.equal(stage.lease.acquired, stage.lease.released);
  });

  it('fails the turn at its last message: nothing is left to be stopped', async () => {
    const fail: Middleware = {
      name: 'fail',
      onChunk({ isFinal }) {
        if (isFinal) throw new Error('broken');
      },
    };
    using stage = new ReaderStage({ middleware: [fail] });
    await stage.turn('a');
    assert.equal(parsed(stage.got.client).at(-1).code, 'middleware_failed');
    assert.equal(stage.got.upstream.length, 1);
    assert.deepEqual(stage.facts.outcomes, { failed: 1 });
    assert.equal(stage.reader.plan('upstream', false), 'hold');
  });

  it('enters a turn that nobody asked for', async () => {
    const log: string[] = [];
    using stage = new ReaderStage({ middleware: noted(log, 'a') });
    stage.upstream(begin('t1'));
    stage.upstream(end('t1'));
    await settled();
    assert.deepEqual(log, ['a chunk session-1.1', 'a chunk session-1.1 final', 'a out session-1.1 sent']);
  });

  it('is left once by a turn whose session ends, whatever it does just then', async () => {
    const log: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow: Middleware = { name: 'slow', beforeQuery: () => promise };
    using stage = new ReaderStage({ middleware: [...noted(log, 'outer'), slow, ...noted(log, 'inner')] });
    const asked = stage.client(ask);
    await settled();
    stage.close('client');
    assert.equal(log.length, 1);
    resolve();
    await asked;
    await settled();
    assert.deepEqual(log, ['outer in session-1.1', 'outer error session-1.1 client_aborted']);
    assert.deepEqual(stage.got, { client: [], upstream: [] });
    assert.deepEqual(stage.facts.outcomes, { client_aborted: 1 });
    assert.equal(stage.lease.acquired, stage.lease.released);
    assert.equal(stage.inFlight.size, 0);
  });

  it('is not left before the session ends, where the service stops', async () => {
    const log: string[] = [];
    using stage = new ReaderStage({ middleware: noted(log, 'a') });
    await stage.client(ask);
    const stopping = new SightlineError('stopping');
    stage.inFlight.failAll(stopping);
    await settled();
    assert.deepEqual(log, ['a in session-1.1']);
    stage.end(stopping);
    await settled();
    assert.deepEqual(log, ['a in session-1.1', 'a error session-1.1 stopping']);
  });

  it('counts the time that it takes as our own', async () => {
    using stage = new ReaderStage({ middleware: [{ name: 'slow', beforeQuery: () => settled() }] });
    await stage.client(ask);
    const [turn] = stage.turns;
    const { attempt, clock } = turn ?? {};
    assert.ok(attempt && clock && turn);
    assert.equal(turn.overheadMs, attempt.startedAt - clock.startedAt);
  });

  it('counts no time twice, where many messages come in one piece', async () => {
    const busy: Middleware = {
      name: 'busy',
      onChunk: () => {
        for (const until = performance.now() + 1; performance.now() < until; );
      },
    };
    using stage = new ReaderStage({ middleware: [busy] });
    await stage.client(ask);
    stage.upstream(begin('a'));
    const data = Buffer.from(JSON.stringify({ type: 'text', turn: 'a', text: 'word' }));
    const at = performance.now();
    for (let i = 0; i < 20; i += 1) void stage.reader.take('upstream', { data, isBinary: false }, at);
    const [turn] = stage.turns;
    assert.ok(turn);
    const { overheadMs, clock } = turn;
    assert.ok(overheadMs >= 20 && overheadMs <= performance.now() - clock.startedAt, String(overheadMs));
  });

  it('holds no turn back that has said all when its session ends; the session knows of it already', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow: Middleware = { name: 'slow', afterResponse: () => promise };
    using stage = new ReaderStage({ middleware: [slow] });
    await stage.turn('a');
    await settled();
    assert.equal(stage.reader.openTurns, 1);
    stage.close('client');
    assert.deepEqual(stage.facts.outcomes, { completed: 1 });
    assert.equal(stage.inFlight.size, 1);
    resolve();
    await settled();
    assert.equal(stage.turns[0]?.outcome, 'completed');
    assert.equal(stage.inFlight.size, 0);
    assert.equal(stage.lease.acquired, stage.lease.released);
  });

  it('does not keep a service from stopping', async () => {
    const slow: Middleware = { name: 'slow', afterResponse: () => new Promise(() => undefined) };
    using stage = new ReaderStage({ middleware: [slow] });
    await stage.turn('a');
    await settled();
    stage.close('client');
    stage.inFlight.failAll(new SightlineError('stopping'));
    assert.equal(stage.inFlight.size, 0);
    assert.equal(stage.turns[0]?.outcome, 'completed');
  });
});

describe('middleware on messages between turns', () => {
  it('sees every message of the client, each left at once', async () => {
    const log: string[] = [];
    using stage = new ReaderStage({ middleware: noted(log, 'a', 'b') });
    await stage.client({ type: 'other' });
    await stage.client({ type: 'audio' });
    await settled();
    const once = ['a in session-1', 'b in session-1', 'b out session-1 sent', 'a out session-1 sent'];
    assert.deepEqual(log, [...once, ...once]);
    assert.equal(stage.got.upstream.length, 2);
    assert.equal(stage.lease.acquired, stage.lease.released);
  });

  it('sees what the upstream says between turns, and leaves it at once', async () => {
    const log: string[] = [];
    using stage = new ReaderStage({ middleware: noted(log, 'a', 'b') });
    stage.upstream({ type: 'hello' });
    await settled();
    assert.deepEqual(log, [
      'b chunk session-1',
      'a chunk session-1',
      'b out session-1 sent',
      'a out session-1 sent',
    ]);
    assert.equal(stage.lease.acquired, stage.lease.released);
  });

  it('sees queries that are too many to be turns, and they keep their place', async () => {
    const log: string[] = [];
    using stage = new ReaderStage({ middleware: noted(log, 'a'), limits: { turnsOpenMax: 1 } });
    await stage.client(ask);
    await stage.client(ask);
    for (const message of [begin('a'), end('a')]) stage.upstream(message);
    await settled();
    for (const message of [begin('too many'), word('too many'), end('too many')]) stage.upstream(message);
    await settled();
    assert.equal(stage.turns.length, 1);
    assert.deepEqual(
      log.filter((line) => line.startsWith('a in')),
      ['a in session-1.1', 'a in session-1'],
    );
    assert.equal(log.filter((line) => line === 'a chunk session-1').length, 3);
  });

  it('has left one message before the next one comes', async () => {
    const log: string[] = [];
    const slow: Middleware = {
      name: 'slow',
      beforeQuery: () => void log.push('in'),
      async afterResponse() {
        await settled();
        log.push('out');
      },
    };
    using stage = new ReaderStage({ middleware: [slow] });
    await stage.client({ type: 'other' });
    await stage.client({ type: 'other' });
    await settled();
    await settled();
    assert.deepEqual(log, ['in', 'out', 'in', 'out']);
  });

  it('keeps its state from message to message, of both sides', async () => {
    const key = createKey<number>('count');
    const count: Middleware = {
      name: 'count',
      beforeQuery: (query, session) => {
        session.set(key, session.has(key) ? session.get(key) + 1 : 1);
        return query.with({ payload: { ...query.payload, count: session.get(key) } });
      },
      onChunk: (chunk, session) => chunk.with({ data: `${session.has(key) && session.get(key)}` }),
    };
    using stage = new ReaderStage({ middleware: [count] });
    await stage.client({ type: 'other' });
    await stage.client({ type: 'other' });
    stage.upstream({ type: 'hello' });
    assert.deepEqual(
      parsed(stage.got.upstream).map((message) => message.count),
      [1, 2],
    );
    assert.deepEqual(stage.got.client, ['2']);
  });

  it('refuses one, answers one, and the session goes on', async () => {
    const log: string[] = [];
    const guard: Middleware = {
      name: 'guard',
      beforeQuery({ payload }) {
        if (payload.type === 'bad') throw new SightlineError('blocked');
        return payload.type === 'ping' ? Reply.json(200, { type: 'pong' }) : undefined;
      },
    };
    using stage = new ReaderStage({ middleware: [...noted(log, 'outer'), guard] });
    for (const type of ['bad', 'ping', 'good']) await stage.client({ type, id: `id of ${type}` });
    assert.deepEqual(parsed(stage.got.client), [
      {
        type: 'problem',
        code: 'blocked',
        message: new SightlineError('blocked').message,
        requestId: 'session-1',
        id: 'id of bad',
      },
      { type: 'pong' },
    ]);
    assert.deepEqual(parsed(stage.got.upstream), [{ type: 'good', id: 'id of good' }]);
    assert.equal(stage.facts.refused, 1);
    assert.deepEqual(log.filter((line) => !line.includes(' in ')).slice(0, 2), [
      'outer error session-1 blocked',
      'outer out session-1 200',
    ]);
    assert.equal(stage.session.exchange.hasEnded, false);
  });

  it('passes what is no JSON, unless middleware has to read it', async () => {
    using blind = new ReaderStage({ middleware: noted([], 'a') });
    await blind.client('no JSON');
    assert.deepEqual(blind.got.upstream, ['no JSON']);
    const reading: Middleware = { name: 'reading', beforeQuery: (query) => void query.payload };
    using stage = new ReaderStage({ middleware: [reading] });
    for (const text of ['no JSON', '[1]', `{"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`])
      await stage.client(text);
    assert.deepEqual(
      parsed(stage.got.client).map(({ code }) => code),
      Array(3).fill('malformed_json'),
    );
    assert.deepEqual(stage.got.upstream, []);
  });

  it('ends the session where it throws at a message of the upstream', async () => {
    const log: string[] = [];
    const fail: Middleware = {
      name: 'fail',
      onChunk: () => {
        throw new Error('broken');
      },
    };
    using stage = new ReaderStage({ middleware: [...noted(log, 'outer'), fail] });
    stage.upstream({ type: 'hello' });
    assert.equal((await stage.failure).code, 'middleware_failed');
    await settled();
    assert.deepEqual(stage.got.client, []);
    assert.deepEqual(log, ['outer error session-1 middleware_failed']);
    assert.equal(stage.lease.acquired, stage.lease.released);
  });

  it('gives back only queries that are in memory', async () => {
    const bodiless: Middleware = {
      name: 'bodiless',
      beforeQuery: ({ method, target, headers }) => new Query({ method, target, headers, body: undefined }),
    };
    using stage = new ReaderStage({ middleware: [bodiless] });
    await stage.client({ type: 'other' });
    assert.equal(parsed(stage.got.client)[0].code, 'middleware_failed');
  });
});

describe('what middleware costs between turns', () => {
  it('is told of every message, however many there are, and nothing of it is kept', async () => {
    const middleware = noted([], 'a');
    using stage = new ReaderStage({ middleware, limits: { middlewareRunsMax: 10 } });
    for (let i = 0; i < 50; i += 1) await stage.client({ type: 'other' });
    for (let i = 0; i < 50; i += 1) stage.upstream({ type: 'hello' });
    await settled();
    const { exchange } = stage.session;
    assert.deepEqual([exchange.middlewareRuns.length, exchange.middlewareRunsDropped], [0, 0]);
    const count = (wanted: string) => stage.told.runs.filter(({ phase }) => phase === wanted).length;
    assert.deepEqual([count('before_query'), count('on_chunk'), count('after_response')], [50, 50, 100]);
  });
});

describe('who looks at messages', () => {
  const plans = (stage: ReaderStage) => [
    stage.reader.plan('client', false),
    stage.reader.plan('upstream', false),
  ];

  it('is nobody where nobody wants to', () => {
    using stage = new ReaderStage({ dialect: undefined });
    assert.deepEqual(plans(stage), ['pass', 'pass']);
    stage.hooks.registerHook('query.ready', () => undefined);
    assert.deepEqual(plans(stage), ['look', 'pass']);
    stage.hooks.registerHook('reply.chunk', () => undefined);
    assert.deepEqual(plans(stage), ['look', 'look']);
    assert.equal(stage.reader.plan('client', true), 'pass');
    assert.equal(stage.reader.plan('upstream', true), 'pass');
  });

  it('is told by hooks where no dialect is known', async () => {
    using stage = new ReaderStage({ dialect: undefined });
    const seen: string[] = [];
    stage.hooks.registerHook('query.ready', ({ exchange, query }) =>
      seen.push(`${exchange.id} ${query.body}`),
    );
    stage.hooks.registerHook('reply.chunk', ({ exchange, bytes }) => seen.push(`${exchange.id} ${bytes}`));
    await stage.client('what it is');
    stage.upstream('what it says');
    assert.deepEqual(seen, ['session-1 what it is', 'session-1 what it says']);
  });

  it('is middleware, by what it has', () => {
    const none = () => undefined;
    const needs: readonly [Partial<Middleware>, readonly string[]][] = [
      [{}, ['look', 'look']],
      [{ onError: none }, ['look', 'look']],
      [{ beforeQuery: none }, ['hold', 'look']],
      [{ afterResponse: none }, ['hold', 'look']],
      [{ onChunk: none }, ['look', 'hold']],
    ];
    for (const [callbacks, expected] of needs) {
      using stage = new ReaderStage({ middleware: [{ name: 'one', ...callbacks }] });
      assert.deepEqual(plans(stage), expected);
    }
  });

  it('answers at once where nobody has to be waited for', () => {
    using stage = new ReaderStage({ middleware: [{ name: 'a', afterResponse: () => undefined }] });
    assert.equal(stage.client(ask), undefined);
    using other = new ReaderStage({ middleware: [{ name: 'a', afterResponse: () => undefined }] });
    assert.equal(other.client({ type: 'other' }), undefined);
  });

  it('keeps the client’s messages from a middleware that is out of order and must not be skipped', async () => {
    const breaker = new Breaker({ failuresMax: 1, openMs: 60_000 });
    const middleware: Middleware = { name: 'broken', onChunk: () => undefined };
    using stage = new ReaderStage({ entries: [{ name: 'broken', middleware, breaker }] });
    assert.deepEqual(plans(stage), ['look', 'hold']);
    breaker.failed('on_chunk', new Error('no'));
    assert.deepEqual(plans(stage), ['hold', 'hold']);
    await stage.client(ask);
    await stage.client({ type: 'other' });
    assert.deepEqual(stage.got.upstream, []);
    assert.deepEqual(
      parsed(stage.got.client).map(({ code }) => code),
      ['breaker_open', 'breaker_open'],
    );
    stage.upstream(begin('a'));
    stage.upstream(end('a'));
    assert.deepEqual(parsed(stage.got.upstream), [{ type: 'cancel', turn: 'a' }]);
    assert.equal(stage.got.client.length, 3);
    assert.deepEqual(stage.facts.outcomes, { failed: 2 });
  });

  it('stops a turn that has gone on already as soon as it begins', async () => {
    const breaker = new Breaker({ failuresMax: 1, openMs: 60_000 });
    const middleware: Middleware = { name: 'broken', onChunk: () => undefined };
    using stage = new ReaderStage({ entries: [{ name: 'broken', middleware, breaker }] });
    assert.equal(stage.reader.plan('client', false), 'look');
    breaker.failed('on_chunk', new Error('no'));
    stage.reader.seen('client', { data: Buffer.from(JSON.stringify(ask)), isBinary: false }, 0);
    assert.equal(parsed(stage.got.client)[0].code, 'breaker_open');
    assert.deepEqual(stage.got.upstream, []);
    for (const message of [begin('a'), word('a'), end('a')]) stage.upstream(message);
    assert.deepEqual(parsed(stage.got.upstream), [{ type: 'cancel', turn: 'a' }]);
    assert.equal(stage.got.client.length, 1);
    assert.equal(stage.facts.swallowed, 3);
    assert.deepEqual(stage.facts.outcomes, { failed: 1 });
  });

  it('goes by the plugins of now; a turn keeps those that it began with', async () => {
    const log: string[] = [];
    const [old, fresh] = noted(log, 'old', 'fresh') as [Middleware, Middleware];
    using stage = new ReaderStage({ middleware: [old] });
    await stage.client(ask);
    stage.upstream(begin('a'));
    stage.reload({ stack: stage.stack([]) });
    assert.deepEqual(plans(stage), ['look', 'hold']);
    stage.upstream(word('a'));
    stage.upstream({ type: 'hello' });
    stage.reload({ stack: stage.stack([{ name: 'fresh', middleware: fresh }]) });
    await stage.client({ type: 'other' });
    stage.upstream(end('a'));
    await settled();
    assert.deepEqual(log, [
      'old in session-1.1',
      'old chunk session-1.1',
      'old chunk session-1.1',
      'fresh in session-1',
      'fresh out session-1 sent',
      'old chunk session-1.1 final',
      'old out session-1.1 sent',
    ]);
    stage.reload({ stack: stage.stack([]) });
    assert.deepEqual(plans(stage), ['look', 'look']);
  });

  it('parses nothing that is opaque', async () => {
    const read: unknown[] = [];
    const watched = <Mark>(mark: (payload: JsonObject) => Mark) => {
      return (payload: JsonObject) => {
        read.push(payload.type);
        return mark(payload);
      };
    };
    const { clientMark, upstreamMark } = toyDialect;
    const dialect: SessionDialect = {
      ...toyDialect,
      clientMark: watched(clientMark),
      upstreamMark: watched(upstreamMark),
    };
    for (const middleware of [[], noted([], 'a')]) {
      using stage = new ReaderStage({ dialect, middleware });
      await stage.client('{"type":"audio","data":"AAAA"}');
      stage.upstream('{"type":"audio","data":"AAAA"}');
      await stage.client(ask);
    }
    assert.deepEqual(read, ['ask', 'ask']);
  });

  it('takes nothing for opaque that says later what it is', async () => {
    const log: string[] = [];
    using stage = new ReaderStage({ middleware: noted(log, 'guard') });
    await stage.client(`{"type":"audio","data":"${'A'.repeat(100_000)}","type":"ask"}`);
    assert.deepEqual(log, ['guard in session-1.1']);
    assert.equal(stage.turns.length, 1);
  });
});
