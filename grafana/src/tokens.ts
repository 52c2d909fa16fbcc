import { attribute, metric } from '../../src/telemetry/names.ts';
import { dashboard, row } from './parts/dashboard.ts';
import { thresholdOf, windowOf } from './parts/limits.ts';
import { figure, heatmap, lines } from './parts/panels.ts';
import {
  average,
  byInstance,
  countRate,
  is,
  lately,
  legendOf,
  orZero,
  rate,
  share,
  sumIncrease,
  sumRate,
} from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { linksOf, perMinute, tokenTypes } from './parts/series.ts';
import { tenants } from './tokens-tenants.ts';

const { genAiRequestModel: model, upstream, outcome } = attribute;
const { tokenUsage, tokenDetails, operationDuration } = metric;

const { input, output, cached, cacheWritten, reasoning } = tokenTypes;

const now = row('The last 5 minutes', [
  figure({
    title: 'Tokens a minute',
    description: 'In and out together, of all instances, as upstreams reported them.',
    unit: 'short',
    width: 4,
    queries: [query(perMinute(sumRate(tokenUsage, lately)), 'tokens')],
    noValue: 'no traffic',
  }),
  figure({
    title: 'In, a minute',
    description: 'Tokens of prompts, those of the cache included.',
    unit: 'short',
    width: 4,
    queries: [query(perMinute(sumRate(tokenUsage, { ...lately, where: input })), 'in')],
    noValue: 'no traffic',
  }),
  figure({
    title: 'Out, a minute',
    description: 'Tokens of replies, those of reasoning included. They cost several times those of prompts.',
    unit: 'short',
    width: 4,
    queries: [query(perMinute(sumRate(tokenUsage, { ...lately, where: output })), 'out')],
    noValue: 'no traffic',
  }),
  figure({
    title: 'From the cache',
    description:
      'Share of the tokens of prompts that the upstream had in its cache. Where it falls, the bill rises.',
    unit: 'percentunit',
    width: 4,
    queries: [
      query(
        share(
          rate(tokenDetails, { ...lately, where: cached }),
          sumRate(tokenUsage, { ...lately, where: input }),
        ),
        'cached',
      ),
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
        share(
          rate(tokenDetails, { ...lately, where: reasoning }),
          sumRate(tokenUsage, { ...lately, where: output }),
        ),
        'reasoning',
      ),
    ],
    noValue: 'no traffic',
  }),
  figure({
    title: 'Within this time range',
    description:
      'All tokens, in and out, of the time range above. A little too few: Prometheus cannot see the first reply of each model and tenant after a start.',
    unit: 'short',
    width: 4,
    queries: [query(orZero(sumIncrease(tokenUsage)), 'tokens')],
  }),
]);

const burn = row('Since when: how fast they are spent', [
  lines({
    title: `Burn rate: tokens a minute, over ${windowOf('token-burn')}`,
    description:
      'By instance, counted as the alert counts them. An agent in a loop shows as a step that does not come down.',
    unit: 'short',
    width: 12,
    queries: [
      query(
        perMinute(sumRate(tokenUsage, { by: byInstance, withinMs: thresholdOf('token-burn').windowMs })),
        legendOf(['instance']),
      ),
    ],
    limit: 'token-burn',
    noValue: 'no traffic',
  }),
  lines({
    title: 'What is paid for, tokens a minute',
    description:
      'All tokens, by what has a price of its own. New prompts that grow alone: histories that nobody cuts, or a cache that is missed.',
    unit: 'short',
    width: 12,
    isStacked: true,
    queries: [
      query(without(sumRate(tokenUsage, { where: input }), [cached, cacheWritten]), 'prompts, new'),
      query(orZero(perMinute(rate(tokenDetails, { where: cacheWritten }))), 'prompts, into the cache'),
      query(orZero(perMinute(rate(tokenDetails, { where: cached }))), 'prompts, from the cache'),
      query(without(sumRate(tokenUsage, { where: output }), [reasoning]), 'replies'),
      query(orZero(perMinute(rate(tokenDetails, { where: reasoning }))), 'reasoning'),
    ],
    colors: {
      'prompts, new': 'blue',
      'prompts, into the cache': 'yellow',
      'prompts, from the cache': 'green',
      replies: 'orange',
      reasoning: 'purple',
    },
    noValue: 'no traffic',
  }),
]);

