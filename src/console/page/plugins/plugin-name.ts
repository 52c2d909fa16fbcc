import type { PluginsView, PluginView } from '../../../admin/api/plugins.ts';

/** What people call it: a version that does not compile has not told its name, but its file has one. */
export function nameOf({ name, file }: Pick<PluginView, 'name' | 'file'>): string {
  return name ?? baseOf(file).replace(/\.plugin\.(ts|js|mjs)$/, '');
}

/** Of files that want one name, the one that has it. */
export function pluginsByName(plugins: readonly PluginView[]): ReadonlyMap<string, PluginView> {
  const named = new Map<string, PluginView>();
  for (const plugin of plugins) {
    const name = nameOf(plugin);
    if (!named.has(name) || plugin.state === 'active') named.set(name, plugin);
  }
  return named;
}

/** The file as seen from the folder. */
export function fileIn(folder: string, file: string): string {
  const start = folder.endsWith('/') ? folder : `${folder}/`;
  return file.startsWith(start) ? file.slice(start.length) : file;
}

/** `/srv/plugins/tenant.plugin.ts:14:3`, as editors and terminals understand it. */
export function placeOf({
  file,
  line,
  column,
}: Pick<NonNullable<PluginView['rejected']>, 'file' | 'line' | 'column'>): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}

/** Breakers of what it brings that are not closed: `middleware guardrail` → `open`. */
export function openBreakers({ middleware = [], hooks = [], messageTypes = [] }: PluginView): Breaker[] {
  const all = [
    ...middleware.map(({ name, breaker }) => ({ what: `middleware ${name}`, state: breaker })),
    ...hooks.map(({ point, breaker }) => ({ what: `hook at ${point}`, state: breaker })),
    ...messageTypes.map(({ type, breaker }) => ({ what: `message type ${type}`, state: breaker })),
  ];
  return all.flatMap(({ what, state }) => (isOpen(state) ? [{ what, state }] : []));
}

export interface Breaker {
  readonly what: string;
  readonly state: string;
}

export function isOpen(breaker: string | undefined): breaker is string {
  return breaker !== undefined && breaker !== 'closed';
}

/** Versions that were replaced, and that exchanges still go through. */
export interface OldVersions {
  readonly generation: number;
  readonly exchanges: number;
  /** `tenant@1.0.0`: those that are not active any more. */
  readonly replaced: readonly string[];
}

/** The oldest first. */
export function oldVersionsOf({ draining, plugins }: PluginsView): OldVersions[] {
  const active = new Set(
    plugins.flatMap((plugin) => (plugin.state === 'active' ? [`${plugin.name}@${plugin.version}`] : [])),
  );
  return draining.map(({ generation, exchanges, plugins: all }) => ({
    generation,
    exchanges,
    replaced: all.filter((one) => !active.has(one)),
  }));
}

function baseOf(file: string): string {
  return file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}
