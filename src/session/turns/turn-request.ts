import type { RequestHead } from '../../exchange/exchange.ts';
import { withoutHeaders } from '../../wire/headers.ts';
import type { JsonObject } from '../../wire/json.ts';

const traceFields = new Set(['traceparent', 'tracestate']);

/** W3C Trace Context allows 55 characters today and longer ones later; of the state, 512 have to be passed on. */
const traceparentCharsMax = 256;
const tracestateCharsMax = 1_024;

/**
 * The upgrade's head as the head of a turn without trace context: the upgrade's told the session's parent, and the
 * session is the turn's.
 */
export function untracedRequest(upgrade: RequestHead): RequestHead {
  return { ...upgrade, headers: withoutHeaders(upgrade.headers, traceFields) };
}

/** The same, with the trace context that the message which asks for the turn has in fields of its own. */
export function tracedRequest(untraced: RequestHead, { traceparent, tracestate }: JsonObject): RequestHead {
  if (typeof traceparent !== 'string' || traceparent.length > traceparentCharsMax) return untraced;
  const headers = [...untraced.headers, 'traceparent', traceparent];
  if (typeof tracestate === 'string' && tracestate.length <= tracestateCharsMax)
    headers.push('tracestate', tracestate);
  return { ...untraced, headers };
}
