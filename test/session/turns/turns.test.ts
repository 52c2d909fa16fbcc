import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { HookPoint } from '../../../src/hooks/points.ts';
import { ReaderStage } from './reader-stage.ts';
import { toyDialect } from './toy-dialect.ts';

const ask = { type: 'ask' };
const begin = (turn: string) => ({ type: 'begin', turn });
const word = (turn?: string) => ({ type: 'text', turn, text: 'word' });
const end = (turn: string, more = {}) => ({ type: 'end', turn, ...more });

describe('a turn', () => {
  it('is an exchange of its session: model, stream, one attempt, tokens, outcome', async () => {
    using stage = new ReaderStage();
    await stage.turn('t1', { tokens: 7 });
    const [turn] = stage.turns;
    assert.deepEqual(stage.told.ended, [turn]);
    assert.equal(turn?.id, 'session-1.1');
    assert.deepEqual(turn?.place, { kind: 'turn', session: stage.session.exchange, number: 1 });
    assert.deepEqual(turn?.query, { stream: true, model: 'toy-1' });
    assert.equal(turn?.requestBytes, JSON.stringify(ask).length);
    assert.equal(turn?.outcome, 'completed');
    assert.equal(turn?.status, 200);
    assert.equal(turn?.attempts.length, 1);
    const { attempt } = turn;
    assert.equal(attempt?.streamed, true);
    assert.equal(attempt?.outputChunks, 1);
    assert.equal(attempt?.upstream.address, 'toy.test');
    assert.ok((attempt?.headAt ?? 0) >= (attempt?.startedAt ?? Infinity));
    const bytes = stage.got.client.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    assert.equal(attempt?.bytes, bytes);
    assert.equal(stage.facts.turns, 1);
    assert.deepEqual(stage.facts.outcomes, { completed: 1 });
    assert.deepEqual(stage.facts.usage, { output: 7 });
    assert.equal(stage.reader.openTurns, 0);
    assert.equal(stage.inFlight.size, 1);
    assert.equal(stage.lease.acquired, 1);
    assert.equal(stage.lease.released, 1);
  });

  it('is only looked at: every message goes on as the same bytes', async () => {
    using stage = new ReaderStage();
    await stage.turn('t1');
    assert.deepEqual(new Set(stage.plans), new Set(['look']));
    assert.deepEqual(stage.got.upstream, [JSON.stringify(ask)]);
    assert.equal(stage.got.client.length, 3);
  });

  it('tells the hooks what an HTTP exchange tells them, in the same order', async () => {
    using stage = new ReaderStage();
    const log: string[] = [];
    const points: HookPoint[] = [
      'exchange.started',
      'query.ready',
      'attempt.started',
      'reply.head',
      'reply.first_token',
      'reply.chunk',
      'attempt.ended',
      'exchange.error',
      'exchange.ended',
    ];
    for (const point of points) {
      stage.hooks.registerHook(
        point,
        (payload) => 'exchange' in payload && log.push(`${point} ${payload.exchange.id}`),
      );
    }
    await stage.turn('t1');
    assert.deepEqual(
      log.filter((line) => line.endsWith(' session-1.1')).map((line) => line.split(' ')[0]),
      [
        'exchange.started',
        'query.ready',
        'attempt.started',
        'reply.head',
        'reply.chunk',
        'reply.first_token',
        'reply.chunk',
        'reply.chunk',
        'attempt.ended',
        'exchange.ended',
      ],
    );
  });

  it('gives the hook its message as the query', async () => {
    using stage = new ReaderStage({ headers: ['x-tenant', 'blue'] });
    const seen: unknown[] = [];
    stage.hooks.registerHook('query.ready', ({ exchange, query }) => {
      seen.push([exchange.id, query.method, query.target, query.header('x-tenant'), query.payload]);
    });
    await stage.client(ask);
    await stage.client({ type: 'other' });
    assert.deepEqual(seen, [
      ['session-1.1', 'MESSAGE', '/v1/toy?model=toy-1', 'blue', ask],
      ['session-1', 'MESSAGE', '/v1/toy?model=toy-1', 'blue', { type: 'other' }],
    ]);
  });

  it('can run beside others: each message is counted where it belongs', async () => {
    using stage = new ReaderStage();
    await stage.client(ask);
    await stage.client(ask);
    for (const message of [begin('a'), begin('b'), word('a'), word('b'), word('b'), word()]) {
      stage.upstream(message);
    }
    assert.equal(stage.reader.openTurns, 2);
    stage.upstream(end('b'));
    stage.upstream(word());
    stage.upstream(end('a'));
    stage.upstream(word());
    assert.deepEqual(
      stage.turns.map(({ attempt }) => attempt?.outputChunks),
      [2, 3],
    );
    assert.equal(stage.reader.openTurns, 0);
  });

  it('can be begun by the upstream itself, and is not over before it has begun', async () => {
    using stage = new ReaderStage();
    const at = performance.now() - 5;
    for (const message of [begin('a'), word('a'), end('a')]) {
      const data = Buffer.from(JSON.stringify(message));
      stage.reader.seen('upstream', { data, isBinary: false }, at);
    }
    const [turn] = stage.turns;
    assert.deepEqual(turn?.query, { stream: true, model: 'toy-1' });
    assert.equal(turn?.requestBytes, undefined);
    assert.equal(turn?.outcome, 'completed');
    const { startedAt = 0, headAt, firstOutputAt, endedAt } = turn?.attempt ?? {};
    assert.deepEqual([headAt, firstOutputAt, endedAt, turn?.endedAt], Array(4).fill(startedAt));
  });

  it('was asked of the model that the upgrade names, and answered by that which the upstream confirms', async () => {
    using stage = new ReaderStage();
    await stage.turn('a');
    stage.upstream({ type: 'hello', model: 'toy-1-2026' });
    await stage.turn('b');
    stage.upstream({ type: 'hello', model: 'toy-1-2026' });
    stage.upstream({ type: 'hello', model: 'toy-2' });
    await stage.turn('c');
    await stage.client(ask);
    stage.upstream({ type: 'refused', error: 'busy' });
    assert.deepEqual(
      stage.turns.map(({ query, attempt }) => [query?.model, attempt?.reply.model]),
      [
        ['toy-1', undefined],
        ['toy-1', 'toy-1-2026'],
        ['toy-2', 'toy-2'],
        ['toy-2', undefined],
      ],
    );
  });

  it('is asked of the model that the upstream tells where the upgrade names none', async () => {
    using stage = new ReaderStage({ target: '/v1/toy' });
    stage.upstream({ type: 'hello', model: 'toy-2' });
    await stage.turn('a');
    assert.equal(stage.turns[0]?.query?.model, 'toy-2');
  });

  it('takes the model of its query before that of the session', async () => {
    using stage = new ReaderStage();
    await stage.client({ type: 'ask', model: 'toy-3' });
    assert.equal(stage.turns[0]?.query?.model, 'toy-3');
  });

  it('has the trace context of its message; that of the upgrade is the session’s', async () => {
    const headers = ['traceparent', 'of the upgrade', 'Tracestate', 'a=b', 'x-tenant', 'blue'];
    using stage = new ReaderStage({ headers });
    await stage.client(ask);
    await stage.client({ type: 'ask', traceparent: '00-1', tracestate: 'c=d' });
    await stage.client({ type: 'ask', traceparent: 1, tracestate: 'c=d' });
    const plain = ['x-tenant', 'blue'];
    assert.deepEqual(
      stage.turns.map(({ request }) => request.headers),
      [plain, [...plain, 'traceparent', '00-1', 'tracestate', 'c=d'], plain],
    );
    assert.deepEqual(stage.session.exchange.request.headers, headers);
  });

  it('ends by the word of the upstream, with its error', async () => {
    using stage = new ReaderStage();
    await stage.turn('a', { outcome: 'client_aborted' });
    await stage.turn('b', { outcome: 'upstream_error', error: 'overloaded' });
    assert.deepEqual(stage.facts.outcomes, { client_aborted: 1, upstream_error: 1 });
    assert.equal(stage.turns[1]?.attempt?.reply.error, 'overloaded');
  });

  it('ends where the upstream refuses its message: by its id, else the oldest', async () => {
    using stage = new ReaderStage();
    await stage.client({ type: 'ask', id: 'q1' });
    await stage.client({ type: 'ask', id: 'q2' });
    stage.upstream({ type: 'refused', id: 'elsewhere', error: 'x', isQuery: false });
    stage.upstream({ type: 'refused', error: 'x', isQuery: false });
    assert.equal(stage.reader.openTurns, 2);
    stage.upstream({ type: 'refused', id: 'q2', error: 'busy' });
    stage.upstream({ type: 'refused', error: 'broken' });
    assert.deepEqual(
      stage.turns.map(({ outcome, attempt }) => [outcome, attempt?.reply.error]),
      [
        ['upstream_error', 'broken'],
        ['upstream_error', 'busy'],
      ],
    );
  });

  it('is not the one that is refused where it is what runs there, told of or not', async () => {
    for (const isTold of [false, true]) {
      using stage = new ReaderStage();
      await stage.client(ask);
      await stage.client(ask);
      if (isTold) stage.upstream(begin('a'));
      stage.upstream({ type: 'refused', error: 'busy', isBusy: true });
      if (!isTold) stage.upstream(begin('a'));
      stage.upstream(end('a'));
      assert.deepEqual(
        stage.turns.map(({ outcome }) => outcome),
        ['completed', 'upstream_error'],
      );
      await stage.client(ask);
      stage.upstream({ type: 'refused', error: 'busy', isBusy: true });
      assert.equal(stage.turns[2]?.outcome, 'upstream_error');
    }
  });

  it('may have been refused by an error that names no message: it was where the client asks anew', async () => {
    const unnamed = { type: 'refused', error: 'odd', isQuery: false };
    using stage = new ReaderStage({ limits: { replyHeadTimeoutMs: 20 } });
    for (const turn of ['a', 'b']) {
      await stage.client(ask);
      stage.upstream(unnamed);
      stage.upstream(begin(turn));
      stage.upstream(end(turn));
    }
    await stage.client(ask);
    stage.upstream(unnamed);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(stage.session.exchange.hasEnded, false);
    await stage.turn('c');
    assert.deepEqual(
      stage.turns.map(({ outcome, attempt }) => [outcome, attempt?.reply.error, attempt?.outputChunks]),
      [
        ['completed', undefined, 0],
        ['completed', undefined, 0],
        ['upstream_error', 'odd', 0],
        ['completed', undefined, 1],
      ],
    );
    assert.equal(stage.reader.openTurns, 0);
  });

  it('is only counted where too many are open, and those told apart stay right', async () => {
    using stage = new ReaderStage({ limits: { turnsOpenMax: 2 } });
    for (const id of ['q1', 'q2', 'q3', 'q4']) await stage.client({ type: 'ask', id });
    assert.equal(stage.facts.turnsDropped, 2);
    assert.equal(stage.got.upstream.length, 4);
    stage.upstream({ type: 'refused', id: 'q3', error: 'busy' });
    stage.upstream(begin('a'));
    stage.upstream(end('a'));
    await stage.client({ type: 'ask', id: 'q5' });
    for (const turn of ['b', 'of q4', 'c']) stage.upstream(begin(turn));
    stage.upstream(end('of q4'));
    assert.equal(stage.reader.openTurns, 2);
    stage.upstream(end('c'));
    assert.deepEqual(
      stage.turns.map(({ outcome }) => outcome),
      ['completed', undefined, 'completed'],
    );
    assert.equal(stage.facts.turns, 3);
  });

  it('is found though messages of no known turn come between', async () => {
    using stage = new ReaderStage();
    await stage.client(ask);
    for (const text of [
      'no JSON',
      '[]',
      '"text"',
      '{"type":"text","turn":"unknown"}',
      '{"type":"end","turn":"?"}',
    ])
      stage.upstream(text);
    stage.upstream(`{"type":"begin","turn":"a","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    stage.upstream(end('a'));
    assert.equal(stage.turns[0]?.outcome, 'completed');
  });
});

describe('a fault of ours', () => {
  const broken = () => {
    throw new Error('broken');
  };

  it('harms nothing where a message is only looked at', async () => {
    using stage = new ReaderStage({ dialect: { ...toyDialect, clientMark: broken, upstreamMark: broken } });
    await stage.turn('a');
    assert.equal(stage.got.upstream.length, 1);
    assert.equal(stage.got.client.length, 3);
    assert.equal(stage.session.exchange.hasEnded, false);
  });

  it('ends the session where nobody knows what became of a message', async () => {
    const middleware = [{ name: 'any', beforeQuery: () => undefined, onChunk: () => undefined }];
    for (const from of ['client', 'upstream'] as const) {
      using stage = new ReaderStage({
        dialect: { ...toyDialect, clientMark: broken, upstreamMark: broken },
        middleware,
      });
      await stage[from](ask);
      assert.equal((await stage.failure).code, 'internal');
      assert.deepEqual(stage.got, { client: [], upstream: [] });
    }
  });
});

describe('the turns of a session that ends', () => {
  const errors: string[][] = [];
  beforeEach(() => {
    errors.length = 0;
  });
  const running = async () => {
    const stage = new ReaderStage();
    stage.hooks.registerHook('exchange.error', ({ exchange, error }) =>
      errors.push([exchange.id, error.code]),
    );
    await stage.client(ask);
    await stage.client(ask);
    stage.upstream(begin('a'));
    return stage;
  };
  const outcomes = (stage: ReaderStage) => stage.turns.map(({ outcome, error }) => [outcome, error?.code]);

  it('are aborted where the client closed', async () => {
    using stage = await running();
    stage.close('client');
    assert.deepEqual(outcomes(stage), Array(2).fill(['client_aborted', 'client_aborted']));
    assert.deepEqual(stage.facts.outcomes, { client_aborted: 2 });
    assert.deepEqual(errors, []);
  });

  it('are truncated where the upstream closed, or unreachable where they had not begun', async () => {
    using closed = await running();
    closed.close('upstream');
    using gone = await running();
    gone.end(new SightlineError('upstream_truncated'));
    const expected = [
      ['upstream_truncated', 'upstream_truncated'],
      ['upstream_unreachable', 'upstream_closed'],
    ];
    assert.deepEqual(outcomes(closed), expected);
    assert.deepEqual(outcomes(gone), expected);
  });

  it('end by the error of the session', async () => {
    for (const code of ['bad_frame', 'upstream_bad_frame', 'stopping'] as const) {
      using stage = await running();
      const error = new SightlineError(code);
      stage.end(error);
      assert.deepEqual(outcomes(stage), Array(2).fill([error.outcome, code]));
      const ids = ['session-1.1', 'session-1.2', 'session-1'];
      assert.deepEqual(
        errors.splice(0),
        ids.map((id) => [id, code]),
      );
    }
  });

  it('end with it and not before, also when the service stops', async () => {
    using stage = await running();
    const stopping = new SightlineError('stopping');
    stage.inFlight.drainAll();
    stage.inFlight.failAll(stopping);
    assert.equal(stage.reader.openTurns, 2);
    stage.end(stopping);
    assert.equal(stage.inFlight.size, 0);
    assert.equal(stage.lease.released, 2);
  });

  it('are not told apart any more when it is over', async () => {
    using stage = await running();
    stage.close('client');
    assert.equal(stage.reader.plan('client', false), 'pass');
    assert.deepEqual(stage.reader.take('client', { data: Buffer.from('{}'), isBinary: false }, 0), []);
    stage.reader.seen('upstream', { data: Buffer.from('{"type":"begin","turn":"z"}'), isBinary: false }, 0);
    assert.equal(stage.turns.length, 2);
  });
});

describe('an upstream that says nothing', () => {
  it('ends the session while a turn waits to begin', async () => {
    using stage = new ReaderStage({ limits: { replyHeadTimeoutMs: 20 } });
    await stage.client(ask);
    assert.equal((await stage.failure).code, 'upstream_timeout');
    assert.equal(stage.turns[0]?.outcome, 'timed_out');
  });

  it('is waited for while a slow client keeps it from being read', async () => {
    using stage = new ReaderStage({ limits: { replyIdleTimeoutMs: 20 } });
    stage.readSince = Number.POSITIVE_INFINITY;
    await stage.client(ask);
    stage.upstream(begin('a'));
    await new Promise((resolve) => setTimeout(resolve, 70));
    assert.equal(stage.reader.openTurns, 1);
    stage.readSince = performance.now();
    const resumedAt = stage.readSince;
    assert.equal((await stage.failure).code, 'upstream_timeout');
    assert.ok(performance.now() - resumedAt >= 19);
  });

  it('ends it while a turn runs', async () => {
    using stage = new ReaderStage({ limits: { replyIdleTimeoutMs: 20 } });
    await stage.client(ask);
    stage.upstream(begin('a'));
    stage.upstream(word('a'));
    assert.equal((await stage.failure).code, 'upstream_timeout');
    assert.equal(stage.turns[0]?.outcome, 'timed_out');
  });
});
