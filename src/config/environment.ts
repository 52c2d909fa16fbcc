import { type KeyPath, pathId } from './key-path.ts';
import { badKey, type Problem } from './problems.ts';
import { nearest } from './suggestion.ts';
import { type ConfigTree, isMapping } from './tree.ts';

/** Every variable of ours, and the key that it stands for. */
const variables = {
  SIGHTLINE_CONFIG: undefined,
  SIGHTLINE_UPSTREAM: ['upstreams', 'default', 'url'],
  SIGHTLINE_HOST: ['data', 'host'],
  SIGHTLINE_PORT: ['data', 'port'],
  SIGHTLINE_ADMIN_HOST: ['admin', 'host'],
  SIGHTLINE_ADMIN_PORT: ['admin', 'port'],
  SIGHTLINE_ADMIN_TOKEN: ['admin', 'token'],
  SIGHTLINE_ADMIN_TOKEN_FILE: ['admin', 'tokenFile'],
  SIGHTLINE_JAEGER_URL: ['admin', 'jaegerUrl'],
  SIGHTLINE_PLUGINS: ['plugins', 'folder'],
} as const satisfies Record<string, readonly string[] | undefined>;

/** Kubernetes gives these to every pod beside a service that is called `sightline`, and one that collides. */
const serviceLink = /^SIGHTLINE_(SERVICE_(HOST|PORT)|PORT_\d+_)/;
const serviceLinkPort = /^(tcp|udp|sctp):\/\//;

/** A variable that is set to nothing counts as not set. */
export function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name] || undefined;
}

/** Names that begin like ours and are not, which silence would hide; and one that is not ours at all. */
export function foreignVariables(env: NodeJS.ProcessEnv): Problem[] {
  const known = Object.keys(variables);
  const problems = Object.keys(env)
    .filter((name) => name.startsWith('SIGHTLINE_') && !known.includes(name) && !serviceLink.test(name))
    .filter((name) => variable(env, name) !== undefined)
    .map((name) => {
      const suggestion = nearest(name, known);
      const hint = suggestion ? `did you mean ${suggestion}?` : `known are ${known.join(', ')}`;
      return { source: name, offset: -1, text: `this variable is unknown; ${hint}` };
    });
  if (serviceLinkPort.test(env.SIGHTLINE_PORT ?? '')) {
    const advice = 'set enableServiceLinks: false for the pod, or give the service another name';
    const text = `Kubernetes set this for its service "sightline"; expected a port: ${advice}`;
    problems.push({ source: 'SIGHTLINE_PORT', offset: -1, text });
  }
  return problems;
}

export function overlayVariables(tree: ConfigTree, env: NodeJS.ProcessEnv): void {
  for (const [name, path] of Object.entries(variables)) {
    const value = variable(env, name);
    if (value === undefined || !path || serviceLinkPort.test(value)) continue;
    tree.overlay(path, value, name);
  }
}

export interface Expansion {
  readonly root: unknown;
  readonly problems: readonly Problem[];
  /** Ids of the paths whose texts lack a variable. */
  readonly incomplete: ReadonlySet<string>;
}

/**
 * The tree with `${NAME}` replaced in every text of the file; `$${` stands for `${` itself.
 *
 * @param isRead Whether anybody reads what stands at the path: what nobody does stays as it is.
 */
export function expandVariables(
  tree: ConfigTree,
  env: NodeJS.ProcessEnv,
  isRead: (path: KeyPath) => boolean = () => true,
): Expansion {
  const problems: Problem[] = [];
  const incomplete = new Set<string>();
  const expandText = (text: string, path: KeyPath) =>
    text.replace(/\$\$\{|\$\{(?:(\w+)\})?/g, (match, name: string | undefined) => {
      if (match === '$${') return '${';
      const value = name === undefined ? undefined : variable(env, name);
      if (value !== undefined) return value;
      const statement =
        name === undefined
          ? `has a "\${" that names no variable; expected "\${NAME}", or "$\${" for the characters themselves`
          : `needs the variable ${name}, which is not set`;
      problems.push(badKey(tree, path, statement));
      incomplete.add(pathId(path));
      return '';
    });
  const expand = (node: unknown, path: KeyPath): unknown => {
    if (Array.isArray(node)) return node.map((item, index) => expand(item, [...path, index]));
    if (isMapping(node)) {
      return Object.fromEntries(
        Object.entries(node).map(([key, value]) => [key, expand(value, [...path, key])]),
      );
    }
    if (typeof node !== 'string' || tree.isFromVariable(path) || !isRead(path)) return node;
    return expandText(node, path);
  };
  return { root: expand(tree.root, []), problems, incomplete };
}
