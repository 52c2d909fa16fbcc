import type { IncomingMessage } from 'node:http';

/**
 * Browsers send the cookies of a host to all of its ports, so each port has a name of its own: two consoles on one
 * machine do not end each other's sessions. It is the port that the browser knows.
 */
function cookieName({ headers, socket }: IncomingMessage): string {
  const port = /:(\d{1,5})$/.exec(headers.host ?? '')?.[1] ?? socket.localPort;
  return `sightline-session-${port}`;
}

/** All that were sent under its name: one for a wider path or domain may stand beside ours (RFC 6265 §5.4). */
export function sentSessions(request: IncomingMessage): string[] {
  const start = `${cookieName(request)}=`;
  const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
  return cookies.filter((cookie) => cookie.startsWith(start)).map((cookie) => cookie.slice(start.length));
}

/** A `set-cookie` that scripts cannot read and other sites cannot use; with an age of 0 it takes the session away. */
export function sessionCookie(request: IncomingMessage, session: string, ageMs: number): string {
  const age = `Max-Age=${Math.floor(ageMs / 1_000)}`;
  const attributes = [
    age,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    ...(isEncrypted(request) ? ['Secure'] : []),
  ];
  return [`${cookieName(request)}=${session}`, ...attributes].join('; ');
}

/** By its own connection, or up to the proxy before us. */
function isEncrypted({ headers, socket }: IncomingMessage): boolean {
  const [forwarded = ''] = String(headers['x-forwarded-proto'] ?? '').split(',');
  return 'encrypted' in socket || forwarded.trim().toLowerCase() === 'https';
}
