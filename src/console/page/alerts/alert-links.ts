import type { AlertLine } from '../../../admin/api/alerts.ts';
import { errorOutcomes } from '../../../exchange/outcome.ts';
import { chartOf } from '../metrics/charts.ts';
import { metricsAddress, ranges } from '../metrics/view.ts';
import { nameOf } from '../plugins/plugin-name.ts';
import { address } from '../route.ts';

export interface AlertLink {
  readonly title: string;
  readonly href: string;
}

/** Where one looks next. */
export function linksOf(alert: AlertLine, nowMs: number): AlertLink[] {
  const links = {
    Chart: chartAddress(alert, nowMs),
    'Exchanges of that time': exchangesAddress(alert),
    'The plugin': pluginAddress(alert),
  };
  return Object.entries(links).flatMap(([title, href]) => (href === undefined ? [] : [{ title, href }]));
}

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

/** The plugin that an alert is about, by its name or its file's; undefined where it is about something else, or nothing is wrong with any. */
export function pluginAddress({ field, of }: Pick<AlertLine, 'field' | 'of'>): string | undefined {
  if (!field.startsWith('plugins.') || of === undefined) return undefined;
  return address('plugins', { plugin: nameOf({ file: of }) });
}

/** What an alert that is not about one moment at least looks back. */
const leastMs = 60_000;

/** No exchange has led to them. */
const withoutExchanges: readonly string[] = ['plugins.rejected.*', 'upstreams.*.certificateDays'];

/** The exchanges that led to an alert; undefined where none did. */
export function exchangesAddress(alert: AlertLine): string | undefined {
  const { state, since, firedAt = since, windowMs, field, of } = alert;
  if (state === 'inactive' || withoutExchanges.includes(field)) return undefined;
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
