import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { RecentExchanges, RowsAsked } from '../../../src/telemetry/recent/recent-exchanges.ts';
import { endedExchange, exchangeOf, recentOf } from './rows.ts';

const seqs = (recent: RecentExchanges, asked: Partial<RowsAsked> = {}) => {
  const all = { before: undefined, after: undefined, countMax: 100, matches: () => true };
  const { rows, isMore } = recent.find({ ...all, ...asked });
  return [rows.map(({ seq }) => seq), isMore] as const;
};

function filled(count: number): RecentExchanges {
  const recent = recentOf();
  for (let n = 1; n <= count; n += 1) recent.add(endedExchange({ id: `e${n}` }));
  return recent;
}

describe('the exchanges that ended last', () => {
  test('are none at first', () => {
    const recent = recentOf();
    assert.deepEqual([recent.newest, recent.oldest, recent.rows], [0, 0, []]);
    assert.deepEqual(seqs(recent), [[], false]);
    assert.deepEqual(seqs(recent, { after: 0, before: 10 }), [[], false]);
  });

  test('are numbered from 1 in the order in which they ended, newest first', () => {
    const recent = filled(3);
    assert.deepEqual([recent.newest, recent.oldest], [3, 1]);
    assert.deepEqual(seqs(recent), [[3, 2, 1], false]);
  });

  test('give way to newer ones, and their numbers go on', () => {
    for (const [count, oldest] of [
      [5, 1],
      [6, 2],
      [12, 8],
    ] as const) {
      const recent = filled(count);
      assert.deepEqual([recent.newest, recent.oldest, recent.rows.length], [count, oldest, 5]);
      const [found] = seqs(recent);
      assert.deepEqual(
        found,
        [0, 1, 2, 3, 4].map((n) => count - n),
      );
    }
  });

  test('come in windows', () => {
    const recent = filled(8);
    assert.deepEqual(seqs(recent, { countMax: 2 }), [[8, 7], true]);
    assert.deepEqual(seqs(recent, { countMax: 2, before: 7 }), [[6, 5], true]);
    assert.deepEqual(seqs(recent, { countMax: 2, before: 5 }), [[4], false]);
    assert.deepEqual(seqs(recent, { countMax: 5 }), [[8, 7, 6, 5, 4], false]);
    assert.deepEqual(seqs(recent, { after: 6 }), [[8, 7], false]);
    assert.deepEqual(seqs(recent, { after: 4, before: 8, countMax: 2 }), [[7, 6], true]);
    assert.deepEqual(seqs(recent, { countMax: 0 }), [[], true]);
  });

  test('are none outside of what is kept', () => {
    const recent = filled(8);
    assert.deepEqual(seqs(recent, { before: 4 }), [[], false]);
    assert.deepEqual(seqs(recent, { before: 0 }), [[], false]);
    assert.deepEqual(seqs(recent, { after: 8 }), [[], false]);
    assert.deepEqual(seqs(recent, { after: 1_000 }), [[], false]);
    assert.deepEqual(seqs(recent, { before: 1_000, after: 0, countMax: 1 }), [[8], true]);
  });

  test('stay as they were found, whatever ends later', () => {
    const recent = filled(5);
    const { rows } = recent.find({ before: undefined, after: undefined, countMax: 5, matches: () => true });
    for (let n = 6; n <= 8; n += 1) recent.add(endedExchange({ id: `e${n}` }));
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['e5', 'e4', 'e3', 'e2', 'e1'],
    );
  });

  test('leave nothing behind for those that take their place', () => {
    const plain = endedExchange({ id: 'plain' });
    const fresh = recentOf({ recentExchangesMax: 1 });
    const used = recentOf({ recentExchangesMax: 1 });
    fresh.add(endedExchange());
    used.add(
      endedExchange({
        model: 'gpt-4o',
        tenant: 'acme',
        traceId: 'f1'.repeat(16),
        outcome: 'timed_out',
        error: new SightlineError('upstream_timeout'),
        noted: (attempt) => {
          attempt.streamed = true;
          for (let n = 0; n < 5; n += 1) attempt.noteOutput(attempt.startedAt + n);
          Object.assign(attempt.reply.usage, { input: 7, output: 5 });
        },
      }),
    );
    fresh.add(plain);
    used.add(plain);
    assert.deepEqual(used.rows, fresh.rows);
  });

  test('say that there is more only where more matches', () => {
    const recent = filled(5);
    const matches = ({ id }: { id: string }) => id === 'e2' || id === 'e5';
    assert.deepEqual(seqs(recent, { matches, countMax: 1 }), [[5], true]);
    assert.deepEqual(seqs(recent, { matches, countMax: 2 }), [[5, 2], false]);
  });
});

