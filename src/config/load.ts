import { resolve } from 'node:path';
import type { z } from 'zod';
import { type Limits, upstreamLimitNames } from '../limits.ts';
import type { Config, UpstreamConfig } from './config.ts';
import { expandVariables, foreignVariables, overlayVariables, variable } from './environment.ts';
import { readConfigFile } from './file.ts';
import { type KeyPath, pathId } from './key-path.ts';
import { listenConflicts } from './listen-schema.ts';
import { type ConfigPart, isInPart } from './parts.ts';
import { badKey, badValue, ConfigError, type Problem } from './problems.ts';
import { type ConfigValues, configSchema } from './schema.ts';
import { nearest } from './suggestion.ts';
import { ConfigTree, isMapping } from './tree.ts';

/**
 * Reads the file and the environment's variables, which win over it. Throws a `ConfigError` that lists
 * everything that is wrong.
 */
export function loadConfig(env: NodeJS.ProcessEnv, cwd: string): Config {
  const { tree, problems, path } = readTree(env, cwd);
  const { values, root } = check(tree, env, configSchema, problems);
  if (isMapping(root)) {
    const conflicts = listenConflicts(root.data, root.admin);
    problems.push(...conflicts.map(({ path, expected }) => badValue(tree, path, expected)));
  }
  if (values === undefined || problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(assemble(values, path, cwd));
}

/** Reads a part of the same. Throws a `ConfigError` that lists everything that is wrong with that part. */
export function loadPart<Values extends object>(
  part: ConfigPart<Values>,
  env: NodeJS.ProcessEnv,
  cwd: string,
): Values & Pick<Config, 'source'> {
  const { tree, problems, path } = readTree(env, cwd);
  const { values } = check(tree, env, part.schema, problems, (key) => isInPart(part, key));
  if (values === undefined || problems.length > 0) throw new ConfigError(problems);
  return { ...values, source: path };
}

function readTree(env: NodeJS.ProcessEnv, cwd: string) {
  const file = readConfigFile(variable(env, 'SIGHTLINE_CONFIG'), cwd);
  const problems = [...file.problems, ...foreignVariables(env)];
  // Without the file's part, the rest would be blamed for what it lacks.
  if (file.root === undefined) throw new ConfigError(problems);

  const tree = new ConfigTree(file);
  overlayVariables(tree, env);
  return { tree, problems, path: file.path };
}

/** The tree, expanded, and what the schema makes of it where it does not refuse it. What is wrong goes to `problems`. */
function check<Values>(
  tree: ConfigTree,
  env: NodeJS.ProcessEnv,
  schema: z.ZodType<Values>,
  problems: Problem[],
  isRead?: (path: KeyPath) => boolean,
): { readonly root: unknown; readonly values: Values | undefined } {
  const { root, problems: unexpanded, incomplete } = expandVariables(tree, env, isRead);
  problems.push(...unexpanded);
  const parsed = schema.safeParse(root);
  for (const issue of parsed.error?.issues ?? []) {
    // A text that lacks its variable is wrong only for that.
    if (!incomplete.has(pathId(tree.find(keysOf(issue)).path))) problems.push(...describe(tree, issue));
  }
  return { root, values: parsed.data };
}

function describe(tree: ConfigTree, issue: z.core.$ZodIssue): Problem[] {
  const path = keysOf(issue);
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(', ');
    return issue.keys.map((key) => {
      const suggestion = nearest(key, known);
      const hint = suggestion ? `did you mean "${suggestion}"?` : `known here: ${known.join(', ')}`;
      return badKey(tree, [...path, key], `is unknown; ${hint}`);
    });
  }
  if (issue.code === 'invalid_key') {
    return [badKey(tree, path, `cannot be a key here; expected ${issue.issues[0]?.message}`)];
  }
  return [badValue(tree, path, issue.message)];
}

function keysOf(issue: z.core.$ZodIssue): (string | number)[] {
  return issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
}

function assemble(values: ConfigValues, source: string | undefined, cwd: string): Config {
  return {
    ...values,
    source,
    plugins: { ...values.plugins, folder: resolve(cwd, values.plugins.folder) },
    admin: {
      ...values.admin,
      token: values.admin.token,
      jaegerUrl: values.admin.jaegerUrl,
      tokenFile: values.admin.tokenFile === undefined ? undefined : resolve(cwd, values.admin.tokenFile),
    },
    alerts: {
      ...values.alerts,
      webhooks: values.alerts.webhooks.map(({ secret, ...webhook }) => ({ ...webhook, secret })),
    },
    upstreams: Object.entries(values.upstreams).map(
      ([name, { provider, limits, ...upstream }]): UpstreamConfig => ({
        name,
        prefix: name === 'default' ? '/' : `/${name}`,
        ...upstream,
        provider,
        limits: mergeLimits(values.limits, limits),
      }),
    ),
  };
}

function mergeLimits(global: Limits, own: ConfigValues['upstreams'][string]['limits']): Limits {
  const limits = { ...global };
  for (const name of upstreamLimitNames) limits[name] = own[name] ?? global[name];
  return limits;
}

/** Addresses stay as they are: freezing does not reach inside a URL. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || value instanceof URL) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
