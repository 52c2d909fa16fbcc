import { once } from 'node:events';
import { statSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { PluginsConfig } from '../config/config.ts';
import type { Limits } from '../limits.ts';
import type { PluginBuild } from '../plugins/compile/build.ts';
import { PluginBuilder } from '../plugins/compile/builder.ts';
import { isInside } from '../plugins/compile/local-files.ts';
import { findConflicts } from '../plugins/lifecycle/dependencies.ts';
import { PluginProblem } from '../plugins/problem.ts';
import { revivedProblem } from '../plugins/worker/plain-error.ts';
import { wantsWorker } from '../plugins/worker/wants-worker.ts';
import type { CheckAnswer, CheckData, Checked } from './check-thread.ts';

const entry = new URL(`./check-thread${extname(import.meta.filename)}`, import.meta.url);

interface CheckConfig {
  readonly plugins: Pick<PluginsConfig, 'folder' | 'config'>;
  readonly limits: Pick<Limits, 'pluginFileBytesMax' | 'pluginInitializeTimeoutMs'>;
}

export interface CheckedFile {
  readonly build: PluginBuild;
  readonly checked: Checked;
}

interface CheckedFiles {
  /** Those that are right for themselves. */
  readonly found: readonly CheckedFile[];
  readonly problems: readonly PluginProblem[];
}

/**
 * Builds and evaluates each plugin, checks its shape, its config, and how they fit together. Nothing is initialized.
 *
 * @param areAll Whether there are no others: what is needed beside them is not known otherwise.
 */
export async function checkFiles(
  files: Iterable<string>,
  config: CheckConfig,
  { areAll }: { readonly areAll: boolean },
): Promise<CheckedFiles> {
  const found: CheckedFile[] = [];
  const problems: PluginProblem[] = [];
  for (const file of files) {
    try {
      found.push(await checkFile(file, config));
    } catch (thrown) {
      if (!(thrown instanceof PluginProblem)) throw thrown;
      problems.push(thrown);
    }
  }
  return { found, problems: [...problems, ...problemsAmong(found, areAll)] };
}

async function checkFile(file: string, { plugins, limits }: CheckConfig): Promise<CheckedFile> {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new PluginProblem('build', 'It is a folder; expected files, such as *.plugin.ts in it.', { file });
  }
  if (!/\.plugin\.(ts|js|mjs)$/.test(basename(file))) {
    const expected =
      'Expected a name that ends in .plugin.ts, .plugin.js or .plugin.mjs; no other file is loaded.';
    throw new PluginProblem('build', expected, { file });
  }
  const { folder, config } = plugins;
  const builder = new PluginBuilder({
    folder: isInside(folder, file) ? folder : dirname(file),
    fileBytesMax: limits.pluginFileBytesMax,
  });
  try {
    const build = await builder.build(file);
    const checked = await checkInThread({ build, config }, limits.pluginInitializeTimeoutMs);
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

/** Those that are checked together have to fit together. */
function problemsAmong(found: readonly CheckedFile[], areAll: boolean): PluginProblem[] {
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
  const isKnown = ([name]: [string, string]) => areAll || files.has(name);
  const among = found.map(({ checked }) => ({
    ...checked,
    dependencies: Object.fromEntries(Object.entries(checked.dependencies).filter(isKnown)),
  }));
  for (const { message, plugins } of findConflicts(among)) {
    problems.push(new PluginProblem('dependencies', message, { file: files.get(plugins[0] ?? '') ?? '' }));
  }
  return problems;
}
