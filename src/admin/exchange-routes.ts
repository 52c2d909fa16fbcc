import { Router } from 'express';
import type { Exchange } from '../exchange/exchange.ts';
import { type Outcome, outcomes } from '../exchange/outcome.ts';
import type { InFlight } from '../flow/in-flight.ts';
import type { Limits } from '../limits.ts';
import { matcherOf } from '../telemetry/recent/exchange-filter.ts';
import type { ExchangeRow } from '../telemetry/recent/exchange-row.ts';
import { filterValues } from '../telemetry/recent/filter-values.ts';
import type { RecentExchanges } from '../telemetry/recent/recent-exchanges.ts';
import type { ExchangesWindow, ExchangeValues } from './api/exchanges.ts';
import { describeExchange } from './describe-exchange.ts';
import { count, moment, oneOf, ordinal, parameters, several, text } from './parameters.ts';

export interface ExchangeRoutesOptions {
  readonly recent: RecentExchanges;
  readonly inFlight: Pick<InFlight, 'size' | 'exchanges'>;
  readonly limits: Pick<Limits, 'exchangesPerAnswerMax'>;
}

const outcomeNames = Object.keys(outcomes) as [Outcome, ...Outcome[]];

/** See `ExchangesWindow`. */
const windowAsked = {
  state: oneOf(['in_flight', 'ended']).optional(),
  limit: count.default(100),
  before: ordinal.optional(),
  after: ordinal.optional(),
  from: moment.optional(),
  to: moment.optional(),
  minDurationMs: count.optional(),
  id: text.optional(),
  text: text.optional(),
  outcome: several(oneOf(outcomeNames)).optional(),
  model: several(text).optional(),
  upstream: several(text).optional(),
  tenant: several(text).optional(),
};

/** The exchanges in flight, and those that ended last. */
export function exchangeRoutes(options: ExchangeRoutesOptions): Router {
  const router = Router();
  router.get('/api/exchanges', ({ query }, response) => {
    response.json(exchangesWindow(options, query));
  });
  router.get('/api/exchanges/values', ({ query }, response) => {
    parameters({}, query);
    response.json(exchangeValues(options));
  });
  return router;
}

function exchangesWindow(options: ExchangeRoutesOptions, query: unknown): ExchangesWindow {
  const { recent, inFlight, limits } = options;
  const { state, limit, before, after, ...filter } = parameters(windowAsked, query);
  const countMax = Math.min(limit, limits.exchangesPerAnswerMax);
  const matches = matcherOf(filter);
  // What runs will end after all that have ended, so it is not before any of them.
  const isRunningAsked = state !== 'ended' && before === undefined;
  const running = isRunningAsked ? runningRows(options, matches, countMax + 1) : [];
  const left = Math.max(0, countMax - running.length);
  const ended =
    state === 'in_flight'
      ? { rows: [], isMore: false }
      : recent.find({ before, after, matches, countMax: left });
  return {
    inFlight: inFlight.size,
    newest: recent.newest,
    oldest: recent.oldest,
    exchanges: [...running.slice(0, countMax), ...ended.rows].map(describeExchange),
    isMore: running.length > countMax || ended.isMore,
  };
}

/** The last begun first. There may be thousands, so a row is made only of what has a chance to be shown. */
function runningRows(
  { inFlight, recent }: ExchangeRoutesOptions,
  matches: (row: ExchangeRow) => boolean,
  countMax: number,
): ExchangeRow[] {
  const now = performance.now();
  const rows: ExchangeRow[] = [];
  for (const exchange of newestFirst(inFlight.exchanges())) {
    const row = recent.running(exchange, now);
    if (matches(row)) rows.push(row);
    if (rows.length === countMax) break;
  }
  return rows;
}

function newestFirst(exchanges: Exchange[]): Exchange[] {
  return exchanges.sort((a, b) => b.clock.startedAt - a.clock.startedAt);
}

function exchangeValues({ recent, inFlight, limits }: ExchangeRoutesOptions): ExchangeValues {
  const running = inFlight.exchanges().map((exchange) => recent.running(exchange));
  return filterValues([...recent.rows, ...running], limits.exchangesPerAnswerMax);
}
