import type { Exchange } from './exchange.ts';

/** 4xx that tell of the upstream's own state, not of what was asked: it is slow, or busy. */
export const statusesOfState: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Whose mistake an error is, where nobody who runs this service or its upstream could mend it: a request that is not
 * valid, a key that is not, a model that does not exist. Undefined of anything else.
 */
export function faultOf({ outcome, attempt }: Pick<Exchange, 'outcome' | 'attempt'>): 'client' | undefined {
  if (outcome !== 'upstream_error') return undefined;
  // What the upstream said: middleware may have told the client something else.
  const status = attempt?.status ?? 0;
  return status >= 400 && status < 500 && !statusesOfState.has(status) ? 'client' : undefined;
}
