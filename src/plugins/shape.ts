import type { StandardSchemaV1 } from '@standard-schema/spec';
import { valid, validRange } from 'semver';
import { z } from 'zod';
import { isStandardSchema, issuePath } from '../wire/standard-schema.ts';
import { isPlugin, type LoadedDefinition } from './plugin.ts';
import { PluginProblem } from './problem.ts';

/** A plugin's name stands in metrics, in addresses of the admin plane, and in the configuration. */
export const pluginName = z
  .string('expected a text')
  .regex(
    /^[a-z][a-z0-9-]{0,63}$/,
    'expected lower case letters, digits and hyphens, beginning with a letter, 64 characters at most',
  );

const callback = (what: string) =>
  z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', `expected ${what}`);

const ranges = z.record(
  z.string(),
  z
    .string('expected a semver range such as "^1.0.0"')
    .refine((range) => validRange(range) !== null, 'expected a semver range such as "^1.0.0"'),
  'expected a mapping of plugin names to semver ranges',
);

const definitionShape = z.strictObject({
  name: pluginName,
  version: z
    .string('expected a semantic version such as "1.0.0"')
    .refine((version) => valid(version) !== null, 'expected a semantic version such as "1.0.0"'),
  description: z.string('expected a text').optional(),
  dependencies: ranges.optional(),
  optionalDependencies: ranges.optional(),
  config: z
    .custom<StandardSchemaV1>(isStandardSchema, 'expected a Standard Schema, for example z.object({ … })')
    .optional(),
  isolation: z.enum(['none', 'worker'], 'expected "none" or "worker"').optional(),
  initialize: callback('a function initialize(context)'),
  cleanup: callback('a function').optional(),
});

/** The definition that a module exports. Throws a `PluginProblem` that says what was expected instead. */
export function readDefinition(exports: Readonly<Record<string, unknown>>, file: string): LoadedDefinition {
  const definition = exports.default;
  if (!isPlugin(definition)) {
    const found = 'default' in exports ? 'its default export is something else' : 'it has no default export';
    throw new PluginProblem('shape', `Expected "export default definePlugin({ … })"; ${found}.`, { file });
  }
  const parsed = definitionShape.safeParse(definition);
  if (!parsed.success) throw new PluginProblem('shape', problemsIn(parsed.error, definition.name), { file });
  const both = Object.keys(definition.dependencies ?? {}).find((name) =>
    Object.hasOwn(definition.optionalDependencies ?? {}, name),
  );
  if (both !== undefined) {
    throw new PluginProblem('shape', `'${both}' is both a dependency and an optional one; expected one.`, {
      file,
    });
  }
  return definition;
}

/**
 * The config as the plugin's schema gives it back. Rejects with a `PluginProblem` that lists everything
 * that is wrong, by its key in the configuration.
 */
export async function readConfig(definition: LoadedDefinition, raw: unknown, file: string): Promise<unknown> {
  const given = raw ?? {};
  if (!definition.config) return given;
  const result = await definition.config['~standard'].validate(given);
  if (!result.issues) return result.value;
  const problems = result.issues.map((issue) => {
    const keys = ['plugins', 'config', definition.name, issuePath(issue)];
    return `${keys.filter(Boolean).join('.')}: ${issue.message}`;
  });
  throw new PluginProblem('config', problems.join('; '), { file });
}

function problemsIn(error: z.ZodError, name: unknown): string {
  const subject = typeof name === 'string' ? `Plugin '${name}'` : 'The plugin';
  const problems = error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')} is unknown; known are ${Object.keys(definitionShape.shape).join(', ')}`
      : `${issue.path.join('.')}: ${issue.message}`,
  );
  return `${subject}: ${problems.join('; ')}.`;
}
