import { once } from 'node:events';
import { statSync } from 'node:fs';
import { basename, dirname, extname, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { PluginBuild } from '../plugins/compile/build.ts';
import { PluginBuilder } from '../plugins/compile/builder.ts';
import { isInside } from '../plugins/compile/local-files.ts';
import { findConflicts } from '../plugins/lifecycle/dependencies.ts';
import { describeProblem, PluginProblem } from '../plugins/problem.ts';
import { revivedProblem } from '../plugins/worker/plain-error.ts';
import { wantsWorker } from '../plugins/worker/wants-worker.ts';
import type { CheckAnswer, CheckData, Checked } from './check-thread.ts';
import { type CommandCall, CommandError } from './command.ts';

const entry = new URL(`./check-thread${extname(import.meta.filename)}`, import.meta.url);

interface Checking {
  readonly build: PluginBuild;
  readonly checked: Checked;
}

/**
 * Builds and evaluates each plugin, checks its shape, and its config against the configuration where there is
 * one. Nothing is initialized. 1 where anything is wrong.
 */
export async function checkPlugins(args: readonly string[], call: CommandCall): Promise<number> {
  const { cwd, env, say, complain, usage } = call;
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  if (positionals.length === 0) throw new CommandError(`Expected files: ${usage}`);
  const config = loadConfig(env, cwd);
  const found: Checking[] = [];
  let isWrong = false;
  const tell = (problem: PluginProblem) => {
    isWrong = true;
    complain(describeProblem({ message: problem.message, place: placeFrom(cwd, problem) }));
  };
  for (const file of positionals) {
    try {
      const one = await checkFile(resolve(cwd, file), config);
      found.push(one);
      say(report(cwd, one, config));
    } catch (thrown) {
      if (!(thrown instanceof PluginProblem)) throw thrown;
      tell(thrown);
    }
  }
  for (const problem of problemsAmong(found)) tell(problem);
  return isWrong ? 1 : 0;
}

async function checkFile(file: string, config: Config): Promise<Checking> {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new PluginProblem('build', 'It is a folder; expected files, such as *.plugin.ts in it.', { file });
  }
  if (!/\.plugin\.(ts|js|mjs)$/.test(basename(file))) {
    const expected =
      'Expected a name that ends in .plugin.ts, .plugin.js or .plugin.mjs; no other file is loaded.';
    throw new PluginProblem('build', expected, { file });
  }
  const { folder, config: configs } = config.plugins;
  const builder = new PluginBuilder({
    folder: isInside(folder, file) ? folder : dirname(file),
    fileBytesMax: config.limits.pluginFileBytesMax,
  });
  try {
    const build = await builder.build(file);
    const checked = await checkInThread({ build, config: configs }, config.limits.pluginInitializeTimeoutMs);
    if (checked.isolation === 'worker' && !wantsWorker(build)) {
      const expected = `Write "isolation: 'worker'" as a literal in definePlugin({ … }).`;
      throw new PluginProblem('shape', expected, { file });
    }
    return { build, checked };
  } finally {
    await builder.close();
  }
}

/** What is being checked may do anything, such as never end: so it runs where it can be ended. */
async function checkInThread(data: CheckData, timeoutMs: number): Promise<Checked> {
  const { file } = data.build;
  const worker = new Worker(entry, { workerData: data });
  const stop = new AbortController();
  try {
    const answer: CheckAnswer | undefined = await Promise.race([
      once(worker, 'message', stop).then(([message]) => message as CheckAnswer),
      once(worker, 'exit', stop).then(() => undefined),
      sleep(timeoutMs, undefined, stop).then(() => {
        throw new PluginProblem('evaluate', `Its module gave no answer within ${timeoutMs} ms.`, { file });
      }),
    ]);
    if (!answer) throw new PluginProblem('evaluate', 'Its module ended the process.', { file });
    if ('problem' in answer) throw revivedProblem(answer.problem);
    return answer.checked;
  } catch (thrown) {
    if (thrown instanceof PluginProblem) throw thrown;
    throw new PluginProblem('evaluate', `Its module failed: ${String(thrown)}`, { file }, thrown);
  } finally {
    stop.abort();
    await worker.terminate();
  }
}

/** Those that are checked together have to fit together; what else is needed is not known here. */
function problemsAmong(found: readonly Checking[]): PluginProblem[] {
  const problems: PluginProblem[] = [];
  const files = new Map<string, string>();
  for (const { build, checked } of found) {
    const other = files.get(checked.name);
    if (other === undefined) files.set(checked.name, build.file);
    else {
      const message = `${basename(other)} is named '${checked.name}' too; expected a name of its own.`;
      problems.push(new PluginProblem('dependencies', message, { file: build.file }));
    }
  }
  const among = found.map(({ checked }) => ({
    ...checked,
    dependencies: Object.fromEntries(
      Object.entries(checked.dependencies).filter(([name]) => files.has(name)),
    ),
  }));
  for (const { message, plugins } of findConflicts(among)) {
    problems.push(new PluginProblem('dependencies', message, { file: files.get(plugins[0] ?? '') ?? '' }));
  }
  return problems;
}

function report(cwd: string, { build, checked }: Checking, { source, plugins }: Config): string {
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

function placeFrom(cwd: string, { place }: PluginProblem) {
  return place && { ...place, file: shown(cwd, place.file) };
}

function shown(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path || '.';
}
