import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { PluginBuild } from '../../../src/plugins/compile/build.ts';
import { PluginBuildError, PluginBuilder } from '../../../src/plugins/compile/builder.ts';
import { type EvaluatedModule, evaluate } from '../../../src/plugins/evaluate/evaluate.ts';
import { PluginProblem } from '../../../src/plugins/problem.ts';

/** A folder of plugins with a builder, for one test. */
export class PluginFolder {
  readonly root: string;
  readonly #builder: PluginBuilder;

  constructor(root: string, fileBytesMax: number) {
    this.root = root;
    this.#builder = new PluginBuilder({ folder: root, fileBytesMax });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(this.path(name)), { recursive: true });
      await writeFile(this.path(name), content);
    }
  }

  build(name = 'a.plugin.ts'): Promise<PluginBuild> {
    return this.#builder.build(this.path(name));
  }

  close(): Promise<void> {
    return this.#builder.close();
  }

  /** What the build was refused for. */
  async refused(name = 'a.plugin.ts'): Promise<PluginBuildError> {
    const error = await this.build(name).then(
      () => new Error('it was built'),
      (thrown: unknown) => thrown,
    );
    if (error instanceof PluginBuildError) return error;
    throw error;
  }

  async evaluate(name = 'a.plugin.ts'): Promise<EvaluatedModule> {
    return evaluate(await this.build(name));
  }

  /** The default export of the file, built and evaluated. */
  async run(source: string, name = 'a.plugin.ts'): Promise<unknown> {
    await this.write({ [name]: source });
    const module = await this.evaluate(name);
    module.dispose();
    return module.exports.default;
  }

  /** What the evaluation was refused for. */
  async failed(source: string, name = 'a.plugin.ts'): Promise<PluginProblem> {
    await this.write({ [name]: source });
    const build = await this.build(name);
    const error = await evaluate(build).then(
      () => new Error('it was evaluated'),
      (thrown: unknown) => thrown,
    );
    if (error instanceof PluginProblem) return error;
    throw error;
  }
}

interface PluginFolderOptions {
  readonly fileBytesMax?: number;
  /** Name of the folder itself. */
  readonly name?: string;
}

export async function pluginFolder(
  test: TestContext,
  files: Readonly<Record<string, string | Uint8Array>> = {},
  { fileBytesMax = 1_000_000, name = 'plugins' }: PluginFolderOptions = {},
): Promise<PluginFolder> {
  const outer = await mkdtemp(join(tmpdir(), 'sightline-plugins-'));
  const folder = new PluginFolder(join(outer, name), fileBytesMax);
  await mkdir(folder.root);
  await folder.write(files);
  test.after(async () => {
    await folder.close();
    await rm(outer, { recursive: true });
  });
  return folder;
}