/** A minute, but for those parts, which are not there until the first of them is reported. */
function without(all: string, parts: readonly Readonly<Record<string, string>>[]): string {
  const known = parts.map((where) => `(${orZero(rate(tokenDetails, { where }))})`);
  return `clamp_min(${[all, ...known].join(' - ')}, 0) * 60`;
}

const models = row('What: upstreams and models', [
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
    title: 'Tokens a minute by upstream',
    description: 'In and out together.',
    unit: 'short',
    width: 8,
    isStacked: true,
    queries: [query(perMinute(sumRate(tokenUsage, { by: [upstream] })), legendOf([upstream]))],
    links: linksOf('upstream'),
  }),
  lines({
    title: 'Share from the cache by model',
    description: 'Of the tokens of prompts. A step down is a prompt whose beginning changed.',
    unit: 'percentunit',
    width: 8,
    max: 1,
    queries: [minutesQuery(shareByModel(cached, input), legendOf([model]))],
    links: linksOf('model'),
    noValue: 'no traffic',
  }),
  lines({
    title: 'Share for reasoning by model',
    description: 'Of the tokens of replies. A step up is an effort that somebody raised.',
    unit: 'percentunit',
    width: 8,
    max: 1,
    queries: [minutesQuery(shareByModel(reasoning, output), legendOf([model]))],
    links: linksOf('model'),
    noValue: 'no traffic',
  }),
]);

function shareByModel(part: Readonly<Record<string, string>>, whole: Readonly<Record<string, string>>) {
  const by = [model];
  return share(rate(tokenDetails, { by, where: part }), sumRate(tokenUsage, { by, where: whole }));
}

const sizes = row('How large prompts and replies are, and what is not counted', [
  lines({
    title: 'Tokens of a prompt by model',
    description: 'On average.',
    unit: 'short',
    width: 8,
    queries: [minutesQuery(average(tokenUsage, { by: [model], where: input }), legendOf([model]))],
    links: linksOf('model'),
    noValue: 'no traffic',
  }),
  lines({
    title: 'Tokens of a reply by model',
    description: 'On average.',
    unit: 'short',
    width: 8,
    queries: [minutesQuery(average(tokenUsage, { by: [model], where: output }), legendOf([model]))],
    links: linksOf('model'),
    noValue: 'no traffic',
  }),
  lines({
    title: 'Replies that told no tokens',
    description:
      'Share of the complete replies of each model. They are paid for, and in no figure here: streams of OpenAI tell nothing unless they are asked, as the middleware `stream-usage` does.',
    unit: 'percentunit',
    width: 8,
    max: 1,
    queries: [minutesQuery(untold({ by: [model] }), legendOf([model]))],
    links: linksOf('model'),
    noValue: 'no traffic',
  }),
  heatmap({
    title: 'Distribution: tokens of a prompt',
    description: 'A band high up are prompts with long histories.',
    unit: 'short',
    width: 12,
    of: tokenUsage,
    scope: { where: input },
  }),
  heatmap({
    title: 'Distribution: tokens of a reply',
    description: 'A band high up are replies that nobody bounds with `max_tokens`.',
    unit: 'short',
    width: 12,
    of: tokenUsage,
    scope: { where: output },
  }),
]);

/** What broke off may have told its tokens too, so that there can be more of those. */
function untold(scope: { readonly by: readonly string[] }): string {
  const complete = countRate(operationDuration, { ...scope, where: { [outcome]: is('completed') } });
  const told = countRate(tokenUsage, { ...scope, where: input });
  return `clamp_min(1 - ${share(told, complete)}, 0)`;
}

export function tokens() {
  return dashboard({
    id: 'tokens',
    title: 'Sightline: Tokens',
    description: 'What is spent, by which model and for whom.',
    rows: [now, burn, tenants, models, sizes],
  });
}
