import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { SightlineError } from '../errors.ts';

/** As `Host` has them. */
const loopbackName = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * On loopback there is no token, so a page of any origin that resolves its own name to 127.0.0.1 could read
 * the admin plane (DNS rebinding). Its requests carry its name in `Host`.
 */
export function requireKnownHost(boundHost: string): RequestHandler {
  const isLoopback = loopbackName.test(boundHost.toLowerCase()) || boundHost === '::1';
  return (request, _response, next) => {
    const name = request.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? '';
    if (isLoopback && !loopbackName.test(name)) throw new SightlineError('host_not_allowed');
    next();
  };
}

/** `Authorization: Bearer <token>`, compared in constant time. */
export function requireToken(token: string | undefined): RequestHandler {
  const expected = token === undefined ? undefined : digest(token);
  return (request, response, next) => {
    if (expected) {
      const sent = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
      if (!timingSafeEqual(digest(sent), expected)) {
        response.set('www-authenticate', 'Bearer');
        throw new SightlineError('unauthorized');
      }
    }
    next();
  };
}

/**
 * A page of any origin can make a browser send a POST to loopback, without being able to read the reply. Its
 * browser says so (https://www.w3.org/TR/fetch-metadata/, RFC 6454 §7); other clients send neither field.
 */
export const refuseOtherOrigins: RequestHandler = (request, _response, next) => {
  const { origin, host, 'sec-fetch-site': site = 'none' } = request.headers;
  const isChange = request.method !== 'GET' && request.method !== 'HEAD';
  const isOwn = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
  if (isChange && !(isOwn && (site === 'none' || site === 'same-origin')))
    throw new SightlineError('cross_site');
  next();
};

/** Of equal length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
