import type { PluginsView, PluginView } from '../../../admin/api/plugins.ts';
import { nameOf } from './plugin-name.ts';

/** Something that has happened to a plugin while one looked. */
export interface News {
  readonly file: string;
  readonly name: string;
  readonly kind: 'loaded' | 'reloaded' | 'rejected' | 'still_rejected' | 'mended' | 'unloaded' | 'gone';
  /** `1.0.0 → 1.1.0`, or the version alone; empty where none was told. */
  readonly versions: string;
}

const words: Readonly<Record<News['kind'], string>> = {
  loaded: 'loaded',
  reloaded: 'reloaded',
  rejected: 'new version rejected',
  still_rejected: 'still rejected',
  mended: 'file is as the active version again',
  unloaded: 'unloaded',
  gone: 'file is gone, and the plugin with it',
};

/** What has happened between two looks, in order of the files. */
export function newsBetween(before: PluginsView, after: PluginsView): News[] {
  const earlier = new Map(before.plugins.map((plugin) => [plugin.file, plugin]));
  const later = new Set(after.plugins.map(({ file }) => file));
  const gone = before.plugins.filter(({ file }) => !later.has(file));
  return [
    ...after.plugins.flatMap((plugin) => {
      const was = earlier.get(plugin.file);
      const kind = kindOf(was, plugin);
      return kind ? [newsOf(kind, plugin, versionsOf(kind, was, plugin))] : [];
    }),
    ...gone.map((plugin) => newsOf('gone', plugin, plugin.version ?? '')),
  ];
}

/** `reloaded: 1.0.0 → 1.1.0` */
export function describeNews({ kind, versions }: News): string {
  return versions === '' ? words[kind] : `${words[kind]}: ${versions}`;
}

function newsOf(kind: News['kind'], plugin: PluginView, versions: string): News {
  return { file: plugin.file, name: nameOf(plugin), kind, versions };
}

function kindOf(was: PluginView | undefined, is: PluginView): News['kind'] | undefined {
  const wasLoaded = was?.loadedAt !== undefined;
  if (is.loadedAt !== undefined) {
    if (!wasLoaded) return 'loaded';
    if (was.loadedAt !== is.loadedAt) return 'reloaded';
  } else if (wasLoaded) return 'unloaded';
  if (!is.rejected) return was?.rejected ? 'mended' : undefined;
  if (was?.rejected?.at === is.rejected.at) return undefined;
  const isSame =
    was?.rejected?.message === is.rejected.message && was.rejected.version === is.rejected.version;
  return isSame ? 'still_rejected' : 'rejected';
}

function versionsOf(kind: News['kind'], was: PluginView | undefined, is: PluginView): string {
  if (kind === 'rejected' || kind === 'still_rejected') return is.rejected?.version ?? '';
  const [from, to] = [was?.version, is.version];
  if (kind === 'reloaded' && from !== undefined && from !== to) return `${from} → ${to}`;
  return to ?? '';
}
