import {
  type Context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import type { Exchange } from '../../exchange/exchange.ts';
import { headerValue, type RawHeaders } from '../../wire/headers.ts';

/** What a client's trace context is to us: our parent, a link, or nothing. */
export type ClientTrace = 'parent' | 'link' | 'ignore';

/** Where a span stands. */
interface TracePlace {
  readonly parent: Context;
  readonly links: Link[];
}

/**
 * The place of an exchange's span. What belongs to a session stands below it, or below the client's span where
 * the client named one for it, with a link to the session then.
 */
export function tracePlace(
  exchange: Exchange,
  clientTrace: ClientTrace,
  session: SpanContext | undefined,
): TracePlace {
  const sent = clientTrace === 'ignore' ? ROOT_CONTEXT : clientContext(exchange);
  const sentSpan = trace.getSpanContext(sent);
  if (clientTrace === 'parent' && (sentSpan || !session))
    return { parent: sent, links: session ? [{ context: session }] : [] };
  return {
    parent: session ? trace.setSpanContext(ROOT_CONTEXT, session) : ROOT_CONTEXT,
    links: sentSpan ? [{ context: sentSpan }] : [],
  };
}

function clientContext(exchange: Exchange): Context {
  return propagation.extract(ROOT_CONTEXT, exchange.request.headers, {
    get: (headers, name) => headerValues(headers, name.toLowerCase()),
    keys: (headers) => headers.filter((_, i) => i % 2 === 0),
  });
}

/** `tracestate` and `baggage` may come in several fields, which are one list (RFC 9110 §5.3). */
function headerValues(headers: RawHeaders, name: string): string | string[] | undefined {
  const first = headerValue(headers, name);
  if (first === undefined) return undefined;
  const all = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name);
  return all.length === 1 ? first : all;
}
