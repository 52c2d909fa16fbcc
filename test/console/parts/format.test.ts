import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ago,
  bytes,
  clock,
  compact,
  count,
  counted,
  dateAndClock,
  duration,
  percent,
  rate,
  timeOf,
} from '../../../src/console/page/parts/format.ts';

type Format = (n: number) => string;

/** No-break spaces as plain ones, which one can tell apart. */
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

function assertFormats(format: Format, expected: Readonly<Record<string, number>>): void {
  for (const [text, value] of Object.entries(expected)) assert.equal(plain(format(value)), text);
}

describe('figures as people read them', () => {
  it('has durations in the unit that fits, and never rounds past it', () => {
    assertFormats(duration, {
      '0 ms': 0,
      '0.42 ms': 0.42,
      '1 ms': 0.999,
      '8.9 ms': 8.93,
      '10 ms': 9.96,
      '999 ms': 999.4,
      '1.0 s': 999.6,
      '1.7 s': 1_710,
      '12.3 s': 12_345,
      '1 min': 59_600,
      '2 min 5 s': 125_000,
      '1 h': 3_599_900,
      '3 h 12 min': 11_520_000,
      '2 d 4 h': 187_200_000,
    });
    assert.equal(plain(duration(-3)), '0 ms');
  });

  it('has counts, sizes, shares and rates', () => {
    assertFormats(count, { '0': 0, '12,345': 12_345 });
    assertFormats(compact, {
      '950': 950,
      '999': 999,
      '1k': 999.9,
      '12.3k': 12_345,
      '999k': 999_400,
      '1M': 999_900,
    });
    assertFormats(bytes, { '0 B': 0, '512 B': 512, '1.5 kB': 1_500, '4.2 MB': 4_200_000 });
    assertFormats(percent, {
      '0%': 0,
      '<0.1%': 0.0001,
      '2.5%': 0.0253,
      '>99.9%': 0.99999,
      '100%': 1,
      '250%': 2.5,
    });
    assertFormats(rate, {
      '0/s': 0,
      '<0.1/s': 0.01,
      '0.3/s': 0.32,
      '12.4/s': 12.42,
      '100/s': 99.97,
      '1.2k/s': 1_234,
    });
  });

  it('counts things', () => {
    assert.equal(counted(1, 'turn'), '1 turn');
    assert.equal(counted(1_200, 'try', 'tries'), '1,200 tries');
  });

  it('says where a figure is not known', () => {
    for (const format of [duration, count, compact, bytes, percent, rate])
      assert.deepEqual(
        [format(undefined), format(Number.NaN), format(Number.POSITIVE_INFINITY)],
        ['–', '–', '–'],
      );
    assert.deepEqual([clock(undefined), timeOf('yesterday'), ago('soon', 0)], ['–', '–', '–']);
    // What anybody may write into an address, and no calendar knows.
    for (const at of [8.64e15 + 1, -8.64e15 - 1, 1e300, Number.POSITIVE_INFINITY])
      assert.deepEqual([clock(at), dateAndClock(at), ago(at, 0)], ['–', '–', '–']);
  });

  it('has moments, local and as how long ago', () => {
    const at = new Date(2026, 10, 23, 11, 6, 31, 42);
    assert.equal(clock(at.getTime()), '11:06:31.042');
    assert.equal(clock(at.toISOString()), '11:06:31.042');
    assert.equal(timeOf(at.getTime()), '11:06:31');
    const past = (seconds: number) => plain(ago(at.toISOString(), at.getTime() + seconds * 1_000));
    assert.deepEqual([-60, 1, 12, 60, 7_199, 7_200, 345_600].map(past), [
      'just now',
      'just now',
      '12 s ago',
      '1 min ago',
      '1 h ago',
      '2 h ago',
      '4 d ago',
    ]);
  });
});
