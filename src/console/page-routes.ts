import { type Request, type Response, Router } from 'express';
import { describeError } from '../errors.ts';
import { ownPage, type Page } from './page.ts';
import { fileTypes } from './page-file.ts';

export interface PageOptions {
  readonly log: { error(facts: object, text: string): void };
  readonly page?: Page;
}

/** No inline script or style, no other address, no frame around it, no text that becomes markup. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': contentPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The page, and what it is made of. None of it tells anything of this service. */
export function pageRoutes({ log, page = ownPage }: PageOptions): Router {
  const router = Router({ strict: true, caseSensitive: true });
  const serve = async (name: string, request: Request, response: Response) => {
    response.set(headers);
    try {
      const file = (await page.files()).get(name);
      if (!file) return false;
      const zipped = request.acceptsEncodings('gzip') === false ? undefined : file.zipped;
      if (zipped) response.set('content-encoding', 'gzip');
      // A copy is asked after each time, which costs little, and is never older than the page.
      response.set({ 'cache-control': 'no-cache', etag: file.etag, 'content-type': file.type });
      response.vary('accept-encoding').send(zipped ?? file.bytes);
    } catch (thrown) {
      log.error(describeError(thrown), 'the page of the console cannot be served');
      response
        .status(500)
        .type('text')
        .send(thrown instanceof Error ? thrown.message : String(thrown));
    }
    return true;
  };
  router.get('/', async (request, response, next) => {
    response.vary('accept');
    if (request.accepts(['json', 'html']) !== 'html') next();
    else await serve('index.html', request, response);
  });
  for (const name of Object.keys(fileTypes).filter((one) => one !== 'index.html'))
    router.get(`/${name}`, async (request, response, next) => {
      if (!(await serve(name, request, response))) next();
    });
  return router;
}
