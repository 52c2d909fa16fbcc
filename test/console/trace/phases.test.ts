import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stallText } from '../../../src/console/page/trace/annotations.ts';
import { phasesOf, stallsOf } from '../../../src/console/page/trace/phases.ts';
import { attempt, chunks, event, request, running } from './spans.ts';

const head = (ms: number) => event('sightline.reply_head', ms);
const first = (ms: number) => event('sightline.first_chunk', ms);
const drawn = (...args: Parameters<typeof phasesOf>) =>
  phasesOf(...args).map(({ name, fromMs, toMs }) => `${name} ${fromMs}-${toMs}`);
const steady = (count: number, gap = 20) => Array.from({ length: count }, () => gap);

describe('the phases of an attempt', () => {
  test('are the way to the head, to the first token, and the stream', () => {
    const stream = attempt('a', 'r', { events: [head(30), first(50)] });
    assert.deepEqual(drawn(stream, 100), ['waiting 0-30', 'thinking 30-50', 'streaming 50-100']);
  });

  test('are fewer where less is known', () => {
    assert.deepEqual(drawn(attempt('a', 'r'), 100), ['waiting 0-100']);
    assert.deepEqual(drawn(attempt('a', 'r', { events: [first(50)] }), 100), [
      'waiting 0-50',
      'streaming 50-100',
    ]);
    const told = attempt('a', 'r', { attributes: { 'gen_ai.response.time_to_first_chunk': 0.04 } });
    assert.deepEqual(drawn(told, 100), ['waiting 0-40', 'streaming 40-100']);
  });

  test('of a reply that is no stream end with reading it', () => {
    const whole = attempt('a', 'r', {
      events: [head(90)],
      attributes: { 'gen_ai.request.stream': undefined },
    });
    assert.deepEqual(drawn(whole, 100), ['waiting 0-90', 'reading 90-100']);
  });

  test('grow while it runs, and stay inside where clocks differ', () => {
    const stream = running(attempt('a', 'r', { events: [head(30)] }));
    assert.deepEqual(drawn(stream, 70), ['waiting 0-30', 'thinking 30-70']);
    const skewed = attempt('a', 'r', { events: [head(-5), first(400)] });
    assert.deepEqual(drawn(skewed, 100), ['thinking 0-100']);
  });

  test('are none of a span that waits for no model', () => {
    assert.deepEqual(drawn(request('r', { events: [head(30)] }), 100), []);
  });
});

describe('stalls', () => {
  const of = (gaps: readonly number[], endMs?: number, count?: number) => {
    const marks = chunks(10, gaps, count);
    const end = endMs ?? (marks.times.at(-1) ?? 0) + 1;
    return stallsOf(attempt('a', 'r', { chunks: marks }), end).map(stallText);
  };

  test('are gaps far above the others', () => {
    assert.deepEqual(of([...steady(40), 2_100, ...steady(40)]), ['stalled 2.1\u00a0s after chunk 41']);
  });

  test('are none in a stream that is slow, or uneven, all the time', () => {
    assert.deepEqual(of(steady(20, 900)), []);
    assert.deepEqual(of([20, 60, 30, 120, 20, 90, 140, 20, 30]), []);
    // What a network does.
    assert.deepEqual(of([...steady(40, 2), 200, ...steady(40, 2)]), []);
  });

  test('are told of few chunks only where they last', () => {
    assert.deepEqual(of([20, 700]), []);
    assert.deepEqual(of([20, 1_500]), ['stalled 1.5\u00a0s after chunk 2']);
  });

  test('tell of silence up to the end', () => {
    assert.deepEqual(of(steady(10), 5_210), ['silent 5.0\u00a0s after chunk 11']);
  });

  test('are about where they are told where only some chunks are marked', () => {
    assert.deepEqual(of([...steady(10), 3_000, ...steady(10)], undefined, 211), [
      'stalled 3.0\u00a0s after about chunk 101',
    ]);
  });

  test('are the worst first, and not endless', () => {
    const gaps = steady(60);
    for (let i = 0; i < 8; i += 1) gaps[5 + i * 7] = 1_000 + i * 100;
    assert.deepEqual(of(gaps)[0], 'stalled 1.7\u00a0s after chunk 55');
    assert.equal(of(gaps).length, 5);
  });

  test('are none where nothing is known of chunks', () => {
    assert.deepEqual(stallsOf(attempt('a', 'r'), 9_000), []);
    assert.deepEqual(stallsOf(attempt('a', 'r', { chunks: { count: 0, times: [] } }), 9_000), []);
  });
});
