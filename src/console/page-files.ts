import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The page's files by their names. */
export type PageFiles = ReadonlyMap<string, Buffer>;

const folder = fileURLToPath(new URL('./page/', import.meta.url));

/** Bundles the page from its sources. */
export async function bundlePage(): Promise<PageFiles> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: { console: 'main.tsx' },
    outdir: folder,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'silent',
  });
  const files = new Map<string, Buffer>();
  for (const { path, contents } of outputFiles) files.set(path.slice(folder.length), Buffer.from(contents));
  for (const name of ['index.html', 'icon.svg']) files.set(name, await readFile(folder + name));
  return files;
}
