import { attribute, metric } from '../../src/telemetry/names.ts';
import { dashboard, row } from './parts/dashboard.ts';
import { figure, lines } from './parts/panels.ts';
import {
  byInstance,
  countRate,
  increase,
  is,
  legendOf,
  orZero,
  rate,
  share,
  sumIncrease,
  sumRate,
  tenant,
} from './parts/promql.ts';
import { query } from './parts/queries.ts';
import { failures, linksOf, percentiles } from './parts/series.ts';
import { table } from './parts/table-panel.ts';

const { genAiTokenType: type, genAiRequestModel: model, upstream } = attribute;
const { tokenUsage, tokenDetails, operationDuration } = metric;

const input = { [type]: is('input') };
const output = { [type]: is('output') };
const cached = { [type]: is('cache_read') };
const reasoning = { [type]: is('reasoning') };

const perMinute = (perSecond: string) => `${perSecond} * 60`;

const now = row('Now', [
  figure({
    title: 'Tokens a minute',
    description: 'In and out together, as upstreams reported them.',
    unit: 'short',
    width: 4,
    queries: [query(perMinute(sumRate(tokenUsage)), 'tokens')],
    limit: 'token-burn',
    noValue: 'no traffic',
  }),
  figure({
    title: 'In, a minute',
    description: 'Tokens of prompts, those of the cache included.',
    unit: 'short',
    width: 4,
    queries: [query(perMinute(sumRate(tokenUsage, { where: input })), 'in')],
    noValue: 'no traffic',
  }),
  figure({
    title: 'Out, a minute',
    description: 'Tokens of replies, those of reasoning included. They cost several times those of prompts.',
    unit: 'short',
    width: 4,
    queries: [query(perMinute(sumRate(tokenUsage, { where: output })), 'out')],
    noValue: 'no traffic',
  }),
  figure({
    title: 'From the cache',
    description:
      'Share of the tokens of prompts that the upstream had in its cache. Where it falls, the bill rises.',
    unit: 'percentunit',
    width: 4,
    queries: [
      query(share(rate(tokenDetails, { where: cached }), sumRate(tokenUsage, { where: input })), 'cached'),
    ],
    noValue: 'no traffic',
  }),
  figure({
    title: 'For reasoning',
    description: 'Share of the tokens of replies that nobody reads, but that are paid for.',
    unit: 'percentunit',
    width: 4,
    queries: [
      query(
        share(rate(tokenDetails, { where: reasoning }), sumRate(tokenUsage, { where: output })),
        'reasoning',
      ),
    ],
    noValue: 'no traffic',
  }),
  figure({
    title: 'Within this time range',
    description: 'All tokens, in and out, of the time range above.',
    unit: 'short',
    width: 4,
    queries: [query(orZero(sumIncrease(tokenUsage)), 'tokens')],
  }),
]);

const burn = row('Since when: how fast they are spent', [
  lines({
    title: 'Burn rate: tokens a minute',
    description: 'By instance. An agent in a loop shows as a step that does not come down.',
    unit: 'short',
    width: 12,
    queries: [query(perMinute(sumRate(tokenUsage, { by: byInstance })), legendOf(byInstance))],
    limit: 'token-burn',
  }),
  lines({
    title: 'In and out, tokens a minute',
    description: 'Prompts that grow alone are histories that nobody cuts.',
    unit: 'short',
    width: 12,
    isStacked: true,
    queries: [query(perMinute(sumRate(tokenUsage, { by: [type] })), legendOf([type]))],
  }),
  lines({
    title: 'Cached and reasoning, tokens a minute',
    description: 'Parts of those in and out: read from and written to a cache, and spent on reasoning.',
    unit: 'short',
    width: 12,
    queries: [query(perMinute(rate(tokenDetails, { by: [type] })), legendOf([type]))],
    noValue: 'none reported',
  }),
  lines({
    title: 'Tokens a minute by upstream',
    description: 'In and out together.',
    unit: 'short',
    width: 12,
    isStacked: true,
    queries: [query(perMinute(sumRate(tokenUsage, { by: [upstream] })), legendOf([upstream]))],
    links: linksOf('upstream'),
  }),
]);

