import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';

/**
 * A server is at fault for 5xx and for replies that it did not finish; a client for 4xx and for leaving. Nobody is
 * while it runs.
 */
export function isServerError(exchange: Exchange): boolean {
  const { outcome } = exchange;
  if (
    outcome === undefined ||
    outcome === 'completed' ||
    outcome === 'client_aborted' ||
    outcome === 'blocked'
  )
    return false;
  return outcome !== 'upstream_error' || isServersFault(lastWord(exchange));
}

export function isClientError({ outcome }: Attempt): boolean {
  return outcome !== undefined && outcome !== 'completed' && outcome !== 'client_aborted';
}

export function serverErrorType({ error, status }: Exchange): string {
  return errorType(error?.code, status);
}

export function attemptErrorType({ reply, error, status }: Attempt): string {
  return reply.error ?? errorType(error?.code, status);
}

/** Why it did not end as it should; of a client that left, only where there is more to tell than that. */
export function exchangeErrorType(exchange: Exchange): string | undefined {
  const { outcome, error, attempt } = exchange;
  if (outcome === 'completed') return undefined;
  if (outcome === 'client_aborted') return error?.code === 'client_aborted' ? undefined : error?.code;
  return attempt && isClientError(attempt) ? attemptErrorType(attempt) : serverErrorType(exchange);
}

/** `error.type`: our code, else the status, else the convention's fallback. */
function errorType(code: string | undefined, status: number | undefined): string {
  return code ?? (status !== undefined && status >= 400 ? String(status) : '_OTHER');
}

/** The status; of a session that was open, whose status is 101 for ever, the upstream's close code. */
function lastWord({ place, status }: Exchange): number | undefined {
  if (place.kind !== 'session' || status !== 101) return status;
  const { close } = place.facts;
  return close?.by === 'upstream' ? close.code : undefined;
}

/**
 * 5xx, and the close codes that say the same of an upstream: 1011 to 1014.
 * https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number
 */
function isServersFault(code = 500): boolean {
  return code < 1000 ? code >= 500 : code >= 1011 && code <= 1014;
}
