import type { AlertLine } from '../../../admin/api.ts';
import { errorOutcomes } from '../../../exchange/outcome.ts';
import { chartOf } from '../metrics/charts.ts';
import { metricsAddress, ranges } from '../metrics/view.ts';
import { address } from '../routes.ts';

/** The chart with an alert's figure, as far back as it began; undefined where no chart has it. */
export function chartAddress({ field, firedAt, since }: AlertLine, nowMs: number): string | undefined {
  const chart = chartOf(field);
  if (!chart) return undefined;
  const agoMinutes = (nowMs - Date.parse(firedAt ?? since)) / 60_000;
  const last = ranges.at(-1);
  // One that has been quiet for hours is looked at as it is now.
  const rangeMinutes = ranges.find((range) => range > agoMinutes) ?? (firedAt ? last : ranges[0]);
  return metricsAddress({ chart: chart.id, ...(rangeMinutes && { rangeMinutes }) });
}

/** What an alert that is not about one moment at least looks back. */
const leastMs = 60_000;

/** The exchanges that led to an alert; undefined where it says nothing of a time. */
export function exchangesAddress(alert: AlertLine): string | undefined {
  const { state, since, firedAt = since, windowMs, field, of } = alert;
  if (state === 'inactive') return undefined;
  return address('live', {
    from: String(Date.parse(firedAt) - Math.max(windowMs, leastMs)),
    to: state === 'resolved' ? String(Date.parse(since)) : undefined,
    outcome: outcomesOf(field),
    upstream: field.startsWith('upstreams.') ? of : undefined,
  });
}

function outcomesOf(field: string): readonly string[] | undefined {
  if (field === 'errors' || field === 'errorRatio') return errorOutcomes;
  return field.startsWith('outcomes.') ? [field.slice('outcomes.'.length)] : undefined;
}
