import type { ExchangeRow } from '../telemetry/recent/exchange-row.ts';
import type { ExchangeLine } from './api/exchanges.ts';
import { asJson } from './as-json.ts';

/** An exchange in flight, or one that has ended, as `/api/exchanges` shows it. */
export function describeExchange({ seq, startedAtMs, ...row }: ExchangeRow): ExchangeLine {
  return asJson({
    seq: seq === 0 ? undefined : seq,
    ...row,
    startedAt: new Date(startedAtMs).toISOString(),
  });
}
