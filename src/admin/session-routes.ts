import { Router } from 'express';
import { z } from 'zod';
import { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { refuseOtherOrigins } from './access.ts';
import type { Credentials } from './credentials.ts';
import { readJson } from './read-json.ts';
import { sessionCookie } from './session-cookie.ts';

const login = z.strictObject({ token: z.string().trim().min(1) });

/** The console's login: the token for a cookie. Needs no access, since it gives it. */
export function sessionRoutes(
  credentials: Credentials | undefined,
  { requestHeadersBytesMax }: Pick<Limits, 'requestHeadersBytesMax'>,
): Router {
  const router = Router();
  router.use('/api/session', refuseOtherOrigins);
  router.post('/api/session', async (request, response) => {
    if (!credentials)
      throw new SightlineError('resource_unknown', {
        message: 'No token is configured, and none is needed.',
      });
    // A longer token would fit no header, and there it must fit too.
    const { token } = await readJson(request, requestHeadersBytesMax, login);
    credentials.wrongLogins.refuseMore(response);
    if (!credentials.isToken(token)) {
      credentials.wrongLogins.note();
      response.set('www-authenticate', 'Bearer');
      throw new SightlineError('unauthorized', { message: 'This is not the token.' });
    }
    response.set('set-cookie', sessionCookie(request, credentials.openSession(), credentials.sessionMs));
    response.status(204).end();
  });
  router.delete('/api/session', (request, response) => {
    response
      .set('set-cookie', sessionCookie(request, '', 0))
      .status(204)
      .end();
  });
  return router;
}
