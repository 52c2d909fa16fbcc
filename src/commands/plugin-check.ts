import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Config } from '../config/config.ts';
import { loadPart } from '../config/load.ts';
import { pluginsPart } from '../config/parts.ts';
import { type CommandCall, CommandError } from './command.ts';
import { type CheckedFile, checkFiles } from './plugin-files.ts';
import { shown, shownProblem } from './shown.ts';

/** Checks each plugin, and its config against the configuration where there is one. 1 where anything is wrong. */
export async function checkPlugins(args: readonly string[], call: CommandCall): Promise<number> {
  const { cwd, env, say, complain, usage } = call;
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  if (positionals.length === 0) throw new CommandError(`Expected files: ${usage}`);
  const { plugins, limits, source } = loadPart(pluginsPart, env, cwd);
  const files = positionals.map((file) => resolve(cwd, file));
  const config = { plugins: { ...plugins, folder: resolve(cwd, plugins.folder) }, limits };
  const { found, problems } = await checkFiles(files, config, { areAll: false });
  for (const one of found) say(report(cwd, one, { plugins, source }));
  for (const problem of problems) complain(shownProblem(cwd, problem));
  return problems.length > 0 ? 1 : 0;
}

interface ReportConfig extends Pick<Config, 'source'> {
  readonly plugins: Pick<Config['plugins'], 'config'>;
}

function report(cwd: string, { build, checked }: CheckedFile, { source, plugins }: ReportConfig): string {
  const { name, version, dependencies, optionalDependencies, isolation, hasSchema } = checked;
  const needs = [
    ...Object.entries(dependencies).map(([needed, range]) => `${needed} ${range}`),
    ...Object.entries(optionalDependencies).map(([used, range]) => `${used} ${range} (optional)`),
  ];
  const key = `plugins.config.${name}`;
  const given = Object.hasOwn(plugins.config, name)
    ? `${key} of ${shown(cwd, source ?? '')}`
    : `nothing under ${key}`;
  const size = [...build.inputs.keys()].filter((file) => !/^tsconfig.*\.json$/.test(basename(file))).length;
  return [
    `${shown(cwd, build.file)}: ok`,
    `  plugin     ${name} ${version}${isolation === 'worker' ? ', in a worker' : ''}`,
    `  needs      ${needs.length > 0 ? needs.join(', ') : 'no other plugin'}`,
    `  config     ${given}, ${hasSchema ? 'which its schema accepts' : 'and no schema'}`,
    `  checked    that it compiles (${size} ${size === 1 ? 'file' : 'files'}) and its module runs, its shape, its config; not its initialize`,
  ].join('\n');
}
