import type { IncomingMessage } from 'node:http';
import { SightlineError } from '../errors.ts';

/**
 * A WebSocket knows no same-origin rule: a page of any origin may open one, and read what comes, with the keys that
 * the configuration sets for an upstream (RFC 6455 §10.2). So a browser, which says whose page asks, is refused
 * where the page is neither of this address nor of one that the configuration names. Other clients say nothing.
 *
 * @param allowed Origins as browsers write them, `https://app.example.com`; `*`: all of them.
 */
export function checkOrigin({ headers }: IncomingMessage, allowed: readonly string[]): void {
  const { origin, host } = headers;
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
  if (allowed.includes('*') || allowed.includes(origin)) return;
  throw new SightlineError('origin_not_allowed', {
    message: `Pages of '${origin.slice(0, 200)}' may not open WebSockets here; name it in data.origins.`,
  });
}
