import { attribute, metric } from '../../src/telemetry/names.ts';
import { row } from './parts/dashboard.ts';
import { lines } from './parts/panels.ts';
import { counted, countRate, legendOf, level, rate } from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { outcomeColors, percentileColors, percentiles } from './parts/series.ts';

const { outcome, upstream, sessionProtocol, direction, result } = attribute;

export const sessions = row('WebSocket sessions', [
  lines({
    title: 'Open sessions',
    description: 'By what is spoken on them.',
    unit: 'short',
    width: 8,
    isStacked: true,
    queries: [query(level(metric.sessionActive, { by: [sessionProtocol] }), legendOf([sessionProtocol]))],
    noValue: 'no sessions',
  }),
  lines({
    title: 'How sessions end',
    description: 'Those that had come about. Those that had not are beside it.',
    unit: 'cps',
    width: 8,
    queries: [query(countRate(metric.sessionDuration, { by: [outcome] }), legendOf([outcome]))],
    colors: outcomeColors,
    noValue: 'none ended',
  }),
  lines({
    title: 'Duration of sessions',
    description:
      'Of those that ended. All three alike: somebody ends them by the clock, such as a load balancer.',
    unit: 's',
    width: 8,
    queries: percentiles(metric.sessionDuration),
    colors: percentileColors,
    noValue: 'none ended',
  }),
  lines({
    title: 'Sessions that did not begin',
    description: 'By why not, and tries to connect to upstreams; how many in the minutes before.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(counted(metric.sessionRefusals, { by: [outcome] }), `not begun: ${legendOf([outcome])}`),
      minutesQuery(
        counted(metric.upstreamConnects, { by: [upstream, result] }),
        `upstream ${legendOf([upstream, result])}`,
      ),
    ],
    noValue: 'none, and nobody had to be connected to',
  }),
  lines({
    title: 'Messages',
    description: 'By who sent them, and those that were refused with an error to the client.',
    unit: 'mps',
    width: 12,
    queries: [
      query(rate(metric.sessionMessages, { by: [direction] }), `from the ${legendOf([direction])}`),
      query(rate(metric.sessionRefusedMessages), 'refused'),
    ],
    noValue: 'no sessions',
  }),
]);
