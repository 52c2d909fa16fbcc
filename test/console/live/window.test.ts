import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExchangeLine, ExchangesWindow } from '../../../src/admin/api/exchanges.ts';
import {
  asksOf,
  emptyWindow,
  endedMax,
  endedPerAsk,
  heldBack,
  keyOf,
  type LiveWindow,
  longestRunning,
  olderThan,
  runningMax,
  withNewer,
  withNewest,
  withOlder,
  withRunning,
} from '../../../src/console/page/live/window.ts';
import { Random } from '../../support/random.ts';
import { answerOf, endedLines, lineOf, runningLines } from './exchange-lines.ts';

const seqsOf = ({ ended }: LiveWindow) => ended.map(({ seq }) => seq);
const startedWith = (...seqs: readonly number[]) => withNewest(emptyWindow, answerOf(endedLines(...seqs)));

describe('the window of the live list', () => {
  it('begins with the newest', () => {
    const window = withNewest(emptyWindow, answerOf(endedLines(9, 7), { newest: 10, isMore: true }));
    assert.deepEqual(seqsOf(window), [9, 7]);
    assert.equal(window.newest, 10);
    assert.equal(window.hasOlder, true);
  });

  it('puts newer ones before what is known', () => {
    const window = withNewer(startedWith(9, 7), answerOf(endedLines(12, 10)));
    assert.deepEqual(seqsOf(window), [12, 10, 9, 7]);
    assert.equal(window.newest, 12);
  });

  it('keeps what is known by reference, so that a row is not drawn again', () => {
    const before = startedWith(9);
    assert.equal(withNewer(before, answerOf(endedLines(10))).ended[1], before.ended[0]);
    assert.equal(withNewer(before, answerOf([], { newest: 12 })).ended, before.ended);
  });

  it('takes nothing twice', () => {
    const window = withNewer(startedWith(9, 7), answerOf(endedLines(10, 9)));
    assert.deepEqual(seqsOf(window), [10, 9, 7]);
  });

  it('begins anew where more came than one answer holds', () => {
    const window = withNewer(startedWith(9, 7), answerOf(endedLines(99, 98), { isMore: true }));
    assert.deepEqual(seqsOf(window), [99, 98]);
    assert.equal(window.hasOlder, true);
  });

  it('forgets an earlier life of the service', () => {
    assert.equal(withNewer(startedWith(9, 7), answerOf(endedLines(2))), emptyWindow);
    assert.equal(withRunning(startedWith(9, 7), answerOf(runningLines('a'), { newest: 2 })), emptyWindow);
  });

  it('puts older ones after what is known', () => {
    const before = withNewest(emptyWindow, answerOf(endedLines(9, 7), { isMore: true }));
    assert.equal(olderThan(before), 7);
    const window = withOlder(before, answerOf(endedLines(6, 2)), 7);
    assert.deepEqual(seqsOf(window), [9, 7, 6, 2]);
    assert.equal(window.hasOlder, false);
    assert.equal(olderThan(window), undefined);
  });

  it('takes no older ones that were asked for before it began anew', () => {
    const window = startedWith(99, 98);
    assert.equal(withOlder(window, answerOf(endedLines(6, 2)), 7), window);
  });

  it('holds so many and says that there are older ones', () => {
    const seqs = Array.from({ length: endedMax }, (_, index) => endedMax - index);
    const newer = withNewer(startedWith(...seqs), answerOf(endedLines(endedMax + 1)));
    assert.equal(newer.ended.length, endedMax);
    assert.equal(newer.ended.at(-1)?.seq, 2);
    assert.equal(newer.hasOlder, true);
    assert.equal(olderThan(newer), undefined, 'there is no room for them');
    const older = withOlder(
      { ...startedWith(...seqs.slice(0, -1)), hasOlder: true },
      answerOf(endedLines(1, 0)),
      2,
    );
    assert.equal(older.ended.length, endedMax);
    assert.equal(older.hasOlder, true);
  });

  it('shows one that ended between two answers once', () => {
    const running = withRunning(startedWith(9), answerOf(runningLines('b', 'a'), { inFlight: 2, newest: 9 }));
    assert.equal(running.inFlight, 2);
    const ended = lineOf({ id: 'a', spanId: 'a', seq: 10, outcome: 'completed' });
    const window = withNewer(running, answerOf([ended], { inFlight: 1 }));
    assert.deepEqual(window.running.map(keyOf), ['b']);
    assert.deepEqual(window.ended.map(keyOf), ['a', 'span-9']);
    const anew = withNewest(running, answerOf([ended]));
    assert.deepEqual(anew.running.map(keyOf), ['b']);
  });

  it('knows an exchange without a span by what it is and when it began', () => {
    const { spanId: _, ...line } = lineOf();
    const keys = [line, { ...line, turn: 1 }, { ...line, startedAt: '2026-11-02T11:06:31.043Z' }].map(keyOf);
    assert.equal(new Set(keys).size, 3);
    assert.equal(keyOf({ ...line, seq: 3, outcome: 'completed' }), keys[0]);
  });
});

