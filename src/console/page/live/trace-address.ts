import type { ExchangeLine } from '../../../admin/api.ts';
import { address } from '../route.ts';

/** Where the trace of an exchange is shown; undefined where there is none. */
export function traceAddress({ traceId, spanId, id, isSampled }: ExchangeLine): string | undefined {
  return traceId === undefined || !isSampled
    ? undefined
    : address('traces', { id: traceId, exchange: id, span: spanId });
}
