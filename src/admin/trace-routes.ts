import { Router } from 'express';
import { SightlineError } from '../errors.ts';
import type { TraceStore } from '../telemetry/spans/trace-store.ts';
import { describeTrace, type TraceSources } from './describe-trace.ts';
import { count, parameter } from './parameters.ts';

export interface TraceRoutesOptions extends TraceSources {
  readonly telemetry: TraceSources['telemetry'] & { readonly traces: Pick<TraceStore, 'list'> };
}

/** The newest traces, and each of those whose spans or exchanges are still known. */
export function traceRoutes(options: TraceRoutesOptions): Router {
  const { traces } = options.telemetry;
  // Of an id that is a dot, what resolves addresses leaves only the slash: that is no list of all traces.
  const router = Router({ strict: true });
  router.get('/api/traces', ({ query }, response) => {
    const limit = parameter(count.optional(), 'limit', query.limit);
    response.json({ traces: traces.list(limit ?? Number.POSITIVE_INFINITY) });
  });
  router.get('/api/traces/:id', ({ params }, response) => {
    const found = describeTrace(options, params.id);
    if (!found)
      throw new SightlineError('resource_unknown', { message: 'No trace with this id is kept here.' });
    response.json(found);
  });
  return router;
}
