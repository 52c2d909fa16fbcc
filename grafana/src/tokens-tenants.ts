import { metric } from '../../src/telemetry/names.ts';
import { row } from './parts/dashboard.ts';
import { lines } from './parts/panels.ts';
import {
  average,
  countRate,
  increase,
  legendOf,
  naming,
  share,
  sumIncrease,
  sumRate,
  tenant,
} from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { failures, linksOf, perMinute, tokenTypes } from './parts/series.ts';
import { table } from './parts/table-panel.ts';

const { tokenUsage, tokenDetails, operationDuration } = metric;
const { input, output, cached, reasoning } = tokenTypes;

export const tenants = row('Who: tenants (by the label of request-tags or the plugin tenant)', [
  lines({
    title: 'Tokens a minute by tenant',
    description: 'In and out together: requests, times what each costs. The two are beside this.',
    unit: 'short',
    width: 8,
    isStacked: true,
    queries: [query(naming(tenant, perMinute(sumRate(tokenUsage, { by: [tenant] }))), legendOf([tenant]))],
    links: linksOf('tenant'),
    noValue: 'no traffic',
  }),
  lines({
    title: 'Replies a second by tenant',
    description: 'Of those that reported tokens. A step up here: more requests, such as an agent in a loop.',
    unit: 'reqps',
    width: 8,
    isStacked: true,
    queries: [
      query(naming(tenant, countRate(tokenUsage, { by: [tenant], where: input })), legendOf([tenant])),
    ],
    links: linksOf('tenant'),
    noValue: 'no traffic',
  }),
  lines({
    title: 'Tokens of a prompt by tenant',
    description: 'On average. A climb here: histories that grow with each turn.',
    unit: 'short',
    width: 8,
    queries: [
      minutesQuery(naming(tenant, average(tokenUsage, { by: [tenant], where: input })), legendOf([tenant])),
    ],
    links: linksOf('tenant'),
    noValue: 'no traffic',
  }),
  table({
    title: 'Tenants',
    description: 'Of the time range above; a little too low where tenants have just begun.',
    width: 24,
    rows: { [tenant]: 'Tenant' },
    columns: [
      { title: 'Tokens in', unit: 'short', expression: named(sumIncrease(tokenUsage, each(input))) },
      {
        title: 'From the cache',
        unit: 'percentunit',
        expression: named(share(increase(tokenDetails, each(cached)), sumIncrease(tokenUsage, each(input)))),
      },
      { title: 'Tokens out', unit: 'short', expression: named(sumIncrease(tokenUsage, each(output))) },
      {
        title: 'For reasoning',
        unit: 'percentunit',
        expression: named(
          share(increase(tokenDetails, each(reasoning)), sumIncrease(tokenUsage, each(output))),
        ),
      },
      { title: 'Attempts', unit: 'short', expression: named(increase(operationDuration, each())) },
      {
        title: 'Errors',
        unit: 'percentunit',
        expression: named(
          share(increase(operationDuration, each(failures)), increase(operationDuration, each())),
        ),
        limit: 'error-ratio',
      },
    ],
    sortBy: 'Tokens out',
  }),
]);

function each(where: Readonly<Record<string, string>> = {}) {
  return { by: [tenant], where };
}

function named(figures: string): string {
  return naming(tenant, figures);
}
