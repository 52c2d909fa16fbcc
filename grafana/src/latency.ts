import { attribute, metric } from '../../src/telemetry/names.ts';
import { dashboard, type Row, row } from './parts/dashboard.ts';
import { figure, heatmap, lines } from './parts/panels.ts';
import { average, type Histogram, is, lately, legendOf, quantile, share, sumRate } from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { linksOf, linksOfOutcome, outcomeColors, percentileColors, percentiles } from './parts/series.ts';

const { upstream, genAiRequestModel: model, httpRoute } = attribute;

const now = row('The last 5 minutes', [
  figure({
    title: 'Duration p50',
    description: 'Half of the requests took less, to the end of the reply.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.5, metric.httpDuration, lately), 'p50')],
    noValue: 'no traffic',
  }),
  figure({
    title: 'Duration p99',
    description: '99 of 100 requests took less, to the end of the reply.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.99, metric.httpDuration, lately), 'p99')],
    limit: 'duration',
    noValue: 'no traffic',
  }),
  figure({
    title: 'First token p50',
    description: 'Half of the streams began to speak within this.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.5, metric.timeToFirstChunk, lately), 'p50')],
    noValue: 'no streams',
  }),
  figure({
    title: 'First token p95',
    description: '95 of 100 streams began to speak within this.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.95, metric.timeToFirstChunk, lately), 'p95')],
    limit: 'first-token',
    noValue: 'no streams',
  }),
  figure({
    title: 'Between chunks p95',
    description: 'Between two events with output of the model: what a reader sees as stutter.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.95, metric.timePerOutputChunk, lately), 'p95')],
    noValue: 'no streams',
  }),
  figure({
    title: 'Our own share p95',
    description:
      'Of an exchange, while neither client nor upstream was waited for: middleware, hooks, ourselves.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.95, metric.overhead, lately), 'p95')],
    noValue: 'no traffic',
  }),
]);

const requests = row('Requests of clients, to the end of the reply', [
  lines({
    title: 'Duration',
    description: 'Long replies are long streams: look at first token before you call it slow.',
    unit: 's',
    width: 12,
    queries: percentiles(metric.httpDuration),
    colors: percentileColors,
    limit: 'duration',
  }),
  heatmap({
    title: 'Distribution of durations',
    description: 'Two bands are two kinds of requests, or one upstream of several that is slow.',
    unit: 's',
    width: 12,
    of: metric.httpDuration,
  }),
  p95By('upstream', metric.httpDuration, 'Duration'),
  lines({
    title: 'Duration p95 by route',
    description: 'Which kind of request is slow.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.95, metric.httpDuration, { by: [httpRoute] }), legendOf([httpRoute]))],
  }),
]);

const attempts = row('Attempts at upstreams, and turns of sessions', [
  p95By('model', metric.operationDuration, 'Duration'),
  lines({
    title: 'Average by outcome',
    description:
      'Errors that are as slow as a deadline are one; errors that are fast are a backend that refuses.',
    unit: 's',
    width: 12,
    queries: [
      minutesQuery(
        average(metric.operationDuration, { by: [attribute.outcome] }),
        legendOf([attribute.outcome]),
      ),
    ],
    colors: outcomeColors,
    links: linksOfOutcome,
  }),
]);

const firstToken = row('First token', [
  ...distribution(metric.timeToFirstChunk, {
    title: 'First token',
    description:
      'From the attempt to the first event with output of the model. A queue at the backend shows here first.',
    limit: 'first-token',
  }),
  p95By('upstream', metric.timeToFirstChunk, 'First token'),
  p95By('model', metric.timeToFirstChunk, 'First token'),
]);

const chunks = row('Between chunks', [
  ...distribution(metric.timePerOutputChunk, {
    title: 'Between chunks',
    description: 'Between two events with output of the model: how fast it speaks.',
  }),
  p95By('model', metric.timePerOutputChunk, 'Between chunks'),
  lines({
    title: 'Tokens out for each second of waiting',
    description:
      'What a model speaks in a second, the wait for its first token included; of replies that report usage.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        `${sumRate(metric.tokenUsage, { by: [model], where: { [attribute.genAiTokenType]: is('output') } })} / (${sumRate(metric.operationDuration, { by: [model] })} > 0)`,
        legendOf([model]),
      ),
    ],
    links: linksOf('model'),
    noValue: 'no traffic',
  }),
]);

const own = row('Our own share (of all upstreams, models and tenants)', [
  ...distribution(metric.overhead, {
    title: 'Our own share',
    description:
      'Of all exchanges, while neither client nor upstream was waited for. See “Plugins” for whose it is.',
  }),
  lines({
    title: 'Our own share by route, p95',
    description: 'Middleware may be for some routes alone.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.95, metric.overhead, { by: [httpRoute] }), legendOf([httpRoute]))],
  }),
  lines({
    title: 'Our own share of the whole time',
    description:
      'Of all the time that requests took, by route. Where it is small, a slow request is slow at its upstream.',
    unit: 'percentunit',
    width: 12,
    queries: [
      query(
        share(
          sumRate(metric.overhead, { by: [httpRoute] }),
          sumRate(metric.httpDuration, { by: [httpRoute], narrowedBy: [] }),
        ),
        legendOf([httpRoute]),
      ),
    ],
    noValue: 'no traffic',
  }),
]);

/** Percentiles, and all of it. */
function distribution(
  of: Histogram,
  { title, description, limit }: { title: string; description: string; limit?: string },
): Row['panels'] {
  const unit = 's';
  return [
    lines({
      title,
      description,
      unit,
      width: 12,
      queries: percentiles(of),
      colors: percentileColors,
      ...(limit && { limit }),
    }),
    heatmap({ title: `Distribution: ${title.toLowerCase()}`, description, unit, width: 12, of }),
  ];
}

function p95By(variable: 'upstream' | 'model', of: Histogram, title: string): Row['panels'][number] {
  const key = variable === 'upstream' ? upstream : model;
  return lines({
    title: `${title} p95 by ${variable}`,
    description: variable === 'upstream' ? 'Which backend is slow.' : 'Which model is slow.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.95, of, { by: [key] }), legendOf([key]))],
    links: linksOf(variable),
  });
}

export function latency() {
  return dashboard({
    id: 'latency',
    title: 'Sightline: Latency',
    description: 'How long it takes, and where the time goes: the model, its backend, or us.',
    rows: [now, requests, attempts, firstToken, chunks, own],
  });
}
