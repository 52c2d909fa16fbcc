import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Attempt } from '../../../src/exchange/attempt.ts';
import { chunkMarks, MarkedStreams } from '../../../src/telemetry/spans/chunk-marks.ts';

const clock = { startedAt: 1_000, startedEpochMs: 50_000 };

/** With an event each `gapMs`, the first 100 ms after the exchange's beginning. */
function stream(events: number, { gapMs = 10, gapsMax = 100_000, streamed = true } = {}): Attempt {
  const attempt = new Attempt(
    1,
    { name: 'default', provider: undefined, address: 'api', port: 443 },
    gapsMax,
  );
  attempt.streamed = streamed;
  for (let n = 0; n < events; n += 1) attempt.noteOutput(1_100 + n * gapMs);
  return attempt;
}

describe('the marks of a stream', () => {
  test('are when each event with output came', () => {
    assert.deepEqual(chunkMarks(clock, stream(4), 256), {
      count: 4,
      times: [50_100, 50_110, 50_120, 50_130],
    });
    assert.deepEqual(chunkMarks(clock, stream(1), 256), { count: 1, times: [50_100] });
  });

  test('are some of many, evenly chosen, the first and the last among them', () => {
    assert.deepEqual(chunkMarks(clock, stream(9), 5), {
      count: 9,
      times: [50_100, 50_120, 50_140, 50_160, 50_180],
    });
    for (const [events, marksMax] of [
      [257, 256],
      [1_000, 256],
      [99_999, 256],
      [3, 2],
    ] as const) {
      const { count, times = [] } = chunkMarks(clock, stream(events), marksMax) ?? {};
      assert.deepEqual([count, times.length], [events, marksMax]);
      assert.deepEqual([times[0], times.at(-1)], [50_100, 50_100 + (events - 1) * 10]);
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
      const even = ((events - 1) * 10) / (marksMax - 1);
      assert.ok(gaps.every((gap) => gap > 0 && Math.abs(gap - even) <= 10));
    }
  });

  test('may be one alone', () => {
    assert.deepEqual(chunkMarks(clock, stream(9), 1), { count: 9, times: [50_100] });
  });

  test('are of what is known, and counted whole', () => {
    assert.deepEqual(chunkMarks(clock, stream(9, { gapsMax: 2 }), 256), {
      count: 9,
      times: [50_100, 50_110, 50_120],
    });
  });

  test('are none before the first event, and of what is no stream', () => {
    assert.equal(chunkMarks(clock, stream(0), 256), undefined);
    assert.equal(chunkMarks(clock, stream(3, { streamed: false }), 256), undefined);
  });
});

test('the streams that ended last have their marks, the oldest give way', () => {
  const streams = new MarkedStreams({ markedStreamsMax: 2, chunkMarksMax: 8 });
  const add = (traceId: string, spanId: string, events: number) =>
    streams.add({ traceId, spanId }, clock, stream(events));
  const counts = (traceId: string) =>
    Array.from(streams.ofTrace(traceId), ([spanId, { count }]) => [spanId, count]);
  add('t1', 's1', 1);
  add('t1', 's2', 2);
  add('t2', 'none', 0);
  assert.deepEqual(counts('t1'), [
    ['s1', 1],
    ['s2', 2],
  ]);
  add('t2', 's3', 3);
  assert.deepEqual([counts('t1'), counts('t2'), counts('t3')], [[['s2', 2]], [['s3', 3]], []]);
  streams.clear();
  assert.deepEqual(counts('t2'), []);
});