describe('a row', () => {
  test('has what is worth seeing of an exchange that ended', () => {
    const recent = recentOf();
    recent.add(
      endedExchange({
        id: 'e1',
        model: 'gpt-4o',
        tenant: 'acme',
        startedAt: 1_000_000,
        durationMs: 2_500,
        noted: (attempt) => {
          attempt.streamed = true;
          attempt.bytes = 900;
          for (let n = 0; n < 5; n += 1) attempt.noteOutput(attempt.startedAt + 100 + n * 10);
          attempt.reply.usage.input = 7;
        },
      }),
    );
    const [row] = recent.rows;
    assert.ok(row);
    const { firstTokenMs = 0, tokensPerSecond = 0, ...rest } = row;
    assert.deepEqual(JSON.parse(JSON.stringify(rest)), {
      seq: 1,
      id: 'e1',
      kind: 'request',
      isSampled: false,
      method: 'POST',
      path: '/v1/chat/completions',
      upstream: 'default',
      dialect: 'openai.chat',
      model: 'gpt-4o',
      tenant: 'acme',
      isStream: true,
      startedAtMs: 1_000_000,
      durationMs: 2_500,
      outcome: 'completed',
      status: 200,
      attempts: 1,
      inputTokens: 7,
      replyBytes: 900,
      outputChunks: 5,
    });
    assert.equal(Math.round(firstTokenMs), 100);
    // Four after the first, from 100 ms to about 2,500.
    assert.ok(tokensPerSecond > 1.6 && tokensPerSecond < 1.8, `${tokensPerSecond}`);
  });

  test('has the tenant from the label, else from the attribute, as text', () => {
    const recent = recentOf();
    const exchange = endedExchange();
    exchange.attributes.set('tenant', 7);
    recent.add(exchange);
    exchange.labels.set('tenant', 'acme');
    recent.add(exchange);
    Reflect.apply(Map.prototype.set, exchange.labels, ['tenant', Object.create(null)]);
    recent.add(exchange);
    assert.deepEqual(
      recent.rows.map(({ tenant }) => tenant),
      ['7', 'acme', undefined],
    );
  });

  test('cuts long texts off, and has no half characters', () => {
    const recent = recentOf({ recentTextCharsMax: 10 });
    recent.add(endedExchange({ model: `${'m'.repeat(9)}😀`, path: `/${'p'.repeat(20)}`, tenant: '\ud83d' }));
    const [row] = recent.rows;
    assert.deepEqual(
      [row?.model, row?.path, row?.tenant],
      [`${'m'.repeat(9)}\ufffd`, '/ppppppppp', '\ufffd'],
    );
  });

  test('has names of 200 characters, markup and other alphabets as they are', () => {
    const recent = recentOf();
    const names = ['m'.repeat(200), '<img src=x onerror=alert(1)>', 'نموذج', 'モデル', 'a\'b"c`'];
    for (const model of names) recent.add(endedExchange({ model }));
    assert.deepEqual(
      recent.rows.map(({ model }) => model),
      names,
    );
  });

  test('counts each event with output as a token until the upstream has said all', () => {
    const rateOf = (usage: number | undefined, isOver: boolean) => {
      const recent = recentOf();
      recent.add(
        endedExchange({
          model: 'm',
          outcome: isOver ? 'completed' : 'upstream_truncated',
          durationMs: 1_000,
          noted: (attempt) => {
            Object.assign(attempt, { startedAt: 0, streamed: true });
            for (let n = 0; n < 10; n += 1) attempt.noteOutput(1 + n);
            if (usage !== undefined) attempt.reply.usage.output = usage;
            attempt.reply.terminal = isOver;
            attempt.end('completed', undefined, 1_001);
          },
        }),
      );
      return Math.round((recent.rows[0]?.tokensPerSecond ?? 0) * 10) / 10;
    };
    assert.equal(rateOf(100, true), 90);
    assert.equal(rateOf(undefined, true), 9);
    assert.equal(rateOf(1, false), 9);
    assert.equal(rateOf(100, false), 90);
  });

  test('of an exchange that runs has neither number nor outcome, and lasts until now', () => {
    const recent = recentOf();
    const exchange = exchangeOf({ model: 'gpt-4o' });
    const { seq, outcome, error, durationMs } = recent.running(exchange, exchange.clock.startedAt + 70);
    assert.deepEqual([seq, outcome, error], [0, undefined, undefined]);
    assert.equal(Math.round(durationMs), 70);
    assert.equal(recent.newest, 0);
  });
});