describe('those in flight that are shown', () => {
  const keys = (lines: readonly ExchangeLine[]) => lines.map(keyOf);

  it('are all where they are few', () => {
    const running = runningLines('d', 'c', 'b', 'a');
    assert.equal(longestRunning(running, 3), running);
  });

  it('are the longest running of many, in their order', () => {
    assert.deepEqual(keys(longestRunning(runningLines('e', 'd', 'c', 'b', 'a'), 3)), ['c', 'b', 'a']);
  });

  it('are sessions only where there is room', () => {
    const session = lineOf({ id: 's', spanId: 's', kind: 'session' });
    const running = [...runningLines('c', 'b', 'a'), session, { ...session, spanId: 't' }];
    assert.deepEqual(keys(longestRunning(running, 2)), ['b', 'a']);
    assert.deepEqual(keys(longestRunning([...running, { ...session, spanId: 'u' }], 4)), [
      'c',
      'b',
      'a',
      'u',
    ]);
  });
});

describe('what the live list asks for', () => {
  const running = withRunning(startedWith(9), answerOf(runningLines('a'), { newest: 9, inFlight: 1 }));

  it('is everything at first, also while it is paused', () => {
    assert.deepEqual(asksOf(emptyWindow, undefined, true), ['running', 'newest']);
  });

  it('is nothing while nothing happens', () => {
    assert.deepEqual(asksOf(startedWith(9), { inFlight: 0, newest: 9 }, false), []);
    assert.deepEqual(asksOf(startedWith(9), undefined, false), []);
  });

  it('is what ended since, and what is in flight', () => {
    assert.deepEqual(asksOf(startedWith(9), { inFlight: 0, newest: 10 }, false), ['newer']);
    assert.deepEqual(asksOf(startedWith(9), { inFlight: 1, newest: 9 }, false), ['running']);
    assert.deepEqual(asksOf(running, { inFlight: 0, newest: 10 }, false), ['running', 'newer']);
    assert.deepEqual(asksOf(running, { inFlight: 0, newest: 3 }, false), ['running', 'newer']);
  });

  it('is nothing while it is paused: the ticks count', () => {
    assert.deepEqual(asksOf(running, { inFlight: 4, newest: 30 }, true), []);
    assert.equal(heldBack(running, { inFlight: 4, newest: 30 }), 21);
    assert.equal(heldBack(running, { inFlight: 4, newest: 3 }), 0);
    assert.equal(heldBack(running, undefined), 0);
  });
});

/** What the service would answer: a ring of ended exchanges, of which some match. */
class Service {
  ended: ExchangeLine[] = [];
  running: ExchangeLine[] = [];
  newest = 0;
  #begun = 0;

