import { createHash } from 'node:crypto';
import { constants, open } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';

const loaders: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.json': 'json',
};
const extensions = Object.keys(loaders).join(' ');

/** Marks a question to esbuild's own resolver, which asks its plugins first. */
const asked = Symbol('asked');

interface LocalFilesOptions {
  readonly entry: string;
  readonly folder: string;
  readonly fileBytesMax: number;
}

/**
 * What one build compiles: local files inside the folder, and nothing else. Packages stay imports. The bytes
 * that are hashed are those that are compiled, so a file that changes meanwhile is seen to have changed.
 */
export class LocalFiles {
  readonly #options: LocalFilesOptions;
  /** Absolute path → SHA-256 of its bytes, for every file that was read. */
  readonly inputs = new Map<string, string>();
  readonly #missing = new Set<string>();

  constructor(options: LocalFilesOptions) {
    this.#options = options;
  }

  get missing(): readonly string[] {
    return [...this.#missing];
  }

  readonly plugin: Plugin = {
    name: 'sightline',
    setup: (build) => {
      build.onResolve({ filter: /.*/ }, (args) => this.#resolve(build, args));
      build.onLoad({ filter: /.*/, namespace: 'file' }, (args) => this.#load(args.path));
    },
  };

  /** Reads a file that the build depends on, as bytes; notes its hash. */
  async read(path: string): Promise<Buffer> {
    const bytes = await readBounded(path, this.#options.fileBytesMax);
    this.inputs.set(path, createHash('sha256').update(bytes).digest('hex'));
    return bytes;
  }

  async #resolve(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    if (args.pluginData === asked) return undefined;
    if (args.kind === 'entry-point') return { path: args.path, namespace: 'file' };
    const specifier = args.path.startsWith('file:') ? pathOfUrl(args.path) : args.path;
    if (specifier === undefined) return refuse(`'${args.path}' is the URL of no file.`);
    // Before tsconfig's `paths`, which point editors to the types of `sightline`.
    if (isBuiltin(specifier) || /^sightline(\/|$)/.test(specifier))
      return { path: specifier, external: true };

    const { kind, importer, resolveDir } = args;
    const found = await build.resolve(specifier, {
      kind,
      importer,
      resolveDir,
      with: args.with,
      namespace: args.namespace,
      pluginData: asked,
    });
    if (found.errors.length > 0) return this.#notFound(specifier, args) ?? { errors: found.errors };
    if (found.external) return { path: found.path, external: true };
    if (found.namespace !== 'file') return { path: found.path, namespace: found.namespace };
    return this.#found(found.path, found.suffix, specifier, args);
  }

  #found(path: string, suffix: string, specifier: string, args: OnResolveArgs): OnResolveResult {
    const { entry, folder } = this.#options;
    const isPackage = relative(folder, path).split(sep).includes('node_modules');
    if (!isInside(folder, path) && !(isPackage && !isLocal(specifier))) {
      return refuse(
        `'${args.path}' leads out of the plugin folder ${folder}. ` +
          'Expected a file inside it, or a package: only what is inside is watched and compiled.',
      );
    }
    // Node runs packages itself, and shares them with the service; TypeScript in packages it refuses, and JSON
    // without an attribute.
    if (isPackage && /^\.([cm]?js|node)$/.test(extname(path))) return { path, external: true };
    if (args.kind === 'require-resolve') return { path, external: true };
    if (path !== entry && /\.plugin\.(ts|js|mjs)$/.test(path)) {
      const name = basename(path).replace(/\.plugin\.\w+$/, '');
      return refuse(
        `'${args.path}' is another plugin, and importing it would make a second copy of its state. ` +
          `Expected 'import type' for its types, a dependency on it, and context.use('${name}') in initialize.`,
      );
    }
    return { path, suffix, namespace: 'file' };
  }

  #notFound(specifier: string, args: OnResolveArgs): OnResolveResult | undefined {
    if (!isLocal(specifier)) return undefined;
    const path = resolve(args.resolveDir, specifier);
    if (!isInside(this.#options.folder, path)) return this.#found(path, '', specifier, args);
    this.#missing.add(path);
    return refuse(
      `Cannot find '${args.path}' from ${args.resolveDir}. ` +
        `Expected a file of that name, with or without one of ${extensions}, or a folder with an index file.`,
    );
  }

  async #load(path: string): Promise<OnLoadResult> {
    const loader = loaders[extname(path)];
    if (!loader) {
      return refuse(`${path} cannot be compiled. Expected a file that ends in one of ${extensions}.`);
    }
    try {
      return { contents: await this.read(path), loader, resolveDir: dirname(path) };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        this.#missing.add(path);
        return refuse(`${path} does not exist.`);
      }
      return refuse(error instanceof Error ? error.message : String(error));
    }
  }
}

/** Is it a path inside the folder? By its text alone: a symlink inside the folder is inside. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  // Not every name that begins with two dots leads out: Kubernetes has folders `..data` and `..2026_…`.
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function isLocal(specifier: string): boolean {
  return /^\.{1,2}($|[\\/])/.test(specifier) || isAbsolute(specifier);
}

function pathOfUrl(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}

function refuse(text: string): { errors: { text: string }[] } {
  return { errors: [{ text }] };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Never reads more than the bound, whatever the file does meanwhile. */
async function readBounded(path: string, bytesMax: number): Promise<Buffer> {
  // A pipe that nobody writes to would let it wait for ever before it can be seen to be none.
  await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error(`${path} is not a file.`);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of file.createReadStream({ end: bytesMax })) {
    const bytes = part as Buffer;
    parts.push(bytes);
    size += bytes.length;
  }
  if (size > bytesMax) {
    throw new Error(`${path} is larger than the limit of ${bytesMax} bytes (pluginFileBytesMax).`);
  }
  return Buffer.concat(parts);
}
