import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  exchangesPath,
  isFiltered,
  noFilter,
  readFilter,
  timeRange,
  withChoice,
} from '../../../src/console/page/live/filter.ts';

const filterOf = (query: string) => readFilter(new URLSearchParams(query));

describe('the filter of the live list', () => {
  it('is what the address says, each choice once', () => {
    const filter = filterOf('text=a+b&model=x&model=y&model=x&outcome=&from=5&other=1');
    assert.deepEqual(filter, { ...noFilter, text: 'a b', model: ['x', 'y'], from: '5' });
    assert.equal(isFiltered(filter), true);
    assert.equal(isFiltered(filterOf('other=1')), false);
  });

  it('passes over outcomes that there are none of, names of all objects among them', () => {
    const { outcome } = filterOf('outcome=__proto__&outcome=failed&outcome=constructor&outcome=x');
    assert.deepEqual(outcome, ['failed']);
  });

  it('goes into the path of a window with each of its values', () => {
    const path = exchangesPath(filterOf('text=a%26b&tenant=ü&tenant=b&outcome=failed'), {
      after: 0,
      limit: 20,
    });
    assert.equal(path, '/api/exchanges?text=a%26b&outcome=failed&tenant=%C3%BC&tenant=b&after=0&limit=20');
  });

  it('takes a choice and lets go of it', () => {
    const one = withChoice(noFilter, 'model', 'x', true);
    const two = withChoice(withChoice(one, 'model', 'y', true), 'model', 'x', true);
    assert.deepEqual(two.model, ['y', 'x']);
    assert.deepEqual(withChoice(one, 'model', 'x', false), noFilter);
  });

  it('takes a duration for whole ms, and nothing else for one', () => {
    assert.equal(filterOf('minDurationMs=1500').minDurationMs, '1500');
    for (const odd of ['0', '-1', '1.5', '1e3', 'long', '9'.repeat(20)])
      assert.deepEqual(filterOf(`minDurationMs=${odd}`), noFilter, odd);
  });

  it('reads times in both forms, and passes over what is none', () => {
    assert.deepEqual(timeRange(filterOf('from=1700000000000&to=2026-11-02T11:06:31Z')), {
      fromMs: 1_700_000_000_000,
      toMs: Date.UTC(2026, 10, 2, 11, 6, 31),
    });
    assert.deepEqual(timeRange(filterOf('from=yesterday')), {});
  });
});
