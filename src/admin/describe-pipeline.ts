import type { HookSystem, HookWatcher } from '../hooks/hook-system.ts';
import { type HookPoint, hookPoints } from '../hooks/points.ts';
import type { StackEntry } from '../middleware/stack.ts';
import type { Generation } from '../plugins/lifecycle/generation.ts';
import type { HookCallbackView, HookPointView, MiddlewareView, PipelineView } from './api/pipeline.ts';
import type { CallbackCosts } from './callback-costs.ts';

/** In the order in which an exchange comes to them. */
const phases = [
  ['beforeQuery', 'before_query'],
  ['onChunk', 'on_chunk'],
  ['afterResponse', 'after_response'],
  ['onError', 'on_error'],
] as const;

/** What an exchange runs through that begins now, as `/api/pipeline` shows it. */
export function describePipeline(
  { number, instances, services }: Pick<Generation, 'number' | 'instances' | 'services'>,
  costs: CallbackCosts,
  exchanges: number,
): PipelineView {
  const brought = instances.flatMap((plugin) => plugin.middleware);
  const priorities = new Map(brought.map(({ entry, priority }) => [entry, priority]));
  return {
    generation: number,
    exchanges,
    middleware: services.stack.list.map((entry) => describeEntry(entry, priorities.get(entry), costs)),
    hooks: describeHooks(services.hooks, costs),
  };
}

function describeEntry(
  { name, middleware, owner, breaker }: StackEntry,
  priority: number | undefined,
  costs: CallbackCosts,
): MiddlewareView {
  return {
    name,
    ...(owner && { plugin: owner.name }),
    ...(priority !== undefined && { priority }),
    onFailure: middleware.onFailure ?? 'fail',
    ...(breaker && { breaker: breaker.state }),
    phases: phases
      .filter(([callback]) => middleware[callback])
      .map(([, phase]) => {
        const cost = costs.ofMiddleware(name, owner !== undefined, phase);
        return { phase, ...(cost && { cost }) };
      }),
  };
}

function describeHooks(hooks: HookSystem, costs: CallbackCosts): HookPointView[] {
  return (Object.keys(hookPoints) as HookPoint[])
    .map((point) => ({
      point,
      callbacks: hooks.watchers(point).map((watcher) => describeWatcher(point, watcher, costs)),
    }))
    .filter(({ callbacks }) => callbacks.length > 0);
}

function describeWatcher(
  point: HookPoint,
  { owner, plugin, priority, breaker }: HookWatcher,
  costs: CallbackCosts,
): HookCallbackView {
  const cost = plugin && costs.ofHooks(plugin.name, point);
  return {
    owner,
    ...(plugin && { plugin: plugin.name }),
    priority,
    ...(breaker && { breaker: breaker.state }),
    ...(cost && { cost }),
  };
}
