import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { firesInWords, resolvedInWords, valueInWords } from '../../src/alerts/wording.ts';
import { threshold } from './fakes.ts';
import { firing, row } from './receivers/notifications.ts';

const { alert } = firing(0, 'spare');
const memory = threshold({ title: 'Memory', limit: 500, unit: 'MB' });

describe('an alert in words', () => {
  test('says what fires, of what, and how far it is beyond its limit', () => {
    assert.equal(
      firesInWords({ ...alert, id: 'memory', of: undefined, value: 512.4, limit: 500, unit: 'MB' }, memory),
      "alert 'memory' fires: An upstream gives no answer. Memory: 512 MB, above the limit of 500 MB.",
    );
  });

  test('has no number for what is yes or no, unless more than one is too much', () => {
    assert.equal(
      firesInWords(alert, row),
      "alert 'upstream-unreachable' of 'spare' fires: An upstream gives no answer.",
    );
    const breakers = threshold({ title: 'Open breaker', isYesOrNo: true, limit: 0 });
    assert.match(firesInWords({ ...alert, value: 3 }, breakers), /fires: An upstream gives no answer\.$/);
    assert.match(
      firesInWords({ ...alert, value: 3, limit: 2 }, { ...breakers, limit: 2 }),
      / Open breaker: 3, above the limit of 2\.$/,
    );
  });

  test('is a sentence of the table for each that is yes or no', () => {
    const ids = thresholds.filter(({ isYesOrNo }) => isYesOrNo).map(({ id }) => id);
    assert.deepEqual(ids, ['plugin-rejected', 'breaker-open', 'upstream-unreachable']);
  });

  test('says how long it lasted, as exactly as one wants to know it', () => {
    const after = (since: number, firedAt: number | undefined) =>
      resolvedInWords({ ...alert, state: 'resolved', since, firedAt }).split(', after ')[1];
    assert.deepEqual(
      [after(20_400, 0), after(119_000, 0), after(400_000, 0), after(7_200_000, 0), after(5, undefined)],
      ['20s', '119s', '7m', '2h', '0s'],
    );
    // The clock was set back meanwhile.
    assert.equal(after(0, 60_000), '0s');
  });

  test('has as many decimals as its limit is worth', () => {
    const shown = [
      { value: 5, limit: 2 },
      { value: 10.62, limit: 10 },
      { value: 0.123456, limit: 0.05 },
      { value: 512.4, limit: 500 },
      { value: undefined, limit: 1 },
    ].map(valueInWords);
    assert.deepEqual(shown, ['5', '10.6', '0.123', '512', 'unknown']);
  });
});
