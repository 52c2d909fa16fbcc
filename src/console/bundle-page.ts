import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Message } from 'esbuild';

export interface PageBundle {
  /** By their names. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Absolute paths of all that it was made of. */
  readonly sources: readonly string[];
}

export interface BundleOptions {
  /** Of the page's sources. */
  readonly folder: string;
  /** The browser's debugger shows the sources. */
  readonly sourceMap: boolean;
}

/** What is served as it is written. */
const asWritten = ['index.html', 'icon.svg'];

/** The page's sources do not compile; the message is for whoever writes them. */
export class PageBuildError extends Error {
  override readonly name = 'PageBuildError';
}

/** Bundles the page from its sources. Rejects with a `PageBuildError`. esbuild is loaded with the first call. */
export async function bundlePage({ folder, sourceMap }: BundleOptions): Promise<PageBundle> {
  const root = resolve(folder);
  try {
    const { build } = await import('esbuild');
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      entryPoints: { console: 'main.tsx' },
      outdir: root,
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: 'esm',
      target: 'es2022',
      charset: 'utf8',
      footer: { js: '// Licenses of the packages in it: licenses.txt' },
      jsx: 'automatic',
      jsxImportSource: 'preact',
      sourcemap: sourceMap && 'linked',
      logLevel: 'silent',
    });
    const bundled = outputFiles.map(({ path, contents }) => [relative(root, path), contents] as const);
    const sources = Object.keys(metafile.inputs);
    const copied = asWritten.map(async (name) => [name, await readFile(join(root, name))] as const);
    return {
      files: new Map(
        [...bundled, ...(await Promise.all(copied)), await licenses(root, sources)].map(([name, bytes]) => [
          name,
          Buffer.from(bytes),
        ]),
      ),
      sources: [...sources, ...asWritten].map((path) => join(root, path)),
    };
  } catch (thrown) {
    throw new PageBuildError(`The page does not build:\n\n${tell(thrown)}`, { cause: thrown });
  }
}

/** Of the packages that went into it: whoever passes on what they wrote passes these on with it. */
async function licenses(root: string, sources: readonly string[]): Promise<readonly [string, string]> {
  const packages = sources.flatMap((path) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[0] ?? []);
  const texts = [...new Set(packages)].toSorted().map(async (path) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return `${name}\n\n${await readFile(join(root, path, 'LICENSE'), 'utf8')}`;
  });
  return ['licenses.txt', (await Promise.all(texts)).join('\n\n')];
}

function tell(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return 'errors' in thrown ? (thrown.errors as Message[]).map(tellMessage).join('\n\n') : thrown.message;
}

function tellMessage({ text, location }: Message): string {
  if (!location) return text;
  const { file, line, column, lineText } = location;
  return `${file}:${line}:${column + 1}: ${text}\n    ${lineText.trim()}`;
}
