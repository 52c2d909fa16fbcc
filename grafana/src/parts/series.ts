import { errorOutcomes } from '../../../src/exchange/outcome.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import { labelName } from '../../../src/telemetry/prometheus-names.ts';
import { addressOf } from './dashboard.ts';
import type { DataLink } from './panels.ts';
import { absent, type Histogram, type Narrowing, narrowing, oneOf, quantile, type Scope } from './promql.ts';
import { type Query, query } from './queries.ts';

/* What several dashboards say in the same way. */

/** Of attempts: those that failed, whoever's mistake it was. */
export const failures = { [attribute.outcome]: oneOf(errorOutcomes) };
/** Of exchanges: those that failed by no mistake of their client's, as the alerts count them. */
export const errors = { ...failures, [attribute.fault]: absent };

/** One colour for each way to end, wherever outcomes are drawn. */
export const outcomeColors = {
  completed: 'green',
  client_aborted: 'blue',
  blocked: 'purple',
  upstream_error: 'red',
  upstream_truncated: 'orange',
  upstream_unreachable: 'dark-red',
  timed_out: 'yellow',
  failed: 'semi-dark-red',
};

/** The usual three percentiles. */
export function percentiles(row: Histogram, scope: Scope = {}): Query[] {
  return [0.5, 0.95, 0.99].map((q) => query(quantile(q, row, scope), `p${q * 100}`));
}

/** From a series of one upstream, model or tenant to the latency and the tokens of just that. */
export function linksOf(variable: Narrowing): DataLink[] {
  return linksTo(variable, `\${__field.labels.${labelName(narrowing[variable])}}`);
}

/** The same from a cell of a table. */
export function linksOfCell(variable: Narrowing): DataLink[] {
  return linksTo(variable, `\${__value.text}`);
}

function linksTo(variable: Narrowing, value: string): DataLink[] {
  return [
    { title: `Latency of this ${variable}`, url: addressOf('latency', { [variable]: value }) },
    { title: `Tokens of this ${variable}`, url: addressOf('tokens', { [variable]: value }) },
  ];
}
