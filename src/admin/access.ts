import type { IncomingMessage } from 'node:http';
import type { RequestHandler, Response } from 'express';
import { SightlineError } from '../errors.ts';
import type { Credentials } from './credentials.ts';
import { sentSessions } from './session-cookie.ts';

/** As `Host` has them. */
const loopbackName = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Of `sec-fetch-site`: our own page, or nobody's. */
const ownSites: ReadonlySet<string> = new Set(['same-origin', 'none']);

/**
 * Requests that were let in for their cookie, which their browser sends whether they mean it or not: when that session
 * ends.
 */
const sessionEnds = new WeakMap<IncomingMessage, number>();

/** It was let in by a session, not by the token itself, nor because none is asked for. */
export function isFromSession(request: IncomingMessage): boolean {
  return sessionEnds.has(request);
}

/** Until when what was let in may go on, ms since the epoch. */
export function accessEnd(request: IncomingMessage): number {
  return sessionEnds.get(request) ?? Number.POSITIVE_INFINITY;
}

/**
 * On loopback there is no token, so a page of any origin that resolves its own name to 127.0.0.1 could read
 * the admin plane (DNS rebinding). Its requests carry its name in `Host`. Elsewhere such a page has no session:
 * browsers keep cookies by name, and ours are for no other host.
 */
export function requireKnownHost(boundHost: string): RequestHandler {
  const isLoopback = loopbackName.test(boundHost.toLowerCase()) || boundHost === '::1';
  return (request, _response, next) => {
    const name = request.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? '';
    if (isLoopback && !loopbackName.test(name)) throw new SightlineError('host_not_allowed');
    next();
  };
}

/** `Authorization: Bearer <token>`, or the cookie of a session; nothing where there are no credentials. */
export function requireAccess(credentials: Credentials | undefined): RequestHandler {
  return (request, response, next) => {
    if (!credentials) return next();
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined && credentials.isToken(bearer)) return next();
    const ends = sentSessions(request).flatMap((session) => credentials.endOfSession(session) ?? []);
    if (ends.length === 0) throw refusal(credentials, bearer, response);
    sessionEnds.set(request, Math.max(...ends));
    next();
  };
}

function refusal(credentials: Credentials, bearer: string | undefined, response: Response): SightlineError {
  if (bearer !== undefined) {
    credentials.wrongBearers.refuseMore(response);
    credentials.wrongBearers.note();
  }
  response.set('www-authenticate', 'Bearer');
  return new SightlineError('unauthorized');
}

/**
 * A page of any origin can make a browser send a POST to loopback, without being able to read the reply. Its
 * browser says so: where it knows `sec-fetch-site`, no proxy's change of `Host` can mislead it
 * (https://www.w3.org/TR/fetch-metadata/, RFC 6454 §7). Other clients send neither field. A session is a browser's
 * alone, and `SameSite` lets pages of other ports use it: there the browser has to say that the page is ours.
 */
export const refuseOtherOrigins: RequestHandler = (request, _response, next) => {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead ? isReadElsewhere(request) : !mayChange(request)) throw new SightlineError('cross_site');
  next();
};

/**
 * It may not read the answer either, and still it learns how long that took, which tells whether something was found
 * (https://xsleaks.dev/docs/attacks/xs-search/). Whoever follows a link to an address is welcome.
 */
function isReadElsewhere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && !ownSites.has(String(site)) && headers['sec-fetch-mode'] !== 'navigate';
}

function mayChange(request: IncomingMessage): boolean {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  const isOwnOrigin = origin === `http://${host}` || origin === `https://${host}`;
  const isForeign = site === undefined ? origin !== undefined && !isOwnOrigin : !ownSites.has(String(site));
  const isProven = site === 'same-origin' || isOwnOrigin;
  return !isForeign && (isProven || !isFromSession(request));
}
