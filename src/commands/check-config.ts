import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { createMiddleware } from '../middleware/builtin/index.ts';
import { listPluginFiles } from '../plugins/loader/plugin-listing.ts';
import { readVariables } from '../telemetry/sdk/variables.ts';
import type { CommandContext } from './command.ts';
import { checkFiles } from './plugin-files.ts';
import { shownProblem } from './shown.ts';

/**
 * What ends a start, or is warned of at one, without the start: the configuration, the standard variables and the
 * plugins of the folder. 1 where a plugin is wrong; rejects with a `ConfigError` where anything else is.
 */
export async function checkConfig({ cwd, env, say, complain }: CommandContext): Promise<number> {
  const config = loadConfig(env, cwd);
  createMiddleware(config.middleware);
  const { warnings } = readVariables(env);
  const { problems, strangers } = await checkFolder(config, cwd);
  for (const warning of [...warnings, ...strangers]) complain(`sightline: warning: ${warning}`);
  if (problems.length > 0) {
    const title = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    complain([`sightline: The plugins have ${title}:`, ...problems.map((line) => `  ${line}`)].join('\n'));
    return 1;
  }
  say(`sightline: the configuration is valid${config.source ? ` (${config.source})` : ''}.`);
  return 0;
}

async function checkFolder(config: Config, cwd: string) {
  const { folder, required, config: configs } = config.plugins;
  const { files } = await listPluginFiles(folder, config.limits.pluginFilesMax, new Set());
  const { found, problems } = await checkFiles([...files].sort(), config, { areAll: true });
  const names = new Set(found.map(({ checked }) => checked.name));
  const missing = required.filter((name) => !names.has(name));
  const isNamed = (name: string) => names.has(name) || problems.length > 0;
  return {
    problems: [
      ...problems.map((problem) => shownProblem(cwd, problem)),
      ...missing.map(
        (name) => `The required plugin '${name}' is not there: no file in ${folder} declares it`,
      ),
    ],
    // What a plugin is called that is wrong is not known.
    strangers: Object.keys(configs)
      .filter((name) => !isNamed(name))
      .map((name) => `plugins.config.${name} is for a plugin that is not in ${folder}`),
  };
}
