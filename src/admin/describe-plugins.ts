import type { Breaker } from '../exchange/breaker.ts';
import { unmetBy } from '../plugins/lifecycle/dependencies.ts';
import type { PluginInstance } from '../plugins/lifecycle/instance.ts';
import type { PluginRecord } from '../plugins/lifecycle/record.ts';
import type { Plugins } from '../plugins/plugins.ts';
import { safeMessage } from '../telemetry/redact.ts';
import type { GuardedView, PluginsView, PluginView } from './api/plugins.ts';
import { asJson } from './as-json.ts';

/** The plugins, as `/api/plugins` shows them. */
export function describePlugins({ config, manager }: Plugins): PluginsView {
  const { records } = manager;
  const active = new Map(manager.generation.instances.map((instance) => [instance.name, instance]));
  return {
    folder: config.folder,
    watch: config.watch,
    generation: manager.generation.number,
    /** Old generations that exchanges still go through. */
    draining: manager.draining.map(({ number, leases, instances }) => ({
      generation: number,
      exchanges: leases,
      plugins: instances.map(({ name, version }) => `${name}@${version}`),
    })),
    /** Versions that were unloaded and are still held in memory. */
    leaks: manager.leaks,
    plugins: records.map((record) => describePlugin(record, records, active)),
  };
}

function describePlugin(
  record: PluginRecord,
  all: readonly PluginRecord[],
  active: ReadonlyMap<string, PluginInstance>,
): PluginView {
  const { file, name, version, state, instance, keptFor, newestProblem } = record;
  // Where none is active, the graph of dependencies shows what keeps the newest version out.
  const needs = instance ?? newestProblem?.needs;
  return asJson({
    name,
    version,
    state,
    file,
    ...(needs && {
      dependencies: needs.dependencies,
      optionalDependencies: needs.optionalDependencies,
      /** Not active in the range. */
      unmet: unmetBy(needs, active),
    }),
    ...(instance && {
      loadedAt: instance.loadedAt.toISOString(),
      /** What it was compiled from: a change of any of them reloads it. */
      files: [...instance.build.inputs.keys()],
      dependents: dependentsOf(instance.name, all),
      /** In the order of the stack. */
      middleware: instance.middleware.map(({ entry, priority }) =>
        asJson({
          name: entry.name,
          priority,
          onFailure: entry.middleware.onFailure ?? 'fail',
          ...describeGuard(entry.breaker),
        }),
      ),
      hooks: instance.hooks.map(({ point, priority = 50, breaker }) => ({
        point,
        priority,
        ...describeGuard(breaker),
      })),
      messageTypes: instance.messageTypes.map(({ messageType, breaker }) =>
        asJson({ type: messageType.type, ...describeGuard(breaker) }),
      ),
      restarts: instance.body.restarts,
    }),
    ...(record.isGone && keptFor.length > 0 && { fileIsGoneButNeededBy: keptFor }),
    /** Why the newest version is not the active one. */
    ...(newestProblem && {
      rejected: asJson({
        version: newestProblem.version,
        step: newestProblem.step,
        message: newestProblem.message,
        ...newestProblem.place,
        at: newestProblem.at.toISOString(),
      }),
    }),
  });
}

function describeGuard(breaker: Breaker | undefined): GuardedView {
  if (!breaker) return {};
  const { state, lastFailure } = breaker;
  if (!lastFailure) return { breaker: state };
  const { kind, message, at } = lastFailure;
  return { breaker: state, lastError: { in: kind, message: safeMessage(message), at: at.toISOString() } };
}

function dependentsOf(name: string, all: readonly PluginRecord[]): string[] {
  return all
    .filter(({ instance }) => instance && Object.hasOwn(instance.dependencies, name))
    .map((record) => record.name ?? record.file);
}
