import type { AlertLine } from '../../../admin/api/alerts.ts';
import { inWords, limitInWords, unitOf, windowInWords } from '../metrics/units.ts';
import { duration } from '../parts/format.ts';

/* An alert's figure and limit, as words and as a bar. */

type Figures = Pick<AlertLine, 'field' | 'unit' | 'value' | 'limit' | 'comparison' | 'windowMs'>;

interface Answers {
  readonly beyond: string;
  readonly within: string;
  readonly when: string;
}

/** Figures that are a yes or a no: what each is called, where the limit is the usual one. */
const yesAndNo: Readonly<Record<string, Answers>> = {
  'upstreams.*.up': { beyond: 'does not answer', within: 'answers', when: 'when it does not answer' },
  'plugins.rejected.*': { beyond: 'rejected', within: 'accepted', when: 'when one is rejected' },
  'plugins.breakersOpen.*': { beyond: 'open', within: 'closed', when: 'when one is open' },
};

/** The answers of a figure that is one of two; undefined where it is a number. */
function answersOf({ field, comparison, limit }: Figures): Answers | undefined {
  return limit === (comparison === 'above' ? 0 : 1) ? yesAndNo[field] : undefined;
}

/** `412 MB`, `does not answer`; undefined where there is no figure. */
export function valueInWords(alert: Figures): string | undefined {
  const { value } = alert;
  if (value === undefined) return undefined;
  const answers = answersOf(alert);
  if (answers) return isBeyond(alert) ? answers.beyond : answers.within;
  const [words, limit] = [value, alert.limit].map((figure) => inWords(figure, unitOf(alert)));
  // Rounded alike, one would read that the limit is above itself.
  return words === limit && value !== alert.limit ? `just ${side(value, alert)} ${words}` : words;
}

function side(value: number, { limit }: Figures): string {
  return value > limit ? 'above' : 'below';
}

/** When it alerts: `above 500 MB`, `above 10 in 5 min`, `when it does not answer`. */
export function conditionInWords(alert: Figures): string {
  const answers = answersOf(alert);
  if (answers) return answers.when;
  const words = `${alert.comparison} ${limitInWords(alert)}`;
  if (alert.windowMs <= 0) return words;
  return `${words} ${unitOf(alert) === 'count' ? 'in' : 'over'} ${windowInWords(alert.windowMs)}`;
}

export function isBeyond({ value, limit, comparison }: Figures): boolean {
  return value !== undefined && (comparison === 'above' ? value > limit : value < limit);
}

/** `fires in 40 s`, of a pending one that stays beyond its limit; undefined of others. */
export function firesInWords(
  { state, since, holdMs }: Pick<AlertLine, 'state' | 'since' | 'holdMs'>,
  nowMs: number,
): string | undefined {
  return state === 'pending' ? `fires ${when(Date.parse(since) + holdMs - nowMs)}` : undefined;
}

/** `is resolved in 40 s`, of a firing one whose figure stays within its limit; undefined of others. */
export function resolvesInWords(
  { withinSince, keepMs }: Pick<AlertLine, 'withinSince' | 'keepMs'>,
  nowMs: number,
): string | undefined {
  return withinSince && `is resolved ${when(Date.parse(withinSince) + keepMs - nowMs)}`;
}

/** It is evaluated with each snapshot. */
function when(aheadMs: number): string {
  const seconds = Math.ceil(aheadMs / 1_000);
  return seconds > 0 ? `in ${duration(seconds * 1_000).replace('.0', '')}` : 'at the next look';
}

/** Parts of a bar's length, 0 to 1. */
export interface Bar {
  readonly value: number;
  readonly limit: number;
}

/**
 * A bar from zero, with room beyond the limit and the value. Undefined where a bar would say nothing: there is no
 * figure, or it is a yes or a no, or any at all is too many.
 */
export function barOf(alert: Figures): Bar | undefined {
  const { value, limit } = alert;
  if (value === undefined || limit <= 0 || answersOf(alert)) return undefined;
  const length = Math.max(limit * 1.3, value * 1.1);
  return { value: Math.max(0, value) / length, limit: limit / length };
}

export interface AlertGroups {
  readonly firing: readonly AlertLine[];
  readonly pending: readonly AlertLine[];
  readonly resolved: readonly AlertLine[];
  readonly inactive: readonly AlertLine[];
}

/** By state; in each the critical ones first, then those that came last. */
export function groupsOf(alerts: readonly AlertLine[]): AlertGroups {
  const rank = ({ severity }: AlertLine) => (severity === 'critical' ? 0 : 1);
  const of = (state: AlertLine['state']) => alerts.filter((alert) => alert.state === state);
  const urgent = (state: AlertLine['state']) =>
    of(state).toSorted((a, b) => rank(a) - rank(b) || Date.parse(b.since) - Date.parse(a.since));
  return {
    firing: urgent('firing'),
    pending: urgent('pending'),
    resolved: urgent('resolved'),
    inactive: of('inactive'),
  };
}

export interface Piece {
  readonly text: string;
  readonly isCode: boolean;
}

/** Prose in which backticks enclose code. */
export function piecesOf(prose: string): Piece[] {
  return prose
    .split('`')
    .map((text, i) => ({ text, isCode: i % 2 === 1 }))
    .filter(({ text }) => text !== '');
}
