import type { PluginsView, PluginView } from '../../../src/admin/api/plugins.ts';

/** An active plugin, as the admin plane shows it. */
export function pluginView(name: string, more: Partial<PluginView> = {}): PluginView {
  return {
    name,
    version: '1.0.0',
    state: 'active',
    file: `/plugins/${name}.plugin.ts`,
    loadedAt: '2026-11-23T11:00:00.000Z',
    ...more,
  };
}

/** One whose newest version does not compile, and that has never been active. */
export function brokenView(
  name: string,
  more: Partial<NonNullable<PluginView['rejected']>> = {},
): PluginView {
  const file = `/plugins/${name}.plugin.ts`;
  return {
    state: 'rejected',
    file,
    rejected: {
      step: 'build',
      message: 'Expected "}"',
      file,
      line: 4,
      column: 3,
      at: '2026-11-23T11:00:00.000Z',
      ...more,
    },
  };
}

export function pluginsView(...plugins: readonly PluginView[]): PluginsView {
  return { folder: '/plugins', watch: true, generation: 2, draining: [], leaks: [], plugins };
}
