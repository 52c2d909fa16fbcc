import type { Threshold as Step } from '@grafana/grafana-foundation-sdk/dashboard';
import { duration } from '../../../src/alerts/duration.ts';
import type { Threshold } from '../../../src/alerts/threshold.ts';
import { thresholds } from '../../../src/alerts/thresholds.ts';

/** The limit of an alert, as a panel shows it. */
export interface Limit {
  readonly threshold: Threshold;
  /** In the unit of the panel. */
  readonly value: number;
  /** From the lowest: the first counts below all of them. */
  readonly steps: Step[];
  /** What the panel's description says of it. */
  readonly sentence: string;
}

/** What one of a threshold's unit is in the units of panels that can show it. */
const scales: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '': { short: 1, percentunit: 1, none: 1 },
  '%': { percent: 1, percentunit: 0.01 },
  MB: { decbytes: 1_000_000 },
  ms: { ms: 1, s: 0.001 },
  s: { ms: 1_000, s: 1 },
  days: { d: 1, s: 86_400 },
  'tokens/min': { short: 1 },
};

/** The row of the alert's table. A dashboard that names one that is not there does not build. */
export function thresholdOf(id: string): Threshold {
  const found = thresholds.find((one) => one.id === id);
  if (!found) throw new Error(`there is no threshold '${id}'`);
  return found;
}

/** The window that the alert looks at, as PromQL writes it: with the same one, panel and alert agree. */
export function windowOf(id: string): string {
  return duration(thresholdOf(id).windowMs);
}

export function limitOf(id: string, panelUnit: string): Limit {
  const threshold = thresholdOf(id);
  const scale = scales[threshold.unit]?.[panelUnit];
  if (scale === undefined)
    throw new Error(`a panel in '${panelUnit}' cannot show the limit of '${id}' in '${threshold.unit}'`);
  const value = Number((threshold.limit * scale).toPrecision(12));
  return { threshold, value, steps: stepsOf(threshold, value), sentence: sentenceOf(threshold) };
}

/** The colour of a step holds from its value on, but at its limit an alert does not fire: of counts that shows at 0. */
function stepsOf({ comparison, severity }: Threshold, value: number): Step[] {
  const bad = severity === 'critical' ? 'red' : 'orange';
  if (comparison === 'below') return [lowest(bad), { value, color: 'green' }];
  return [lowest('green'), { value: value === 0 ? 0.001 : value, color: bad }];
}

function lowest(color: string): Step {
  return { value: null, color };
}

function sentenceOf(threshold: Threshold): string {
  const { title, severity, comparison, limit, unit, windowMs, holdMs, exchangesMin = 0, action } = threshold;
  const parts = [
    [comparison, limit.toLocaleString('en'), unit].filter((part) => part !== '').join(' '),
    windowMs > 0 ? ` over ${duration(windowMs)}` : '',
    holdMs > 0 ? `, for ${duration(holdMs)}` : '',
    ', of any one instance',
    exchangesMin > 0 ? ` with at least ${exchangesMin} exchanges` : '',
  ];
  return `The alert “${title}” (${severity}) fires ${parts.join('')}. What to do: ${action}`;
}
