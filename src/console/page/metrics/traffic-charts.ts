import type { Outcome } from '../../../exchange/outcome.ts';
import type { Chart, WindowOf } from './charts.ts';
import { each, per, perOver, ratioOver, sumOver } from './figures.ts';
import { dashes, type PatternName } from './pattern.ts';
import { windowInWords } from './units.ts';

/* What clients ask for, and what they get. */

const minuteMs = 60_000;

export const rate: Chart = {
  id: 'rate',
  title: 'Exchanges',
  unit: 'per second',
  rightUnit: 'count',
  series: [
    { label: 'Ended', figure: per(1_000, ({ exchanges }) => exchanges), colour: '--series-1' },
    {
      label: 'In flight (right)',
      figure: each(({ inFlight }) => inFlight),
      colour: '--series-2',
      dash: dashes.dashed,
      axis: 'right',
    },
  ],
};

/** From the top of the stack. */
const outcomeRows: readonly (readonly [Outcome, PatternName])[] = [
  ['failed', 'cross'],
  ['timed_out', 'level'],
  ['upstream_unreachable', 'dots'],
  ['upstream_truncated', 'down'],
  ['upstream_error', 'up'],
  ['blocked', 'upright'],
  ['client_aborted', 'sparse'],
  ['completed', 'plain'],
];

export const outcomes: Chart = {
  id: 'outcomes',
  title: 'Outcomes',
  unit: 'per second',
  isStacked: true,
  series: outcomeRows.map(([outcome, pattern]) => ({
    label: outcome.replaceAll('_', ' '),
    figure: per(1_000, (snapshot) => snapshot.outcomes && (snapshot.outcomes[outcome] ?? 0)),
    colour: `--outcome-${outcome.replaceAll('_', '-')}`,
    pattern,
    isOptional: outcome !== 'completed',
  })),
};

export function errors(windowOf: WindowOf): Chart {
  const windowMs = windowOf('errors');
  const truncatedMs = windowOf('outcomes.upstream_truncated');
  return {
    id: 'errors',
    title: 'Errors, summed',
    unit: 'count',
    series: [
      {
        label: `Errors in ${windowInWords(windowMs)}`,
        figure: sumOver(windowMs, (snapshot) => snapshot.errors),
        colour: '--bad',
        field: 'errors',
        windowMs,
      },
      {
        label: `Truncated in ${windowInWords(truncatedMs)}`,
        figure: sumOver(
          truncatedMs,
          (snapshot) => snapshot.outcomes && (snapshot.outcomes.upstream_truncated ?? 0),
        ),
        colour: '--series-3',
        dash: dashes.dashed,
        field: 'outcomes.upstream_truncated',
        windowMs: truncatedMs,
      },
    ],
  };
}

export function errorRatio(windowOf: WindowOf): Chart {
  const windowMs = windowOf('errorRatio');
  return {
    id: 'error-ratio',
    title: 'Error ratio',
    unit: 'ratio',
    series: [
      {
        label: `Errors of all in ${windowInWords(windowMs)}`,
        figure: ratioOver(
          windowMs,
          (snapshot) => snapshot.errors,
          ({ exchanges }) => exchanges,
        ),
        colour: '--bad',
        field: 'errorRatio',
        windowMs,
      },
    ],
  };
}

export const duration: Chart = {
  id: 'duration',
  title: 'Duration',
  unit: 'ms',
  series: [
    {
      label: 'p99',
      figure: each(({ responseMs }) => responseMs?.p99),
      colour: '--series-4',
      dash: dashes.dotted,
      field: 'responseMs.p99',
    },
    {
      label: 'p95',
      figure: each(({ responseMs }) => responseMs?.p95),
      colour: '--series-3',
      dash: dashes.dashDot,
    },
    { label: 'p50', figure: each(({ responseMs }) => responseMs?.p50), colour: '--series-1' },
    {
      label: 'Average',
      figure: each(({ responseMs }) => responseMs?.average),
      colour: '--series-2',
      dash: dashes.dashed,
    },
  ],
};

export const firstToken: Chart = {
  id: 'first-token',
  title: 'Time to first token',
  unit: 'ms',
  series: [
    {
      label: 'p95',
      figure: each(({ firstTokenMs }) => firstTokenMs?.p95),
      colour: '--series-3',
      dash: dashes.dashDot,
      field: 'firstTokenMs.p95',
    },
    { label: 'p50', figure: each(({ firstTokenMs }) => firstTokenMs?.p50), colour: '--series-1' },
  ],
};

export function tokens(windowOf: WindowOf): Chart {
  const windowMs = windowOf('tokens.perMinute');
  return {
    id: 'tokens',
    title: 'Tokens',
    unit: 'per minute',
    series: [
      { label: 'In', figure: per(minuteMs, (snapshot) => snapshot.tokens?.input), colour: '--series-1' },
      {
        label: 'Out',
        figure: per(minuteMs, (snapshot) => snapshot.tokens?.output),
        colour: '--series-2',
        dash: dashes.dashed,
      },
      {
        label: `Both, over ${windowInWords(windowMs)}`,
        figure: perOver(
          minuteMs,
          windowMs,
          (snapshot) => snapshot.tokens && snapshot.tokens.input + snapshot.tokens.output,
        ),
        colour: '--series-5',
        dash: dashes.dotted,
        field: 'tokens.perMinute',
        windowMs,
      },
    ],
  };
}