  begin(): void {
    this.#begun += 1;
    const name = `x${this.#begun}`;
    this.running.unshift(lineOf({ id: name, spanId: name, path: this.#begun % 3 === 0 ? '/other' : '/v1' }));
  }

  end(index: number): void {
    const [line] = this.running.splice(index, 1);
    if (!line) return;
    this.newest += 1;
    this.ended.unshift({ ...line, seq: this.newest, outcome: 'completed' });
  }

  restart(): void {
    this.ended = [];
    this.running = [];
    this.newest = 0;
  }

  get matching(): ExchangeLine[] {
    return this.ended.filter(({ path }) => path === '/v1');
  }

  window(after: number, before: number): ExchangesWindow {
    const lines = this.matching.filter(({ seq = 0 }) => seq > after && seq < before);
    return answerOf(lines.slice(0, endedPerAsk), {
      ...this.#head(),
      isMore: lines.length > endedPerAsk,
    });
  }

  inFlight(): ExchangesWindow {
    const lines = this.running.filter(({ path }) => path === '/v1');
    return answerOf(lines.slice(0, runningMax), { ...this.#head(), isMore: lines.length > runningMax });
  }

  #head() {
    return { newest: this.newest, inFlight: this.running.length };
  }
}

function ask(window: LiveWindow, which: 'running' | 'newest' | 'newer', service: Service): LiveWindow {
  const all = Number.POSITIVE_INFINITY;
  if (which === 'running') return withRunning(window, service.inFlight());
  if (which === 'newest') return withNewest(window, service.window(0, all));
  return withNewer(window, service.window(window.newest ?? 0, all));
}

/** No gap, nothing twice, nothing that does not match, and whatever has ended is not in flight. */
function assertSound(window: LiveWindow, service: Service): void {
  const last = window.ended.at(-1)?.seq ?? (window.hasOlder ? window.newest : 0) ?? 0;
  const expected = service.matching.filter(({ seq = 0 }) => seq <= (window.newest ?? 0) && seq >= last);
  assert.deepEqual(
    seqsOf(window),
    expected.map(({ seq }) => seq),
  );
  assert.ok(window.ended.length <= endedMax);
  const ended = new Set(window.ended.map(keyOf));
  assert.deepEqual(
    window.running.map(keyOf).filter((key) => ended.has(key)),
    [],
  );
  const hasOlder = service.matching.some(({ seq = 0 }) => seq < last);
  assert.equal(window.hasOlder, hasOlder);
}

describe('the live list under traffic of any kind', () => {
  for (let seed = 1; seed <= 20; seed += 1)
    it(`has no gap, nothing twice and no more than it may (seed ${seed})`, () => {
      const random = new Random(seed);
      const service = new Service();
      let window = emptyWindow;
      let isPaused = false;
      for (let step = 0; step < 400; step += 1) {
        const burst = random.chance(0.02) ? 700 : random.integer(0, 12);
        const churn = () => {
          for (let i = 0; i < burst; i += 1)
            if (random.chance(0.5)) service.begin();
            else if (service.running.length > 0) service.end(random.integer(0, service.running.length - 1));
        };
        churn();
        if (random.chance(0.003)) service.restart();
        if (random.chance(0.05)) isPaused = !isPaused;
        const tick = { inFlight: service.running.length, newest: service.newest };
        const asks = asksOf(window, tick, isPaused);
        if (isPaused && window.newest !== undefined) assert.deepEqual(asks, []);
        for (const which of asks) {
          // Also between two answers.
          if (random.chance(0.5)) churn();
          window = ask(window, which, service);
        }
        const before = olderThan(window);
        if (before !== undefined && service.newest >= (window.newest ?? 0) && random.chance(0.3))
          window = withOlder(window, service.window(0, before), before);
        if (service.newest >= (window.newest ?? 0) && asks.length > 0) assertSound(window, service);
      }
    });
});
