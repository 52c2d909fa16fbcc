import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { Attempt } from '../../../src/exchange/attempt.ts';
import { type ExchangeFilter, matcherOf } from '../../../src/telemetry/recent/exchange-filter.ts';
import { filterValues } from '../../../src/telemetry/recent/filter-values.ts';
import { type ExchangeFacts, endedExchange, exchangeOf, recentOf } from './rows.ts';

const facts: ExchangeFacts[] = [
  { id: 'a', model: 'gpt-4o', tenant: 'acme', traceId: 'f1'.repeat(16), startedAt: 1_000, durationMs: 100 },
  { id: 'b', model: 'gpt-4o', upstream: 'azure', startedAt: 1_050, durationMs: 500 },
  { id: 'c', model: 'o3 (mini)', tenant: 'Straße', startedAt: 2_000, durationMs: 10 },
  {
    id: 'd',
    path: '/v1/Models',
    outcome: 'timed_out',
    error: new SightlineError('upstream_timeout'),
    startedAt: 3_000,
    durationMs: 0,
  },
  { id: 'e', tenant: '.*', outcome: 'blocked', startedAt: 4_000 },
];

const recent = recentOf();
for (const one of facts) recent.add(endedExchange(one));
const found = (filter: ExchangeFilter) =>
  recent.rows
    .filter(matcherOf(filter))
    .map(({ id }) => id)
    .join('');

const looks: [what: string, filter: ExchangeFilter, ids: string][] = [
  ['nothing', {}, 'abcde'],
  ['an id, exactly', { id: 'a' }, 'a'],
  ['an id that nobody has', { id: 'A' }, ''],
  ['those that took so long', { minDurationMs: 100 }, 'ab'],
  ['a model', { model: ['gpt-4o'] }, 'ab'],
  ['one of some models', { model: ['gpt-4o', 'o3 (mini)'] }, 'abc'],
  ['a model in another case', { model: ['GPT-4o'] }, ''],
  ['an upstream', { upstream: ['azure'] }, 'b'],
  ['a tenant', { tenant: ['acme'] }, 'a'],
  ['an outcome', { outcome: ['timed_out', 'blocked'] }, 'de'],
  ['all of them at once', { outcome: ['completed'], model: ['gpt-4o'], upstream: ['default'] }, 'a'],
  ['text in a path', { text: 'models' }, 'd'],
  ['text in a model', { text: 'GPT' }, 'ab'],
  ['text in an upstream', { text: 'zur' }, 'b'],
  ['text in a tenant', { text: 'STRASSE' }, ''],
  ['text in a tenant, in other letters', { text: 'straß' }, 'c'],
  ['text in a trace id', { text: 'F1F1' }, 'a'],
  ['text in an error', { text: 'upstream_time' }, 'd'],
  ['text in an error, as people read it', { text: 'upstream time' }, 'd'],
  ['text that would be a pattern', { text: '.*' }, 'e'],
  ['text with brackets', { text: '(MINI)' }, 'c'],
  ['no text', { text: '' }, 'abcde'],
  ['a beginning', { from: 2_000 }, 'cde'],
  ['a beginning while they ran', { from: 1_100 }, 'abcde'],
  ['a beginning while one still ran', { from: 1_101 }, 'bcde'],
  ['an end', { to: 1_050 }, 'ab'],
  ['an end before all of them', { to: 999 }, ''],
  ['a moment', { from: 1_060, to: 1_060 }, 'ab'],
];

describe('exchanges are found by', () => {
  for (const [what, filter, ids] of looks) {
    test(what, () => assert.equal(found(filter), ids));
  }
});

test('one that runs has no outcome to be found by', () => {
  const row = recent.running(exchangeOf({ model: 'gpt-4o' }));
  assert.equal(matcherOf({ model: ['gpt-4o'] })(row), true);
  assert.equal(matcherOf({ outcome: ['completed'] })(row), false);
});

test('the values to filter by are counted, the most frequent first, up to a bound', () => {
  assert.deepEqual(filterValues(recent.rows, 2), {
    outcomes: [
      { value: 'completed', count: 3, tokens: 0 },
      { value: 'blocked', count: 1, tokens: 0 },
    ],
    models: [
      { value: 'gpt-4o', count: 2, tokens: 0 },
      { value: 'o3 (mini)', count: 1, tokens: 0 },
    ],
    upstreams: [
      { value: 'default', count: 4, tokens: 0 },
      { value: 'azure', count: 1, tokens: 0 },
    ],
    tenants: [
      { value: '.*', count: 1, tokens: 0 },
      { value: 'Straße', count: 1, tokens: 0 },
    ],
  });
});

test('the values to filter by have the tokens of their exchanges, into the model and out of it', () => {
  const spent = (input?: number, output?: number) => ({
    noted: ({ reply }: Attempt) => void Object.assign(reply.usage, { input, output }),
  });
  const kept = recentOf();
  for (const one of [
    { model: 'gpt-4o', tenant: 'acme', ...spent(10, 2) },
    { model: 'gpt-4o', tenant: 'globex', ...spent(900_000, 400_000) },
    { model: 'embedder', tenant: 'acme', ...spent(7) },
    { model: 'gpt-4o', tenant: 'acme' },
  ])
    kept.add(endedExchange(one));
  const { models, tenants } = filterValues(kept.rows, 9);
  assert.deepEqual(models, [
    { value: 'gpt-4o', count: 3, tokens: 1_300_012 },
    { value: 'embedder', count: 1, tokens: 7 },
  ]);
  assert.deepEqual(tenants, [
    { value: 'acme', count: 3, tokens: 19 },
    { value: 'globex', count: 1, tokens: 1_300_000 },
  ]);
});
