import { attribute, metric } from '../../src/telemetry/names.ts';
import { row } from './parts/dashboard.ts';
import { lines } from './parts/panels.ts';
import { countRate, legendOf, level, rate } from './parts/promql.ts';
import { query } from './parts/queries.ts';

const { outcome, upstream, sessionProtocol, direction, result } = attribute;

export const sessions = row('WebSocket sessions', [
  lines({
    title: 'Open sessions',
    description: 'By what is spoken on them.',
    unit: 'short',
    width: 8,
    isStacked: true,
    queries: [query(level(metric.sessionActive, { by: [sessionProtocol] }), legendOf([sessionProtocol]))],
  }),
  lines({
    title: 'How sessions end',
    description: 'Those that had come about, and those that did not.',
    unit: 'cps',
    width: 8,
    queries: [
      query(countRate(metric.sessionDuration, { by: [outcome] }), legendOf([outcome])),
      query(rate(metric.sessionRefusals, { by: [outcome] }), `not begun: ${legendOf([outcome])}`),
    ],
    noValue: 'none ended',
  }),
  lines({
    title: 'Connecting to upstreams',
    description: 'Tries over WebSocket that a request waited for.',
    unit: 'cps',
    width: 8,
    queries: [query(rate(metric.upstreamConnects, { by: [upstream, result] }), legendOf([upstream, result]))],
    noValue: 'none needed',
  }),
  lines({
    title: 'Messages',
    description: 'By who sent them, and those that were refused with an error to the client.',
    unit: 'mps',
    width: 8,
    queries: [
      query(rate(metric.sessionMessages, { by: [direction] }), `from the ${legendOf([direction])}`),
      query(rate(metric.sessionRefusedMessages), 'refused'),
    ],
    noValue: 'no sessions',
  }),
  lines({
    title: 'Bytes',
    description: 'As they were on the wire, by who sent them.',
    unit: 'Bps',
    width: 8,
    queries: [query(rate(metric.sessionBytes, { by: [direction] }), `from the ${legendOf([direction])}`)],
    noValue: 'no sessions',
  }),
  lines({
    title: 'Messages of registered types',
    description: 'What became of messages that plugins, or the embedding program, registered types for.',
    unit: 'mps',
    width: 8,
    queries: [
      query(
        rate(metric.messagesHandled, { by: [attribute.messageType, result] }),
        legendOf([attribute.messageType, result]),
      ),
    ],
    noValue: 'no such messages',
  }),
]);
