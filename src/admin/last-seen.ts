import type { Request } from 'express';
import { moment, parameter } from './parameters.ts';

/**
 * What the reader of a stream had last, ms since the epoch: `Last-Event-ID` where it comes back, whatever its address
 * says, else `?since=`. Undefined where it names neither. Throws `malformed_request`.
 */
export function lastSeen(request: Request): number | undefined {
  const id = request.get('last-event-id');
  return id
    ? parameter(moment, 'Last-Event-ID', id)
    : parameter(moment.optional(), 'since', request.query.since);
}
