import { attribute, metric } from '../../src/telemetry/names.ts';
import { row } from './parts/dashboard.ts';
import { windowOf } from './parts/limits.ts';
import { heatmap, lines } from './parts/panels.ts';
import { byInstance, counted, increase, is, legendOf, present } from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { linksOf } from './parts/series.ts';

const { outcome, upstream, genAiRequestModel: model, errorType } = attribute;
const attempts = metric.operationDuration;

/** The reply began, and its end never came. */
export const brokenOff = { [outcome]: is('upstream_truncated') };

export const breaks = row('Why: errors, and replies that broke off', [
  lines({
    title: 'What the errors are',
    description:
      'Attempts that failed, by the error that the upstream named, or that we saw; how many in the minutes before.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        counted(attempts, { by: [upstream, errorType], where: { [errorType]: present } }),
        legendOf([upstream, errorType]),
      ),
    ],
    links: linksOf('upstream'),
    noValue: 'no errors',
  }),
  lines({
    title: 'Replies that broke off, by model',
    description:
      'The stream ended before its end; how many in the minutes before. One model alone: what serves it restarts, or runs out of memory. All of an upstream: something between it and us.',
    unit: 'short',
    width: 12,
    queries: [
      minutesQuery(
        counted(attempts, { by: [upstream, model], where: brokenOff }),
        legendOf([upstream, model]),
      ),
    ],
    links: linksOf('upstream'),
    noValue: 'none',
  }),
  lines({
    title: `Replies that broke off within ${windowOf('truncated')}`,
    description: 'By instance, counted as the alert counts them. One instance alone: its network.',
    unit: 'short',
    width: 12,
    queries: [
      query(
        increase(metric.outcomes, { by: byInstance, where: brokenOff }, windowOf('truncated')),
        legendOf(['instance']),
      ),
    ],
    limit: 'truncated',
  }),
  heatmap({
    title: 'How long they had run when they broke off',
    description:
      'All in one band: an idle timeout or a limit of somebody, such as a load balancer. All over it: restarts, crashes.',
    unit: 's',
    width: 12,
    of: attempts,
    scope: { where: brokenOff },
    noValue: 'none broke off',
  }),
]);
