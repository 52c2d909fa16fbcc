import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService, type TestServiceOptions } from '../support/service.ts';

/** A plugin folder of a test's own. */
export class PluginFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<PluginFolder> {
    return new PluginFolder(await mkdtemp(join(tmpdir(), 'sightline-plugins-')));
  }

  file(name: string): string {
    return join(this.path, `${name}.plugin.ts`);
  }

  /** As an editor saves: beside it, then over it. */
  async save(name: string, source: string): Promise<void> {
    const draft = join(this.path, `.${name}.draft`);
    await writeFile(draft, source);
    await rename(draft, this.file(name));
  }

  /** `body` stands in `initialize`, from line 7 on. */
  async savePlugin(name: string, body: string, version = '1.0.0'): Promise<void> {
    await this.save(
      name,
      `import { Chunk, createKey, definePlugin, Query, Reply, SightlineError } from 'sightline';
export default definePlugin({
  name: '${name}',
  version: '${version}',
  initialize(context) {
    const { registerHook, registerMiddleware, version } = context;
${body}
  },
});
`,
    );
  }

  saveFile(name: string, text: string): Promise<void> {
    return writeFile(join(this.path, name), text);
  }

  remove(name: string): Promise<void> {
    return rm(this.file(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A service that looks at the folder when it is asked to, or by itself where the test is of that. */
export function startWithFolder(
  folder: PluginFolder,
  { limits = {}, plugins = {}, ...config }: Record<string, object> = {},
  options: Omit<TestServiceOptions, 'config'> = {},
) {
  return startService({
    ...options,
    config: {
      ...config,
      limits: { pluginSettleMs: 1, ...limits },
      plugins: { folder: folder.path, watch: false, ...plugins },
    },
  });
}
