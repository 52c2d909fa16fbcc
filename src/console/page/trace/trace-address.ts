import type { ExchangeLine } from '../../../admin/api/exchanges.ts';
import { address } from '../route.ts';

/**
 * Where the trace of an exchange is shown; undefined where there is none. No span is chosen with it: the view takes the
 * exchange's own, and of a request its attempt, which has what one comes for.
 */
export function traceAddress({ traceId, spanId, id, isSampled }: ExchangeLine): string | undefined {
  // Clients may use an id twice, even in one trace.
  return traceId === undefined || !isSampled
    ? undefined
    : address('traces', { id: traceId, exchange: spanId ?? id });
}
