import { attribute, metric } from '../../src/telemetry/names.ts';
import { dashboard, row } from './parts/dashboard.ts';
import { figure, heatmap, lines, timeline } from './parts/panels.ts';
import {
  counted,
  countRate,
  increase,
  is,
  lately,
  legendOf,
  level,
  orZero,
  present,
  quantile,
  share,
  sumRate,
} from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { table } from './parts/table-panel.ts';

const { plugin, pluginKind, pluginPoint, pluginState, pluginChange, pluginVersion } = attribute;
const { middleware, phase, errorType, hookPoint, hookOwner, hookFailure } = attribute;
const runs = metric.pluginDuration;
const each = { ...lately, by: [plugin, pluginVersion, pluginKind, pluginPoint] };
const failed = { [errorType]: present };

const now = row('Now, and within the last 5 minutes', [
  figure({
    title: 'Active plugins',
    description: 'Plugins that take part, summed over instances.',
    unit: 'short',
    width: 4,
    queries: [query(level(metric.plugins, { where: { [pluginState]: is('active') } }), 'active')],
    noValue: '0',
  }),
  figure({
    title: 'Rejected plugins',
    description: 'Plugins whose newest version cannot be used; the last good one goes on.',
    unit: 'short',
    width: 4,
    queries: [query(orZero(level(metric.pluginsRejected)), 'rejected')],
    limit: 'plugin-rejected',
  }),
  figure({
    title: 'Open breakers',
    description: 'Code of plugins that is left out because it failed again and again.',
    unit: 'short',
    width: 4,
    queries: [query(orZero(level(metric.pluginBreakersOpen)), 'open')],
    limit: 'breaker-open',
  }),
  figure({
    title: 'Runs that failed',
    description: "Share of all runs of plugins' code.",
    unit: 'percentunit',
    width: 4,
    isTrouble: true,
    queries: [query(share(countRate(runs, { ...lately, where: failed }), countRate(runs, lately)), 'failed')],
    noValue: 'no runs',
  }),
  figure({
    title: 'Share of our own time',
    description:
      "Time of plugins' middleware, of all time that exchanges did not wait for client or upstream. May be more than all where middleware runs beside a stream.",
    unit: 'percentunit',
    width: 4,
    queries: [
      query(
        share(
          sumRate(runs, { ...lately, where: { [pluginKind]: is('middleware') } }),
          sumRate(metric.overhead, lately),
        ),
        'of our own time',
      ),
    ],
    noValue: 'no traffic',
  }),
  figure({
    title: 'Hook callbacks that failed',
    description: 'That threw, missed their deadline or were skipped. They cannot harm an exchange.',
    unit: 'short',
    width: 4,
    isTrouble: true,
    queries: [query(orZero(increase(metric.hookErrors, {}, '5m')), 'failures')],
  }),
]);

const cost = row('What each costs', [
  lines({
    title: 'Time of plugins, a second',
    description:
      'Seconds that passed in the code of each plugin, in a second, by what of it ran; also while it waited, so several at once make more than one.',
    unit: 's',
    width: 12,
    isStacked: true,
    queries: [query(sumRate(runs, { by: [plugin, pluginKind] }), legendOf([plugin, pluginKind]))],
    noValue: 'no runs',
  }),
  lines({
    title: 'Middleware p95 by phase',
    description:
      'Built in or of plugins. A slow `before_query` delays the first token, a slow `on_chunk` each chunk.',
    unit: 's',
    width: 12,
    queries: [
      query(
        quantile(0.95, metric.middlewareDuration, { by: [middleware, phase] }),
        legendOf([middleware, phase]),
      ),
    ],
    noValue: 'no middleware',
  }),
  heatmap({
    title: 'Distribution of middleware',
    description: 'All middleware together. A band high up is one that calls somebody.',
    unit: 's',
    width: 12,
    of: metric.middlewareDuration,
  }),
  table({
    title: 'Plugins, by what of them runs',
    description:
      'Everything about each plugin, of the last 5 minutes: its middleware by phase, hook callbacks by point, messages by type.',
    width: 12,
    rows: { [plugin]: 'Plugin', [pluginVersion]: 'Version', [pluginKind]: 'Kind', [pluginPoint]: 'Point' },
    columns: [
      { title: 'Runs', unit: 'cps', expression: `${countRate(runs, each)} > 0` },
      { title: 'Time a second', unit: 's', expression: `${sumRate(runs, each)} > 0` },
      { title: 'p95', unit: 's', expression: quantile(0.95, runs, each) },
      {
        title: 'Failed',
        unit: 'percentunit',
        expression: share(countRate(runs, { ...each, where: failed }), countRate(runs, each)),
        limit: 'error-ratio',
      },
    ],
    sortBy: 'Time a second',
  }),
]);

