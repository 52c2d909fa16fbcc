import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { BuildOptions, Message } from 'esbuild';
import type { PluginBuild } from './build.ts';
import { PluginBuildError, tellOf } from './build-error.ts';
import { isInside, LocalFiles } from './local-files.ts';
import { originsOf, readSourceMap, shiftLines } from './source-map.ts';
import { findTsconfig, readTsconfig } from './tsconfig.ts';

export { PluginBuildError } from './build-error.ts';

interface PluginBuilderOptions {
  /** Absolute root; nothing outside is compiled. */
  readonly folder: string;
  readonly fileBytesMax: number;
}

/** What esbuild made of an entry, and of what. */
type Compiled = Pick<PluginBuild, 'code' | 'map' | 'inputs'>;

/** How often esbuild's process was started anew; all builders share it. */
let restarts = 0;
/** Builders that have begun to use it. The last one ends it: builds under way in another would never end. */
let users = 0;

/**
 * Compiles a plugin and the local files that it imports into one piece. esbuild is loaded, and its child
 * process started, with the first build: a service without plugins pays nothing.
 */
export class PluginBuilder {
  readonly #folder: string;
  readonly #fileBytesMax: number;
  readonly #underWay = new Set<() => void>();
  #isUsed = false;
  #isClosed = false;

  constructor(options: PluginBuilderOptions) {
    this.#folder = resolve(options.folder);
    this.#fileBytesMax = options.fileBytesMax;
  }

  /** Rejects with a `PluginBuildError` and nothing else. Several builds may run at once. */
  async build(file: string): Promise<PluginBuild> {
    const entry = resolve(file);
    if (!isInside(this.#folder, entry)) {
      const message = `It is not inside the plugin folder ${this.#folder}, and nothing outside is compiled.`;
      throw new PluginBuildError(message, { place: { file: entry } });
    }
    try {
      return await this.#built(entry);
    } catch (error) {
      throw asBuildError(error, entry);
    }
  }

  /** Ends esbuild's child process if it was started. Idempotent; builds under way are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // From a process that is told to stop, esbuild hears nothing, and would let them wait for ever.
    for (const giveUp of this.#underWay) giveUp();
    if (!this.#isUsed) return;
    this.#isUsed = false;
    users -= 1;
    if (users === 0) await (await import('esbuild')).stop();
  }

  async #built(entry: string): Promise<PluginBuild> {
    const { code, map, inputs } = await this.#compiled(entry);
    const sources = readSourceMap(map, this.#folder);
    // Loaded with the first build, as esbuild is.
    const { rewrite } = await import('./rewrite.ts');
    return {
      file: entry,
      code: await rewrite(code, originsOf(sources, entry)),
      map: shiftLines(sources, 1),
      inputs,
      hash: hashOf(inputs),
    };
  }

  async #compiled(entry: string): Promise<Compiled> {
    const restartsBefore = restarts;
    try {
      return await this.#bundle(entry);
    } catch (error) {
      if (error instanceof PluginBuildError || this.#isClosed) throw error;
    }
    // Not a word about the source, so esbuild's process has died. It starts again only when told to stop; once,
    // or builds that died together would stop each other's second try.
    if (restarts === restartsBefore) {
      restarts++;
      await (await import('esbuild')).stop();
    }
    return await this.#bundle(entry);
  }

  async #bundle(entry: string): Promise<Compiled> {
    const local = new LocalFiles({ entry, folder: this.#folder, fileBytesMax: this.#fileBytesMax });
    const options = await this.#options(entry, local);
    const esbuild = await import('esbuild');
    // From here to the call nothing waits: a closed builder starts no process.
    if (this.#isClosed) throw closed(entry);
    if (!this.#isUsed) users += 1;
    this.#isUsed = true;
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(closed(entry));
    this.#underWay.add(giveUp);
    try {
      const { outputFiles = [] } = await Promise.race([esbuild.build(options), givenUp]);
      const text = (name: string) => outputFiles.find(({ path }) => path.endsWith(name))?.text ?? '';
      return { code: text('.js'), map: text('.js.map'), inputs: new Map(local.inputs) };
    } catch (error) {
      const messages = messagesOf(error);
      if (!messages) throw error;
      const { text, place } = tellOf(messages, this.#folder, entry);
      throw new PluginBuildError(text, {
        place,
        inputs: new Map(local.inputs),
        missing: local.missing,
        cause: error,
      });
    } finally {
      this.#underWay.delete(giveUp);
    }
  }

  async #options(entry: string, local: LocalFiles): Promise<BuildOptions> {
    const tsconfig = await findTsconfig(this.#folder, entry);
    if (tsconfig) await readTsconfig(tsconfig, local);
    return {
      entryPoints: [entry],
      absWorkingDir: this.#folder,
      // Nothing is written; sources of the map are told relative to it.
      outfile: resolve(this.#folder, 'plugin.js'),
      write: false,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      charset: 'utf8',
      packages: 'external',
      preserveSymlinks: true,
      // CommonJS knows its place by names of its own.
      define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
      // What packages promise about side effects is for web pages; a plugin's imports run as they are written.
      ignoreAnnotations: true,
      legalComments: 'none',
      sourcemap: 'external',
      sourcesContent: false,
      logLevel: 'silent',
      plugins: [local.plugin],
      ...(tsconfig ? { tsconfig } : { tsconfigRaw: {} }),
    };
  }
}

/** What esbuild has to say about the source; undefined where it broke down itself. */
function messagesOf(error: unknown): readonly Message[] | undefined {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return undefined;
  return error.errors.length > 0 ? error.errors : undefined;
}

function closed(file: string): PluginBuildError {
  return new PluginBuildError('The builder is closed.', { place: { file } });
}

function asBuildError(error: unknown, file: string): PluginBuildError {
  if (error instanceof PluginBuildError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new PluginBuildError(`The compiler failed: ${reason}`, { place: { file }, cause: error });
}

function hashOf(inputs: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [path, sha] of [...inputs].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${path}\0${sha}\n`);
  return hash.digest('hex');
}
