import type { Exchange } from '../../exchange/exchange.ts';
import type { Limits } from '../../limits.ts';
import { type ExchangeRow, exchangeRow } from './exchange-row.ts';
import { SharedTexts } from './shared-texts.ts';

export interface RowsAsked {
  /** Only those that ended before this number, or after that one. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly countMax: number;
  readonly matches: (row: ExchangeRow) => boolean;
}

/**
 * The exchanges that ended last: requests, sessions and turns, whether their traces are sampled or not. A ring, in
 * which each new one takes the place of the oldest. They are numbered in the order in which they ended, from 1, so
 * that whoever comes back knows what it has missed.
 */
export class RecentExchanges {
  readonly #max: number;
  readonly #texts: SharedTexts;
  /** Number `n` is at `(n - 1) % #max`. */
  readonly #rows: ExchangeRow[] = [];
  #newest = 0;

  constructor(limits: Pick<Limits, 'recentExchangesMax' | 'recentTextCharsMax'>) {
    this.#max = limits.recentExchangesMax;
    this.#texts = new SharedTexts(limits.recentTextCharsMax);
  }

  /** Number of the exchange that ended last; 0 before the first. */
  get newest(): number {
    return this.#newest;
  }

  /** Number of the oldest that is still here; 0 where none is. */
  get oldest(): number {
    return Math.min(this.#newest, Math.max(1, this.#newest - this.#max + 1));
  }

  /** Called once for each exchange, when it has its outcome. */
  add(exchange: Exchange): void {
    this.#newest += 1;
    this.#rows[(this.#newest - 1) % this.#max] = exchangeRow(exchange, this.#newest, this.#texts, 0);
  }

  /** One that runs, as it is now. */
  running(exchange: Exchange, now = performance.now()): ExchangeRow {
    return exchangeRow(exchange, 0, this.#texts, now);
  }

  /** Newest first. `isMore`: others match as well. */
  find({ before, after = 0, countMax, matches }: RowsAsked): { rows: ExchangeRow[]; isMore: boolean } {
    const rows: ExchangeRow[] = [];
    const last = Math.max(this.oldest, after + 1, 1);
    for (let seq = Math.min(this.#newest, (before ?? Number.POSITIVE_INFINITY) - 1); seq >= last; seq -= 1) {
      const row = this.#rows[(seq - 1) % this.#max];
      if (!row || !matches(row)) continue;
      if (rows.length === countMax) return { rows, isMore: true };
      rows.push(row);
    }
    return { rows, isMore: false };
  }

  /** All of them, in no order. */
  get rows(): readonly ExchangeRow[] {
    return this.#rows;
  }
}
