import { attribute, metric } from '../../src/telemetry/names.ts';
import { addressOf, dashboard, row } from './parts/dashboard.ts';
import { thresholdOf, windowOf } from './parts/limits.ts';
import { figure, lines, timeline } from './parts/panels.ts';
import {
  byInstance,
  counted,
  countRate,
  firing,
  foreign,
  increase,
  is,
  lately,
  legendOf,
  level,
  naming,
  quantile,
  rate,
  share,
} from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { errors, failures, linksOf, linksOfOutcome, outcomeColors } from './parts/series.ts';
import { table } from './parts/table-panel.ts';
import { breaks, brokenOff } from './traffic-breaks.ts';
import { sessions } from './traffic-sessions.ts';

const { outcome, upstream, genAiRequestModel: model, errorType, alert, plugin } = attribute;
const exchanges = metric.outcomes;
const attempts = metric.operationDuration;

const now = row('Now, and within the last 5 minutes', [
  figure({
    title: 'Alerts that fire',
    description:
      'Of the rules in Prometheus, or, where it has none that fires, as the processes see it. “Service” says which, and since when.',
    unit: 'short',
    width: 4,
    isTrouble: true,
    queries: [
      query(
        `count (${level(foreign.prometheusAlerts, { by: ['alertname', upstream, plugin], where: firing }, 'max')}) or sum (${level(metric.alertsFiring, { by: [alert, upstream, plugin] }, 'max')})`,
        'alerts',
      ),
    ],
    links: [{ title: 'Which alerts', url: addressOf('service') }],
    noValue: 'nobody reports',
  }),
  figure({
    title: 'Share of errors',
    description:
      'Exchanges that failed, of all. No error is one that the client left, that was refused here, or that the upstream refused for a mistake of the client (4xx).',
    unit: 'percentunit',
    width: 4,
    queries: [query(share(rate(exchanges, { ...lately, where: errors }), rate(exchanges, lately)), 'errors')],
    limit: 'error-ratio',
    noValue: 'no traffic',
  }),
  figure({
    title: 'Replies that broke off',
    description: 'Of the instance with most of them.',
    unit: 'short',
    width: 4,
    queries: [
      query(
        `max (${increase(exchanges, { by: byInstance, where: brokenOff }, windowOf('truncated'))})`,
        'broke off',
      ),
    ],
    limit: 'truncated',
  }),
  figure({
    title: 'Upstreams that do not answer',
    description: 'Upstreams whose last probe got no answer, from any instance.',
    unit: 'short',
    width: 4,
    isTrouble: true,
    queries: [query(`sum (1 - ${level(metric.upstreamUp, { by: [upstream] }, 'min')})`, 'unreachable')],
    noValue: 'not probed',
  }),
  figure({
    title: 'Exchanges a second',
    description: 'Requests, and turns of sessions, that ended.',
    unit: 'reqps',
    width: 4,
    queries: [query(rate(exchanges, lately), 'exchanges')],
  }),
  figure({
    title: 'In flight',
    description: 'Requests of clients that are not over.',
    unit: 'short',
    width: 4,
    queries: [query(level(metric.httpActive), 'requests')],
    noValue: '0',
  }),
]);

/** As the alert counts errors. */
const alike = { by: byInstance, withinMs: thresholdOf('error-ratio').windowMs };
const endings = row('Since when: how exchanges end (all models and tenants)', [
  lines({
    title: 'Exchanges by outcome',
    description: 'How requests, and turns of sessions, ended.',
    unit: 'reqps',
    width: 12,
    isStacked: true,
    queries: [query(rate(exchanges, { by: [outcome] }), legendOf([outcome]))],
    colors: outcomeColors,
    links: linksOfOutcome,
  }),
  lines({
    title: 'Errors by outcome',
    description:
      'Those that failed, by how. `upstream_…` and `timed_out` point to a backend, `failed` to us. Beside them, and in no alert: what upstreams refused for mistakes of clients (4xx).',
    unit: 'reqps',
    width: 12,
    queries: [
      query(rate(exchanges, { by: [outcome], where: errors }), legendOf([outcome])),
      query(rate(exchanges, { where: { [attribute.fault]: is('client') } }), 'mistakes of clients'),
    ],
    colors: outcomeColors,
    links: linksOfOutcome,
    noValue: 'no errors',
  }),
  lines({
    title: `Errors within ${windowOf('errors')}`,
    description: 'By instance, counted as the alert counts them.',
    unit: 'short',
    width: 8,
    queries: [
      query(
        increase(exchanges, { by: byInstance, where: errors }, windowOf('errors')),
        legendOf(['instance']),
      ),
    ],
    limit: 'errors',
    noValue: 'no errors',
  }),
  lines({
    title: `Share of errors within ${windowOf('error-ratio')}`,
    description: 'By instance, of all exchanges that ended, counted as the alert counts them.',
    unit: 'percentunit',
    width: 8,
    queries: [
      query(
        share(rate(exchanges, { ...alike, where: errors }), rate(exchanges, alike)),
        legendOf(['instance']),
      ),
    ],
    limit: 'error-ratio',
    noValue: 'no traffic',
  }),
  lines({
    title: 'Requests by status',
    description: 'HTTP status that clients got. Errors after the head was sent are not seen here, but above.',
    unit: 'reqps',
    width: 8,
    isStacked: true,
    queries: [
      query(
        countRate(metric.httpDuration, { by: [attribute.httpResponseStatusCode] }),
        legendOf([attribute.httpResponseStatusCode]),
      ),
    ],
    colors: { '/^2/': 'green', '/^3/': 'blue', '/^4/': 'yellow', '/^5/': 'red' },
  }),
]);