const failures = row('What fails (how many in the minutes before)', [
  timeline({
    title: 'Open breakers',
    description: 'By plugin: since when its code is left out.',
    width: 12,
    height: 5,
    queries: [query(level(metric.pluginBreakersOpen, { by: [plugin] }), legendOf([plugin]))],
    states: { 0: { text: 'closed', color: 'green' } },
    limit: 'breaker-open',
    noValue: 'none was ever open',
  }),
  timeline({
    title: 'Rejected plugins',
    description: 'By plugin: since when its newest version cannot be used.',
    width: 12,
    height: 5,
    queries: [query(level(metric.pluginsRejected, { by: [plugin] }, 'max'), legendOf([plugin]))],
    states: { 0: { text: 'in use', color: 'green' }, 1: { text: 'rejected', color: 'orange' } },
    limit: 'plugin-rejected',
    noValue: 'none rejected',
  }),
  lines({
    title: 'Plugin errors',
    description: 'Runs that failed, by what of the plugin ran, and how it failed.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        counted(runs, { by: [plugin, pluginPoint, errorType], where: failed }),
        legendOf([plugin, pluginPoint, errorType]),
      ),
    ],
    noValue: 'none',
  }),
  lines({
    title: 'Middleware errors',
    description: 'Built in or of plugins. Each fails an exchange, unless the middleware says `continue`.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        counted(metric.middlewareDuration, { by: [middleware, phase, errorType], where: failed }),
        legendOf([middleware, phase, errorType]),
      ),
    ],
    noValue: 'none',
  }),
  lines({
    title: 'Hook errors',
    description: 'Callbacks that threw, missed their deadline or were skipped, by point and owner.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        counted(metric.hookErrors, { by: [hookOwner, hookPoint, hookFailure] }),
        legendOf([hookOwner, hookPoint, hookFailure]),
      ),
    ],
    noValue: 'none',
  }),
  lines({
    title: 'Left behind',
    description:
      'Errors where nobody waits (timers, promises), and versions that are unloaded but still held in memory.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        `${counted(metric.pluginStrayErrors, { by: [plugin] })} > 0`,
        `${legendOf([plugin])}: stray errors`,
      ),
      minutesQuery(
        `${counted(metric.pluginLeaks, { by: [plugin] })} > 0`,
        `${legendOf([plugin])}: versions held`,
      ),
    ],
    noValue: 'nothing',
  }),
]);

const { messageType, result } = attribute;
const events = row('What changed, and messages on WebSockets (how many in the minutes before)', [
  lines({
    title: 'Changes',
    description:
      'Plugins that were loaded, reloaded, rejected or unloaded. Each is also a blue mark on all dashboards.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        `${counted(metric.pluginChanges, { by: [plugin, pluginChange] })} > 0`,
        legendOf([plugin, pluginChange]),
      ),
    ],
    noValue: 'none',
  }),
  lines({
    title: 'Messages of registered types',
    description: 'What became of them, and why some were refused.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        counted(metric.messagesHandled, { by: [messageType, result, errorType] }),
        `${legendOf([messageType, result])} ${legendOf([errorType])}`,
      ),
    ],
    noValue: 'none',
  }),
]);

export function plugins() {
  return dashboard({
    id: 'plugins',
    title: 'Sightline: Plugins and middleware',
    description: 'What each plugin and middleware costs, which fail, and what changed when.',
    rows: [now, cost, failures, events],
  });
}
