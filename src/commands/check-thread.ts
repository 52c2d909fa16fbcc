import { parentPort, workerData } from 'node:worker_threads';
import type { PluginBuild } from '../plugins/compile/build.ts';
import { evaluate } from '../plugins/evaluate/evaluate.ts';
import { PluginProblem } from '../plugins/problem.ts';
import { readConfig, readDefinition } from '../plugins/shape.ts';
import { type PlainProblem, plainProblem } from '../plugins/worker/plain-error.ts';

/* Where a plugin is evaluated that is only checked: whatever its code does, this thread can be ended. */

export interface CheckData {
  readonly build: PluginBuild;
  /** `plugins.config`. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** What a plugin says of itself. */
export interface Checked {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly isolation: 'none' | 'worker';
  readonly hasSchema: boolean;
}

export type CheckAnswer = { readonly checked: Checked } | { readonly problem: PlainProblem };

async function check({ build, config }: CheckData): Promise<Checked> {
  const { exports } = await evaluate(build);
  const definition = readDefinition(exports, build.file);
  const { name, version, dependencies = {}, optionalDependencies = {}, isolation = 'none' } = definition;
  // Not what every object has, such as `constructor`, which is a name as good as others.
  await readConfig(definition, Object.hasOwn(config, name) ? config[name] : undefined, build.file);
  const hasSchema = definition.config !== undefined;
  return { name, version, dependencies, optionalDependencies, isolation, hasSchema };
}

async function answer(): Promise<CheckAnswer> {
  const data = workerData as CheckData;
  try {
    return { checked: await check(data) };
  } catch (thrown) {
    const problem =
      thrown instanceof PluginProblem
        ? thrown
        : new PluginProblem(
            'config',
            `Its schema failed: ${String(thrown)}`,
            { file: data.build.file },
            thrown,
          );
    return { problem: plainProblem(problem) };
  }
}

parentPort?.postMessage(await answer());
