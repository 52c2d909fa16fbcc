import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ExchangesWindow } from '../../../src/admin/api/exchanges.ts';
import { errorRestMs, Feed, idleMs, restMs, type Sight } from '../../../src/console/page/live/feed.ts';
import { noFilter } from '../../../src/console/page/live/filter.ts';
import { endedMax } from '../../../src/console/page/live/window.ts';
import { ApiError } from '../../../src/console/page/state/api.ts';
import { answerOf, endedLines, runningLines } from './exchange-lines.ts';

interface Question {
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  answer(window: ExchangesWindow): Promise<void>;
  refuse(error: unknown): Promise<void>;
}

describe('the feed of the live list', () => {
  let questions: Question[];
  let waits: { ms: number; then: () => void }[];
  let feed: Feed;
  let sight: Sight;

  beforeEach(() => {
    questions = [];
    waits = [];
    sight = { filter: noFilter, tick: { inFlight: 0, newest: 0 }, isPaused: false, isHidden: false };
    feed = new Feed({
      get(path, signal) {
        const { promise, resolve, reject } = Promise.withResolvers<ExchangesWindow>();
        const query = Object.fromEntries(new URL(path, 'http://localhost').searchParams);
        const settle = async (how: () => void) => {
          how();
          await turn();
        };
        signal.addEventListener('abort', () => reject(signal.reason));
        questions.push({
          query,
          signal,
          answer: (window) => settle(() => resolve(window)),
          refuse: (error) => settle(() => reject(error)),
        });
        return promise;
      },
      wait(ms, then) {
        const wait = { ms, then };
        waits.push(wait);
        return () => {
          waits = waits.filter((other) => other !== wait);
        };
      },
    });
  });
  afterEach(() => feed.stop());

  const look = (more: Partial<Sight>) => {
    sight = { ...sight, ...more };
    feed.look(sight);
  };
  const next = (): Question => {
    const question = questions.shift();
    assert.ok(question, 'nothing is asked');
    assert.equal(questions.length, 0, 'one question at a time');
    return question;
  };
  const assertSilent = () => assert.deepEqual(questions, []);
  const wake = async (ms: number) => {
    const wait = waits.shift();
    assert.equal(wait?.ms, ms);
    assert.equal(waits.length, 0, 'one wait at a time');
    wait?.then();
    await turn();
  };
  /** With the numbers 2 and 1, and a rest after it. */
  const begin = async () => {
    look({ tick: { inFlight: 0, newest: 2 } });
    await next().answer(answerOf([], { newest: 2 }));
    await next().answer(answerOf(endedLines(2, 1)));
  };
  const seqs = () => feed.window.value.ended.map(({ seq }) => seq);

  it('asks for those in flight and the newest, then for what came after them', async () => {
    look({ tick: { inFlight: 1, newest: 2 } });
    const running = next();
    assert.deepEqual(running.query, { state: 'in_flight', limit: '100' });
    await running.answer(answerOf(runningLines('a'), { newest: 2 }));
    const newest = next();
    assert.deepEqual(newest.query, { state: 'ended', limit: '200' });
    assert.equal(feed.isStale.value, true);
    await newest.answer(answerOf(endedLines(2, 1)));
    assert.deepEqual(seqs(), [2, 1]);
    assert.equal(feed.isStale.value, false);
    look({ tick: { inFlight: 0, newest: 3 } });
    assertSilent();
    await wake(restMs);
    await next().answer(answerOf([], { newest: 3 }));
    const newer = next();
    assert.equal(newer.query.after, '2');
    await newer.answer(answerOf(endedLines(3)));
    assert.deepEqual(seqs(), [3, 2, 1]);
  });

  it('asks no more when nothing begins or ends', async () => {
    await begin();
    await wake(restMs);
    await wake(idleMs - restMs);
    assertSilent();
    assert.deepEqual(waits, []);
  });

  it('asks for those in flight from time to time, while there are any', async () => {
    look({ tick: { inFlight: 1, newest: 0 } });
    await next().answer(answerOf(runningLines('a')));
    await next().answer(answerOf([]));
    for (let round = 0; round < 3; round += 1) {
      await wake(restMs);
      await wake(idleMs - restMs);
      await next().answer(answerOf(runningLines('a')));
    }
    assert.equal(feed.window.value.running.length, 1);
  });

  it('makes one round of however many ticks', async () => {
    await begin();
    for (let newest = 3; newest < 9; newest += 1) look({ tick: { inFlight: 0, newest } });
    await wake(restMs);
    await next().answer(answerOf(endedLines(8, 7, 6, 5, 4, 3)));
    await wake(restMs);
    assertSilent();
    assert.equal(seqs().length, 8);
  });

  it('asks for nothing while the page is hidden, and for what was missed then', async () => {
    await begin();
    look({ isHidden: true, tick: { inFlight: 3, newest: 9 } });
    await wake(restMs);
    assertSilent();
    look({ isHidden: false });
    assert.equal(next().query.state, 'in_flight');
  });

  it('asks for nothing while it is paused but older ones', async () => {
    look({ tick: { inFlight: 0, newest: 2 } });
    await next().answer(answerOf([], { newest: 2 }));
    await next().answer(answerOf(endedLines(9, 8), { isMore: true }));
    look({ isPaused: true, tick: { inFlight: 3, newest: 20 } });
    await wake(restMs);
    assertSilent();
    feed.older();
    feed.older();
    assert.equal(feed.isLoadingOlder.value, true);
    const older = next();
    assert.equal(older.query.before, '8');
    await older.answer(answerOf(endedLines(7)));
    assert.equal(feed.isLoadingOlder.value, false);
    assert.deepEqual(seqs(), [9, 8, 7]);
    feed.older();
    await wake(restMs);
    assertSilent();
  });

  it('begins anew with another filter, and shows the old rows until the new ones are there', async () => {
    await begin();
    look({ tick: { inFlight: 0, newest: 3 } });
    await wake(restMs);
    const abandoned = next();
    look({ filter: { ...noFilter, text: 'x' } });
    assert.equal(abandoned.signal.aborted, true);
    assert.deepEqual(seqs(), [2, 1]);
    assert.equal(feed.isStale.value, true);
    const running = next();
    assert.equal(running.query.text, 'x');
    await running.answer(answerOf([], { newest: 3 }));
    const newest = next();
    assert.equal(newest.query.after, undefined);
    await newest.answer(answerOf(endedLines(3)));
    assert.deepEqual(seqs(), [3]);
  });

  it('does not begin anew with the same filter in another object', async () => {
    await begin();
    look({ filter: { ...noFilter } });
    assert.equal(feed.isStale.value, false);
  });

  it('tells of an error, keeps what it knows, and asks again later', async () => {
    await begin();
    look({ tick: { inFlight: 0, newest: 3 } });
    await wake(restMs);
    await next().refuse(new ApiError(503, { code: 'busy', message: 'Later.' }));
    assert.equal(feed.error.value?.code, 'busy');
    assert.deepEqual(seqs(), [2, 1]);
    await wake(errorRestMs);
    await next().refuse(new ApiError(429, { code: 'busy', message: 'Later.' }, 7_000));
    await wake(7_000);
    await next().answer(answerOf(endedLines(3)));
    assert.equal(feed.error.value, undefined);
    assert.deepEqual(seqs(), [3, 2, 1]);
  });

  it('begins anew by itself when the service has', async () => {
    await begin();
    look({ tick: { inFlight: 0, newest: 1 } });
    await wake(restMs);
    await next().answer(answerOf(endedLines(1)));
    assert.deepEqual(seqs(), []);
    await wake(restMs);
    await next().answer(answerOf([], { newest: 1 }));
    await next().answer(answerOf(endedLines(1)));
    assert.deepEqual(seqs(), [1]);
  });

  it('does not hold more than it may, however far one scrolls', async () => {
    look({ tick: { inFlight: 0, newest: 5_000 } });
    await next().answer(answerOf([], { newest: 5_000 }));
    const window = (from: number) => {
      const numbers = Array.from({ length: 200 }, (_, index) => from - index);
      return answerOf(endedLines(...numbers), { isMore: true });
    };
    await next().answer(window(5_000));
    for (let from = 4_800; from > 5_000 - endedMax; from -= 200) {
      feed.older();
      await wake(restMs);
      await next().answer(window(from));
    }
    assert.equal(seqs().length, endedMax);
    feed.older();
    assert.equal(feed.isLoadingOlder.value, false);
  });

  it('asks for nothing after it was stopped', async () => {
    await begin();
    look({ tick: { inFlight: 0, newest: 3 } });
    feed.stop();
    assert.deepEqual(waits, []);
    assertSilent();
  });
});
