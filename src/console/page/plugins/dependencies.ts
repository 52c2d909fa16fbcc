import type { PluginView } from '../../../admin/api/plugins.ts';
import type { Edge } from './graph-columns.ts';
import { nameOf, pluginsByName } from './plugin-name.ts';

/** `from` needs `to`, in this range. */
export interface Need extends Edge {
  readonly range: string;
  readonly isOptional: boolean;
  /** `missing`: nobody of that name is active. `out_of_range`: somebody is, in a version that is not wanted. */
  readonly problem?: 'missing' | 'out_of_range';
}

export interface DependencyNode {
  readonly name: string;
  /** Absent: somebody asks for it, and no file brings it. */
  readonly plugin?: PluginView;
}

export interface Dependencies {
  /** Those that need somebody, or are needed, in order of name. */
  readonly nodes: readonly DependencyNode[];
  readonly needs: readonly Need[];
}

/** Who needs whom. */
export function dependenciesOf(plugins: readonly PluginView[]): Dependencies {
  const byName = pluginsByName(plugins);
  const needs = [...byName.values()].flatMap((plugin) => needsOf(plugin, byName));
  const names = new Set(needs.flatMap(({ from, to }) => [from, to]));
  const nodes = [...names].sort().map((name) => {
    const plugin = byName.get(name);
    return plugin ? { name, plugin } : { name };
  });
  return { nodes, needs };
}

/** What this plugin needs, required ones first. */
function needsOf(plugin: PluginView, byName: ReadonlyMap<string, PluginView>): Need[] {
  const { dependencies = {}, optionalDependencies = {}, unmet = [] } = plugin;
  const from = nameOf(plugin);
  const all = [
    ...Object.entries(dependencies).map(([to, range]) => ({ from, to, range, isOptional: false })),
    ...Object.entries(optionalDependencies).map(([to, range]) => ({ from, to, range, isOptional: true })),
  ];
  return all.map((need) => {
    if (!unmet.includes(need.to)) return need;
    const isThere = byName.get(need.to)?.state === 'active';
    return { ...need, problem: isThere ? 'out_of_range' : 'missing' };
  });
}

/** `cost-meter needs tenant ^1.0.0`: the graph in words. */
export function describeNeed({ from, to, range, isOptional, problem }: Need): string {
  const verb = isOptional ? 'can use' : 'needs';
  const but =
    problem === 'missing' ? ', which is not active' : problem ? ', and another version is active' : '';
  return `${from} ${verb} ${to} ${range}${but}`;
}
