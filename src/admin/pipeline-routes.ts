import { Router } from 'express';
import type { Limits } from '../limits.ts';
import type { Plugins } from '../plugins/plugins.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { CallbackCosts } from './callback-costs.ts';
import { describePipeline } from './describe-pipeline.ts';

interface PipelineOptions {
  readonly plugins: Plugins;
  readonly telemetry: Pick<Telemetry, 'page' | 'labels' | 'recent'>;
  readonly limits: Pick<Limits, 'observeTimeoutMs'>;
}

export function pipelineRoutes({ plugins, telemetry, limits }: PipelineOptions): Router {
  const router = Router();
  router.get('/api/pipeline', async (_request, response) => {
    // An instrument of a plugin that gives no answer is not waited for.
    const points = await telemetry.page.collect({ timeoutMillis: limits.observeTimeoutMs });
    const costs = new CallbackCosts(points.resourceMetrics, telemetry.labels);
    response.json(describePipeline(plugins.manager.generation, costs, telemetry.recent.newest));
  });
  return router;
}
