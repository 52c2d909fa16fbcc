import type { Exchange } from '../../exchange/exchange.ts';
import type { Limits } from '../../limits.ts';
import { type ExchangeRow, WritableRow, writeRow } from './exchange-row.ts';
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
  /**
   * Number `n` is at `(n - 1) % #max`, in the row of the one before it there: rows that live for minutes grow old, and
   * new ones for each exchange would cost several times as much to collect as to write.
   */
  readonly #rows: WritableRow[] = [];
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
    const place = (this.#newest - 1) % this.#max;
    this.#rows[place] ??= new WritableRow();
    writeRow(this.#rows[place], exchange, this.#newest, this.#texts, 0);
  }

  /** One that runs, as it is now. */
  running(exchange: Exchange, now = performance.now()): ExchangeRow {
    const row = new WritableRow();
    writeRow(row, exchange, 0, this.#texts, now);
    return row;
  }

  /** Newest first. `isMore`: others match as well. */
  find({ before, after = 0, countMax, matches }: RowsAsked): { rows: ExchangeRow[]; isMore: boolean } {
    const rows: ExchangeRow[] = [];
    const last = Math.max(this.oldest, after + 1, 1);
    for (let seq = Math.min(this.#newest, (before ?? Number.POSITIVE_INFINITY) - 1); seq >= last; seq -= 1) {
      const row = this.#rows[(seq - 1) % this.#max];
      if (!row || !matches(row)) continue;
      if (rows.length === countMax) return { rows, isMore: true };
      rows.push({ ...row });
    }
    return { rows, isMore: false };
  }

  /** All of them, in no order, until the next exchange ends: then one of them tells of that. */
  get rows(): readonly ExchangeRow[] {
    return this.#rows;
  }
}
