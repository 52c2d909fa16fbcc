import { Router } from 'express';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Probes } from '../upstreams/probe.ts';

export type Readiness = 'starting' | 'ready' | 'stopping';

export interface HealthSources {
  readonly telemetry: Pick<Telemetry, 'state'>;
  readonly probes: Pick<Probes, 'results'>;
  readonly readiness: () => Readiness;
}

/** For orchestrators, who have no token and name any host. */
export function healthRoutes({ telemetry, probes, readiness }: HealthSources): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const upstreams = await probes.results();
    const state = readiness();
    const isServed = upstreams.some((upstream) => upstream.state !== 'down');
    const status = state === 'ready' && !isServed ? 'no upstream answers' : state;
    response.status(status === 'ready' ? 200 : 503).json({ status, upstreams, telemetry: telemetry.state() });
  });
  return router;
}
