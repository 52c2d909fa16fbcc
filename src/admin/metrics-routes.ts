import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Router } from 'express';
import { formatFor } from '../telemetry/page/negotiation.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** A page becomes a twentieth of its size also with the least work. */
const fast = { level: 1 };

/** The page that Prometheus scrapes. */
export function metricsRoutes({ page }: Pick<Telemetry, 'page'>): Router {
  const router = Router();
  router.get('/metrics', async (request, response) => {
    const format = formatFor(request);
    const pieces = await page.pieces(format);
    response.vary('accept, accept-encoding').set('content-type', format.contentType);
    const isZipped = request.acceptsEncodings('gzip') !== false;
    if (isZipped) response.set('content-encoding', 'gzip');
    // Whoever asked may have gone, and what has begun cannot become an error.
    const sent = isZipped ? pipeline(pieces, createGzip(fast), response) : pipeline(pieces, response);
    await sent.catch(() => undefined);
  });
  return router;
}
