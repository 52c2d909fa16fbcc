import { satisfies } from 'semver';

/** What a version of a plugin is to the others. */
export interface Dependent {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** What a version needs of others: name → range. */
export type Needs = Pick<Dependent, 'dependencies' | 'optionalDependencies'>;

/** Why a set of plugins cannot be active together, and who is concerned. */
export interface DependencyConflict {
  readonly message: string;
  /** Those that cannot be initialized: the one that needs what is not there, or the members of a cycle. */
  readonly plugins: readonly string[];
  /** What is there in a version that is not wanted; undefined where nothing of the name is there. */
  readonly provider: string | undefined;
}

/** Every required dependency that is missing or out of range, in order of name; then the first cycle. */
export function findConflicts(plugins: readonly Dependent[]): DependencyConflict[] {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  const unmet = inOrderOfName(plugins).flatMap((plugin) =>
    Object.entries(plugin.dependencies).flatMap(([needed, range]) => {
      const provider = byName.get(needed);
      if (provider && satisfies(provider.version, range)) return [];
      const found = provider ? `and ${needed} ${provider.version} is here` : `and no '${needed}' is active`;
      return {
        message: `${plugin.name} ${plugin.version} needs ${needed} ${range}, ${found}.`,
        plugins: [plugin.name],
        provider: provider?.name,
      };
    }),
  );
  if (unmet.length > 0) return unmet;
  const cycle = findCycle(byName);
  if (!cycle) return [];
  return [
    {
      message: `The dependencies form a cycle: ${[...cycle, cycle[0]].join(' → ')}.`,
      plugins: cycle,
      provider: undefined,
    },
  ];
}

/** Dependencies first; ties in order of name, so that the same set always has the same order. No cycles. */
export function inDependencyOrder<T extends Dependent>(plugins: readonly T[]): T[] {
  const byName = new Map<string, T>(plugins.map((plugin) => [plugin.name, plugin]));
  const ordered = new Set<T>();
  const visit = (plugin: T): void => {
    if (ordered.has(plugin)) return;
    for (const name of usedBy(plugin, byName)) {
      const used = byName.get(name);
      if (used) visit(used);
    }
    ordered.add(plugin);
  };
  for (const plugin of inOrderOfName(plugins)) visit(plugin);
  return [...ordered];
}

/** Names of those that a plugin uses: required ones, and optional ones that are here in the range. */
export function usedBy(plugin: Dependent, byName: ReadonlyMap<string, Dependent>): string[] {
  const isThere = ([name, range]: [string, string]) => {
    const used = byName.get(name);
    return used !== undefined && satisfies(used.version, range);
  };
  return [
    ...Object.keys(plugin.dependencies),
    ...Object.entries(plugin.optionalDependencies)
      .filter(isThere)
      .map(([name]) => name),
  ].sort();
}

/** Names of those that a plugin asks for, and that are not here in the range. */
export function unmetBy(
  { dependencies, optionalDependencies }: Needs,
  byName: ReadonlyMap<string, Pick<Dependent, 'version'>>,
): string[] {
  return Object.entries({ ...dependencies, ...optionalDependencies })
    .filter(([name, range]) => !satisfies(byName.get(name)?.version ?? '', range))
    .map(([name]) => name)
    .sort();
}

/** Those that use one of the names, and those that use these, and so on. */
export function dependentsOf(names: Iterable<string>, plugins: readonly Dependent[]): Set<string> {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const plugin of plugins) {
      if (found.has(plugin.name) || !usedBy(plugin, byName).includes(name)) continue;
      found.add(plugin.name);
      open.push(plugin.name);
    }
  }
  return found;
}

function inOrderOfName<T extends Dependent>(plugins: readonly T[]): T[] {
  return [...plugins].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function findCycle(byName: ReadonlyMap<string, Dependent>): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): string[] | undefined => {
    if (path.includes(name)) return path.slice(path.indexOf(name));
    const plugin = byName.get(name);
    if (!plugin || done.has(name)) return undefined;
    path.push(name);
    for (const used of usedBy(plugin, byName)) {
      const cycle = visit(used);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(name);
    return undefined;
  };
  for (const name of [...byName.keys()].sort()) {
    const cycle = visit(name);
    if (cycle) return cycle;
  }
  return undefined;
}
