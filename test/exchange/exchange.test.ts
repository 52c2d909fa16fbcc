import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import type { MiddlewareRun } from '../../src/exchange/exchange.ts';
import { createKey } from '../../src/exchange/keys.ts';
import { sampleExchange } from './samples.ts';

const upstream = { name: 'default', provider: 'openai', address: 'localhost', port: 80 };
const run = (isUnderWay: boolean): MiddlewareRun => ({
  middleware: 'a',
  owner: undefined,
  phase: 'before_query',
  startedAt: 100,
  durationMs: 7,
  calls: 1,
  isUnderWay,
  error: undefined,
});

describe('an exchange', () => {
  it('ends once, with the first outcome, and its attempt with it', () => {
    const exchange = sampleExchange();
    const attempt = exchange.beginAttempt(upstream);
    const error = new SightlineError('upstream_timeout');
    assert.equal(exchange.hasEnded, false);
    assert.equal(exchange.end('timed_out', error, 5), true);
    assert.equal(exchange.end('completed', undefined, 9), false);
    assert.deepEqual([exchange.outcome, exchange.error, exchange.endedAt], ['timed_out', error, 5]);
    assert.deepEqual([attempt.outcome, attempt.error, attempt.endedAt], ['timed_out', error, 5]);
  });

  it('leaves the outcome of an attempt that has ended before', () => {
    const exchange = sampleExchange();
    const attempt = exchange.beginAttempt(upstream);
    attempt.end('upstream_error', undefined, 3);
    exchange.end('completed', undefined, 5);
    assert.deepEqual([attempt.outcome, attempt.endedAt], ['upstream_error', 3]);
  });

  it('counts the time of a middleware that is still under way when it ends', () => {
    const exchange = sampleExchange();
    exchange.noteRun(run(false));
    exchange.noteRun(run(true));
    exchange.end('client_aborted', undefined, 160);
    assert.deepEqual(
      exchange.middlewareRuns.map(({ durationMs }) => durationMs),
      [7, 60],
    );
  });

  it('gives each middleware run that is over away once, and keeps the others', () => {
    const exchange = sampleExchange();
    const [over, underWay] = [run(false), run(true)];
    for (const one of [underWay, over]) exchange.noteRun(one);
    assert.deepEqual(exchange.takeRuns(), [over]);
    assert.deepEqual(exchange.takeRuns(), []);
    underWay.isUnderWay = false;
    assert.deepEqual(exchange.takeRuns(), [underWay]);
  });

  it('notes so many middleware runs and counts the others', () => {
    const exchange = sampleExchange({ limits: { middlewareRunsMax: 2 } });
    for (let i = 0; i < 5; i += 1) exchange.noteRun(run(false));
    assert.deepEqual([exchange.middlewareRuns.length, exchange.middlewareRunsDropped], [2, 3]);
  });
});

describe('the view of an exchange', () => {
  it('keeps state under keys that are told apart by what they are, not by their name', () => {
    const { view } = sampleExchange();
    const [one, two] = [createKey<number>('count'), createKey<number>('count')];
    view.set(one, 1);
    assert.equal(view.get(one), 1);
    assert.deepEqual([view.has(one), view.has(two)], [true, false]);
    assert.throws(() => view.get(two), /The key 'count' was never set on this exchange/);
  });

  it('gives copies of facts: nobody can alter the exchange by them', () => {
    const exchange = sampleExchange();
    exchange.query = { model: 'gpt-4o', stream: true };
    const attempt = exchange.beginAttempt(upstream);
    attempt.reply.finishReasons.push('stop');
    const { view } = exchange;
    Object.assign(view.query ?? {}, { model: 'other' });
    Object.assign(view.usage, { input: 3 });
    view.reply?.finishReasons.push('forged');
    assert.equal(exchange.query.model, 'gpt-4o');
    assert.deepEqual(attempt.reply, { finishReasons: ['stop'], usage: {}, terminal: false });
  });

  it('is one and the same for everybody', () => {
    const exchange = sampleExchange();
    assert.equal(exchange.view, exchange.view);
  });
});
