import { Router } from 'express';
import { bundlePage } from './page-files.ts';

const types: Readonly<Record<string, string>> = {
  'console.js': 'text/javascript; charset=utf-8',
  'console.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page, and what it is made of. */
export function pageRoutes(): Router {
  const router = Router();
  router.get('/', async (request, response, next) => {
    if (request.accepts(['json', 'html']) !== 'html') return next();
    const page = (await bundlePage()).get('index.html');
    response.set('content-security-policy', policy).type('html').send(page);
  });
  for (const [name, type] of Object.entries(types))
    router.get(`/${name}`, async (_request, response) => {
      response.type(type).send((await bundlePage()).get(name));
    });
  return router;
}
