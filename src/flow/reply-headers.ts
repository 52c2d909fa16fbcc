import type { Exchange } from '../exchange/exchange.ts';
import { endToEndHeaders, headerValue, type RawHeaders } from '../wire/headers.ts';

const none: ReadonlySet<string> = new Set();
const traceOnly: ReadonlySet<string> = new Set(['traceresponse']);
const traceAndId: ReadonlySet<string> = new Set(['traceresponse', 'x-request-id']);

/**
 * The reply's headers for the client: the upstream's end-to-end headers as they came, the exchange's trace
 * (`traceresponse`, W3C Trace Context level 2) and its id.
 *
 * `x-request-id` is the client's own where it sent one; the upstream's, which its SDKs show, then moves to
 * `x-upstream-request-id`. Where the client sent none, the upstream's stands as it came.
 */
export function replyHeaders(exchange: Exchange, headers: RawHeaders): string[] {
  const { trace } = exchange;
  const theirs = headerValue(headers, 'x-request-id');
  const isReplaced = exchange.clientSentId && theirs !== undefined && theirs !== exchange.id;
  const out = endToEndHeaders(headers, isReplaced ? traceAndId : trace ? traceOnly : none);
  if (isReplaced) out.push('x-upstream-request-id', theirs);
  if (isReplaced || theirs === undefined) out.push('x-request-id', exchange.id);
  if (trace)
    out.push('traceresponse', `00-${trace.traceId}-${trace.spanId}-${trace.flags === 1 ? '01' : '00'}`);
  return out;
}
