/** The keys that lead to a value: `['upstreams', 'anthropic', 'url']`. */
export type KeyPath = readonly (string | number)[];

/** The path as the key of a map. */
export function pathId(path: KeyPath): string {
  return JSON.stringify(path);
}

/** The path for people: `upstreams.anthropic.url`, `middleware[0]`. */
export function formatPath(path: KeyPath): string {
  if (path.length === 0) return 'the configuration';
  const parts = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`));
  return parts.join('').replace(/^\./, '');
}