const upstreams = row('Which upstream', [
  timeline({
    title: 'Upstreams that answer',
    description: 'What the last probe of each upstream found, from any instance.',
    width: 24,
    height: 5,
    queries: [query(level(metric.upstreamUp, { by: [upstream] }, 'min'), legendOf([upstream]))],
    states: { 0: { text: 'no answer', color: 'red' }, 1: { text: 'answers', color: 'green' } },
    limit: 'upstream-unreachable',
    noValue: 'not probed',
  }),
  lines({
    title: 'Exchanges by upstream',
    description: 'That ended, by the upstream that they were meant for.',
    unit: 'reqps',
    width: 8,
    isStacked: true,
    queries: [query(naming(upstream, rate(exchanges, { by: [upstream] })), legendOf([upstream]))],
    links: linksOf('upstream'),
  }),
  lines({
    title: 'Share of errors by upstream',
    description: 'One line that leaves the others: that backend. All at once: look at Service.',
    unit: 'percentunit',
    width: 8,
    queries: [
      query(
        share(rate(exchanges, { by: [upstream], where: errors }), rate(exchanges, { by: [upstream] })),
        legendOf([upstream]),
      ),
    ],
    links: linksOf('upstream'),
    noValue: 'no traffic',
  }),
  lines({
    title: 'In flight by upstream',
    description: 'A line that climbs while the rate does not: replies have become slow, or none come.',
    unit: 'short',
    width: 8,
    isStacked: true,
    queries: [query(level(metric.httpActive, { by: [upstream] }), legendOf([upstream]))],
    links: linksOf('upstream'),
  }),
]);

const both = { ...lately, by: [upstream, model] };
const models = row('Which model (attempts at upstreams, and turns of sessions)', [
  lines({
    title: 'Attempts by model',
    description: 'By the model that was asked for; `other` are names that no upstream has confirmed.',
    unit: 'reqps',
    width: 12,
    isStacked: true,
    queries: [query(countRate(attempts, { by: [model] }), legendOf([model]))],
    links: linksOf('model'),
  }),
  lines({
    title: 'Share of errors by model',
    description:
      'Attempts that failed, of all of the model; by mistakes of clients too. Models without errors have no line.',
    unit: 'percentunit',
    width: 12,
    max: 1,
    queries: [
      query(
        `${share(countRate(attempts, { by: [model], where: failures }), countRate(attempts, { by: [model] }))} > 0`,
        legendOf([model]),
      ),
    ],
    links: linksOf('model'),
    noValue: 'no errors',
  }),
  table({
    title: 'Upstreams and models',
    description: 'Each model at each upstream, of the last 5 minutes.',
    width: 24,
    rows: { [upstream]: 'Upstream', [model]: 'Model' },
    columns: [
      { title: 'Attempts', unit: 'reqps', expression: `${countRate(attempts, both)} > 0` },
      {
        title: 'Errors',
        unit: 'percentunit',
        expression: share(countRate(attempts, { ...both, where: failures }), countRate(attempts, both)),
        limit: 'error-ratio',
      },
      {
        title: 'Broke off',
        unit: 'percentunit',
        expression: share(countRate(attempts, { ...both, where: brokenOff }), countRate(attempts, both)),
      },
      { title: 'Duration p50', unit: 's', expression: quantile(0.5, attempts, both) },
      { title: 'Duration p95', unit: 's', expression: quantile(0.95, attempts, both) },
      { title: 'First token p95', unit: 's', expression: quantile(0.95, metric.timeToFirstChunk, both) },
      {
        title: 'Between chunks p95',
        unit: 's',
        expression: quantile(0.95, metric.timePerOutputChunk, both),
      },
    ],
  }),
]);

const lost = row('What did not get through', [
  lines({
    title: 'Turned away by reason',
    description: 'Requests that were refused before they became exchanges, by the code of the error.',
    unit: 'reqps',
    width: 12,
    queries: [query(rate(metric.rejections, { by: [errorType] }), legendOf([errorType]))],
    noValue: 'none',
  }),
  lines({
    title: 'Replies not understood',
    description:
      'They reached the client, but tokens and model of them are not known; how many in the minutes before.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        counted(metric.unobservedReplies, { by: [upstream, attribute.reason] }),
        legendOf([upstream, attribute.reason]),
      ),
    ],
    noValue: 'none',
  }),
]);

export function traffic() {
  return dashboard({
    id: 'traffic',
    title: 'Sightline: Traffic',
    description: 'What comes in, how it ends, and which upstream or model is to blame.',
    rows: [now, endings, breaks, upstreams, models, sessions, lost],
  });
}