const models = row('Which model', [
  lines({
    title: 'In, tokens a minute by model',
    description: 'By the model that was asked for.',
    unit: 'short',
    width: 12,
    isStacked: true,
    queries: [query(perMinute(sumRate(tokenUsage, { by: [model], where: input })), legendOf([model]))],
    links: linksOf('model'),
  }),
  lines({
    title: 'Out, tokens a minute by model',
    description: 'By the model that was asked for.',
    unit: 'short',
    width: 12,
    isStacked: true,
    queries: [query(perMinute(sumRate(tokenUsage, { by: [model], where: output })), legendOf([model]))],
    links: linksOf('model'),
  }),
  lines({
    title: 'Share from the cache by model',
    description: 'Of the tokens of prompts. A step down is a prompt whose beginning changed.',
    unit: 'percentunit',
    width: 8,
    queries: [
      query(
        share(
          rate(tokenDetails, { by: [model], where: cached }),
          sumRate(tokenUsage, { by: [model], where: input }),
        ),
        legendOf([model]),
      ),
    ],
    noValue: 'no traffic',
  }),
  lines({
    title: 'Share for reasoning by model',
    description: 'Of the tokens of replies.',
    unit: 'percentunit',
    width: 8,
    queries: [
      query(
        share(
          rate(tokenDetails, { by: [model], where: reasoning }),
          sumRate(tokenUsage, { by: [model], where: output }),
        ),
        legendOf([model]),
      ),
    ],
    noValue: 'no traffic',
  }),
  lines({
    title: 'Tokens out for each second of waiting',
    description:
      'What a model speaks in a second, the wait for its first token included; of replies that report usage.',
    unit: 'short',
    width: 8,
    queries: [
      query(
        `${sumRate(tokenUsage, { by: [model], where: output })} / (${sumRate(operationDuration, { by: [model] })} > 0)`,
        legendOf([model]),
      ),
    ],
    noValue: 'no traffic',
  }),
]);

const tenants = row('Which tenant (by the label of request-tags or the plugin tenant)', [
  lines({
    title: 'Tokens a minute by tenant',
    description: 'In and out together. Requests without a tenant have a line without a name.',
    unit: 'short',
    width: 12,
    isStacked: true,
    queries: [query(perMinute(sumRate(tokenUsage, { by: [tenant] })), legendOf([tenant]))],
    links: linksOf('tenant'),
  }),
  table({
    title: 'Tenants',
    description: 'Of the time range above; attempts and errors of now.',
    width: 12,
    rows: { [tenant]: 'Tenant' },
    columns: [
      {
        title: 'Tokens in',
        unit: 'short',
        expression: sumIncrease(tokenUsage, { by: [tenant], where: input }),
      },
      {
        title: 'Tokens out',
        unit: 'short',
        expression: sumIncrease(tokenUsage, { by: [tenant], where: output }),
      },
      {
        title: 'Cached or reasoning',
        unit: 'short',
        expression: increase(tokenDetails, { by: [tenant] }),
      },
      { title: 'Attempts', unit: 'reqps', expression: countRate(operationDuration, { by: [tenant] }) },
      {
        title: 'Errors',
        unit: 'percentunit',
        expression: share(
          countRate(operationDuration, { by: [tenant], where: failures }),
          countRate(operationDuration, { by: [tenant] }),
        ),
        limit: 'error-ratio',
      },
    ],
    sortBy: 'Tokens out',
  }),
]);

const sizes = row('How large prompts and replies are', [
  lines({
    title: 'Tokens of a prompt',
    description: 'Percentiles, in steps of four: they say how large, not exactly how many.',
    unit: 'short',
    width: 12,
    queries: percentiles(tokenUsage, { where: input }),
  }),
  lines({
    title: 'Tokens of a reply',
    description: 'Percentiles, in steps of four: they say how large, not exactly how many.',
    unit: 'short',
    width: 12,
    queries: percentiles(tokenUsage, { where: output }),
  }),
]);

export function tokens() {
  return dashboard({
    id: 'tokens',
    title: 'Sightline: Tokens',
    description: 'What is spent, by which model and for whom.',
    rows: [now, burn, models, tenants, sizes],
  });
}
