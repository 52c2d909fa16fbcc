import { attribute, metric } from '../../src/telemetry/names.ts';
import { dashboard, type Row, row } from './parts/dashboard.ts';
import { figure, heatmap, lines } from './parts/panels.ts';
import { average, type Histogram, legendOf, quantile } from './parts/promql.ts';
import { query } from './parts/queries.ts';
import { linksOf, percentiles } from './parts/series.ts';

const { upstream, genAiRequestModel: model, httpRoute } = attribute;

const now = row('Now', [
  figure({
    title: 'Duration p50',
    description: 'Half of the requests took less, to the end of the reply.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.5, metric.httpDuration), 'p50')],
    noValue: 'no traffic',
  }),
  figure({
    title: 'Duration p99',
    description: '99 of 100 requests took less, to the end of the reply.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.99, metric.httpDuration), 'p99')],
    limit: 'duration',
    noValue: 'no traffic',
  }),
  figure({
    title: 'First token p50',
    description: 'Half of the streams began to speak within this.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.5, metric.timeToFirstChunk), 'p50')],
    noValue: 'no streams',
  }),
  figure({
    title: 'First token p95',
    description: '95 of 100 streams began to speak within this.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.95, metric.timeToFirstChunk), 'p95')],
    limit: 'first-token',
    noValue: 'no streams',
  }),
  figure({
    title: 'Between chunks p95',
    description: 'Between two events with output of the model: what a reader sees as stutter.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.95, metric.timePerOutputChunk), 'p95')],
    noValue: 'no streams',
  }),
  figure({
    title: 'Our own share p95',
    description:
      'Of an exchange, while neither client nor upstream was waited for: middleware, hooks, ourselves.',
    unit: 's',
    width: 4,
    queries: [query(quantile(0.95, metric.overhead), 'p95')],
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
    limit: 'duration',
  }),
  heatmap({
    title: 'Distribution of durations',
    description: 'Two bands are two kinds of requests, or one upstream of several that is slow.',
    unit: 's',
    width: 12,
    of: metric.httpDuration,
  }),
  lines({
    title: 'Duration p95 by upstream',
    description: 'Which backend is slow.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.95, metric.httpDuration, { by: [upstream] }), legendOf([upstream]))],
    links: linksOf('upstream'),
  }),
  lines({
    title: 'Duration p95 by route',
    description: 'Which kind of request is slow.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.95, metric.httpDuration, { by: [httpRoute] }), legendOf([httpRoute]))],
  }),
]);

const attempts = row('Attempts at upstreams, and turns of sessions', [
  lines({
    title: 'Duration p95 by model',
    description: 'Which model is slow.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.95, metric.operationDuration, { by: [model] }), legendOf([model]))],
    links: linksOf('model'),
  }),
  lines({
    title: 'Average by outcome',
    description:
      'Errors that are as slow as a deadline are one; errors that are fast are a backend that refuses.',
    unit: 's',
    width: 12,
    queries: [
      query(average(metric.operationDuration, { by: [attribute.outcome] }), legendOf([attribute.outcome])),
    ],
  }),
]);

const firstToken = row('First token', [
  ...distribution(metric.timeToFirstChunk, {
    title: 'First token',
    description:
      'From the attempt to the first event with output of the model. A queue at the backend shows here first.',
    limit: 'first-token',
  }),
  ...byWhom(metric.timeToFirstChunk, 'First token'),
]);

const chunks = row('Between chunks', [
  ...distribution(metric.timePerOutputChunk, {
    title: 'Between chunks',
    description: 'Between two events with output of the model: how fast it speaks.',
  }),
  ...byWhom(metric.timePerOutputChunk, 'Between chunks'),
]);

const own = row('Our own share', [
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
    title: 'Our own share by instance, p95',
    description: 'One line that leaves the others: that process. Look at its event loop on “Service”.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.95, metric.overhead, { by: ['instance'] }), legendOf(['instance']))],
  }),
]);

/** Percentiles, and all of it. */
function distribution(
  of: Histogram,
  { title, description, limit }: { title: string; description: string; limit?: string },
): Row['panels'] {
  const unit = 's';
  return [
    lines({ title, description, unit, width: 12, queries: percentiles(of), ...(limit && { limit }) }),
    heatmap({ title: `Distribution: ${title.toLowerCase()}`, description, unit, width: 12, of }),
  ];
}

function byWhom(of: Histogram, title: string): Row['panels'] {
  const rows = [
    { key: upstream, variable: 'upstream', description: 'Which backend is slow.' },
    { key: model, variable: 'model', description: 'Which model is slow.' },
  ] as const;
  return rows.map(({ key, variable, description }) =>
    lines({
      title: `${title} p95 by ${variable}`,
      description,
      unit: 's',
      width: 12,
      queries: [query(quantile(0.95, of, { by: [key] }), legendOf([key]))],
      links: linksOf(variable),
    }),
  );
}

export function latency() {
  return dashboard({
    id: 'latency',
    title: 'Sightline: Latency',
    description: 'How long it takes, and where the time goes: the model, its backend, or us.',
    rows: [now, requests, attempts, firstToken, chunks, own],
  });
}
