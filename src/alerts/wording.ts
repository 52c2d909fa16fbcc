import type { Alert } from './alert.ts';
import { duration } from './duration.ts';
import type { Threshold } from './threshold.ts';

/* An alert in words, the same wherever people read it: log, webhooks, annotations of Prometheus and Alertmanager. */

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

/** Texts, or the templates that Prometheus makes them of. */
export interface Occasion {
  readonly instance: string;
  /** The upstream or plugin. */
  readonly of: string | undefined;
  readonly value: string;
}

export function annotations(threshold: Threshold, { instance, of, value }: Occasion) {
  const subject = of === undefined ? instance : `${of} on ${instance}`;
  const { summary, action } = threshold;
  return { summary: `${subject}: ${summary}${figureInWords(threshold, value)}`, description: action };
}

export function inWords({ id, of }: Pick<Alert, 'id' | 'of'>): string {
  return of === undefined ? `alert '${id}'` : `alert '${id}' of '${of}'`;
}

export function firesInWords(alert: Alert, threshold: Threshold): string {
  return `${inWords(alert)} fires: ${alert.summary}${figureInWords(threshold, valueInWords(alert))}`;
}

export function resolvedInWords(alert: Alert): string {
  return `${inWords(alert)} is resolved, after ${lasted(alert)}`;
}

function lasted({ since, firedAt = since }: Alert): string {
  const ms = Math.max(0, since - firedAt);
  const unitMs = ms < 2 * minuteMs ? secondMs : minuteMs;
  return duration(Math.round(ms / unitMs) * unitMs);
}

/** What comes behind the summary: ` Memory: 600 MB, above the limit of 500 MB.` */
function figureInWords(threshold: Threshold, value: string): string {
  const { title, comparison, limit, unit, isYesOrNo = false } = threshold;
  // That it is so, the summary has said. With another limit it is a count all the same.
  if (isYesOrNo && limit === (comparison === 'above' ? 0 : 1)) return '';
  const inUnit = (amount: string) => (unit === '' ? amount : `${amount} ${unit}`);
  return ` ${title}: ${inUnit(value)}, ${comparison} the limit of ${inUnit(String(limit))}.`;
}

export function valueInWords({ value, limit }: Pick<Alert, 'value' | 'limit'>): string {
  if (value === undefined) return 'unknown';
  return Number.isInteger(value) ? String(value) : value.toFixed(digits({ limit }));
}

/** Decimals that a figure near the limit is worth. Counts of alerts by yes and no are 0 or 1. */
export function digits({ limit }: Pick<Threshold, 'limit'>): number {
  if (limit > 1 && limit < 100) return 1;
  return limit > 0 && limit < 1 ? 3 : 0;
}
