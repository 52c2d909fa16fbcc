import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../../src/transports/websocket/pace.ts';

/** When each of so many messages goes out, where all are there from the beginning; ms. */
function departures(messages: number, perSecondMax: number): number[] {
  const pace = new Pace(perSecondMax);
  let now = 0;
  return Array.from({ length: messages }, () => {
    for (let wait = pace.waitMs(now); wait > 0; wait = pace.waitMs(now)) now += wait;
    pace.spend();
    return now;
  });
}

test('a few messages go at once', () => {
  assert.deepEqual(departures(10, 80), Array(10).fill(0));
});

test('in no second there are as many as the limit, wherever it begins', () => {
  for (const max of [8, 80, 1_000]) {
    const times = departures(5 * max, max);
    for (const [i, from] of times.entries()) {
      const within = times.slice(i).filter((time) => time < from + 1_000).length;
      assert.ok(within < max, `${within} of ${max}`);
    }
    const seconds = (times.at(-1) ?? 0) / 1_000;
    assert.ok(5 / seconds > 0.7, 'and not far below it either');
  }
});

test('after a silence there is no more than the first burst', () => {
  const pace = new Pace(80);
  let sent = 0;
  pace.waitMs(0);
  for (; pace.waitMs(60_000) === 0; sent += 1) pace.spend();
  assert.equal(sent, 10);
});
