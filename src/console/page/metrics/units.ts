import type { AlertLine } from '../../../admin/api/alerts.ts';
import { bytes, compact, count, duration, percent } from '../parts/format.ts';

/** What the figures of a chart, or the limit of an alert, are counted in. */
export type Unit =
  | 'count'
  | 'per second'
  | 'per minute'
  | 'tokens/min'
  | 'ms'
  | 'MB'
  | '%'
  | 'ratio'
  | 'days';

interface Wording {
  /** A figure on its own. */
  words(value: number): string;
  /** Beside an axis, where the heading has said what it is. */
  tick?(value: number): string;
}

const figure = new Intl.NumberFormat('en-US', {
  maximumSignificantDigits: 3,
  maximumFractionDigits: 2,
  roundingPriority: 'lessPrecision',
});

/** Three figures, and no more than hundredths; of what is large, as `compact` has it. */
function short(value: number): string {
  if (value > 0 && value < 0.005) return '<0.01';
  return Math.abs(value) < 1_000 ? figure.format(value) : compact(value);
}

const wordings: Readonly<Record<Unit, Wording>> = {
  count: { words: (value) => (Number.isInteger(value) ? count(value) : short(value)), tick: short },
  'per second': { words: (value) => `${short(value)}/s` },
  'per minute': { words: (value) => `${short(value)}/min`, tick: short },
  'tokens/min': { words: (value) => `${short(value)} tokens/min`, tick: short },
  ms: { words: duration },
  MB: { words: (value) => bytes(value * 1_000_000) },
  '%': { words: (value) => percent(value / 100) },
  ratio: { words: percent },
  days: { words: (value) => `${short(value)} ${value === 1 ? 'day' : 'days'}`, tick: short },
};

export function inWords(value: number, unit: Unit): string {
  return wordings[unit].words(value);
}

export function onAxis(value: number, unit: Unit): string {
  const { words, tick = words } = wordings[unit];
  if (value === 0) return unit === '%' || unit === 'ratio' ? '0%' : '0';
  return round(tick(value));
}

/** What somebody has set, and not what was measured: `5 s`. */
export function limitInWords({ limit, ...alert }: Pick<AlertLine, 'field' | 'unit' | 'limit'>): string {
  return round(inWords(limit, unitOf(alert)));
}

/** `5.0 s` is as exact as a figure, and more than a limit needs. */
function round(words: string): string {
  return words.replace('.0\u00a0', '\u00a0');
}

/** What an alert's limit and figure are counted in. */
export function unitOf({ field, unit }: { readonly field: string; readonly unit: string }): Unit {
  if (field.endsWith('Ratio')) return 'ratio';
  return unit in wordings ? (unit as Unit) : 'count';
}

/** `5 min`, `90 s`: a window, in words. */
export function windowInWords(ms: number): string {
  return duration(ms).replace('.0', '');
}
