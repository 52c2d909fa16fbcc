import { errorOutcomes } from '../../../src/exchange/outcome.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import { labelName } from '../../../src/telemetry/prometheus-names.ts';
import { addressOf } from './dashboard.ts';
import type { DataLink } from './panels.ts';
import {
  absent,
  type Histogram,
  is,
  type Narrowing,
  narrowing,
  oneOf,
  quantile,
  type Scope,
} from './promql.ts';
import { type Query, query } from './queries.ts';
import { consoleUrl } from './variables.ts';

/* What several dashboards say in the same way. */

/** Of attempts: those that failed, whoever's mistake it was. */
export const failures = { [attribute.outcome]: oneOf(errorOutcomes) };
/** Of exchanges: those that failed by no mistake of their client's, as the alerts count them. */
export const errors = { ...failures, [attribute.fault]: absent };

const { genAiTokenType: type } = attribute;
/** Parts of `gen_ai.client.token.usage`, and, from the third on, parts of these, of `sightline.token.details`. */
export const tokenTypes = {
  input: { [type]: is('input') },
  output: { [type]: is('output') },
  cached: { [type]: is('cache_read') },
  cacheWritten: { [type]: is('cache_creation') },
  reasoning: { [type]: is('reasoning') },
};

export function perMinute(perSecond: string): string {
  return `${perSecond} * 60`;
}

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

/** The usual three percentiles, `p50` and so on. */
export function percentiles(row: Histogram, scope: Scope = {}): Query[] {
  return [0.5, 0.95, 0.99].map((q) => query(quantile(q, row, scope), `p${q * 100}`));
}

export const percentileColors = { p50: 'green', p95: 'yellow', p99: 'orange' };

/** From a series of one upstream, model or tenant to the other dashboards of just that, and to its exchanges. */
export function linksOf(variable: Narrowing): DataLink[] {
  return linksTo(variable, labelValue(narrowing[variable]));
}

/** The same from a cell of a table. */
export function linksOfCell(variable: Narrowing): DataLink[] {
  return linksTo(variable, `\${__value.text:percentencode}`);
}

/** From a series of one outcome to the exchanges that ended so. */
export const linksOfOutcome: readonly DataLink[] = [
  exchangesOf('outcome', labelValue(attribute.outcome), 'that ended so'),
];

function linksTo(variable: Narrowing, value: string): DataLink[] {
  return [
    ...(['traffic', 'latency', 'tokens'] as const).map((id) => ({
      title: `${id.charAt(0).toUpperCase()}${id.slice(1)} of this ${variable}`,
      url: addressOf(id, { [variable]: value }),
    })),
    exchangesOf(variable, value, `of this ${variable}`),
  ];
}

/** The console's view of single exchanges takes what it shows from its address. */
function exchangesOf(filter: Narrowing | 'outcome', value: string, which: string): DataLink {
  const query = `${filter}=${value}&from=\${__from}&to=\${__to}`;
  return { title: `Exchanges ${which}, in the console`, url: `${consoleUrl}/#/live?${query}` };
}

/** Of the series, encoded: models may be called anything. */
function labelValue(key: string): string {
  return `\${__field.labels.${labelName(key)}:percentencode}`;
}
