import type { PluginRecord } from '../plugins/lifecycle/record.ts';
import type { Plugins } from '../plugins/plugins.ts';

/** The plugins, as `/api/plugins` shows them. */
export function describePlugins({ config, manager }: Plugins) {
  const { records } = manager;
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
    plugins: records.map((record) => describePlugin(record, records)),
  };
}

function describePlugin(record: PluginRecord, all: readonly PluginRecord[]) {
  const { file, name, version, state, instance, keptFor, newestProblem } = record;
  return {
    name,
    version,
    state,
    file,
    ...(instance && {
      loadedAt: instance.loadedAt.toISOString(),
      /** What it was compiled from: a change of any of them reloads it. */
      files: [...instance.build.inputs.keys()],
      dependencies: instance.dependencies,
      optionalDependencies: instance.optionalDependencies,
      dependents: dependentsOf(instance.name, all),
      /** In the order of the stack. */
      middleware: instance.middleware.map(({ entry, priority }) => ({
        name: entry.name,
        priority,
        onFailure: entry.middleware.onFailure ?? 'fail',
        breaker: entry.breaker?.state,
      })),
      hooks: instance.hooks.map(({ point, priority = 50, breaker }) => ({
        point,
        priority,
        breaker: breaker.state,
      })),
      messageTypes: instance.messageTypes.map(({ messageType, breaker }) => ({
        type: messageType.type,
        breaker: breaker?.state,
      })),
      restarts: instance.body.restarts,
    }),
    ...(keptFor.length > 0 && { fileIsGoneButNeededBy: keptFor }),
    /** Why the newest version is not the active one. */
    ...(newestProblem && {
      rejected: {
        version: newestProblem.version,
        step: newestProblem.step,
        message: newestProblem.message,
        ...newestProblem.place,
        at: newestProblem.at.toISOString(),
      },
    }),
  };
}

function dependentsOf(name: string, all: readonly PluginRecord[]): string[] {
  return all
    .filter(({ instance }) => instance && Object.hasOwn(instance.dependencies, name))
    .map((record) => record.name ?? record.file);
}
