import { Router } from 'express';
import type { Plugins } from '../plugins/plugins.ts';
import { describePlugins } from './describe-plugins.ts';

/** What is loaded, and what operators can do about it. Each change answers with how it is now. */
export function pluginRoutes(plugins: Plugins): Router {
  const router = Router();
  router.get('/api/plugins', (_request, response) => {
    response.json(describePlugins(plugins));
  });
  router.post('/api/plugins/reload', async (_request, response) => {
    await plugins.scan();
    response.json(describePlugins(plugins));
  });
  router.post('/api/plugins/:name/reload', async (request, response) => {
    await plugins.reload(request.params.name);
    response.json(describePlugins(plugins));
  });
  router.post('/api/plugins/:name/unload', async (request, response) => {
    await plugins.unload(request.params.name);
    response.json(describePlugins(plugins));
  });
  return router;
}
