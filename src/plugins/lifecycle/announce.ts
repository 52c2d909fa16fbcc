import { lineKey, logEvent } from '../../telemetry/names.ts';
import type { Generation } from './generation.ts';
import type { PluginHost } from './host.ts';

const event = { [lineKey.event]: logEvent.plugin };

/**
 * Tells which plugins a new generation has brought and taken away. By name, so that a plugin which moves to
 * another file is reloaded rather than lost.
 */
export function announceChanges(
  { telemetry, log }: Pick<PluginHost, 'telemetry' | 'log'>,
  before: Generation,
  next: Generation,
): void {
  const { hooks } = next.services;
  const old = new Map(before.instances.map((instance) => [instance.name, instance]));
  for (const instance of next.instances) {
    const previous = old.get(instance.name);
    old.delete(instance.name);
    if (previous === instance) continue;
    const { name: plugin, version, build } = instance;
    const { file } = build;
    telemetry.changed(previous ? 'reloaded' : 'loaded', plugin);
    if (previous) {
      log.info({ ...event, plugin, version }, `plugin '${plugin}' is reloaded`);
      hooks.notify('plugin.reloaded', { plugin, version, previousVersion: previous.version, file });
    } else {
      log.info({ ...event, plugin, version }, `plugin '${plugin}' is loaded`);
      hooks.notify('plugin.loaded', { plugin, version, file });
    }
  }
  for (const { name: plugin, version, build } of old.values()) {
    telemetry.changed('unloaded', plugin);
    log.info({ ...event, plugin, version }, `plugin '${plugin}' is unloaded`);
    hooks.notify('plugin.unloaded', { plugin, version, file: build.file });
  }
}
