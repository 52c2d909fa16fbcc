import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'jsonc-parser';
import { isInside, type LocalFiles } from './local-files.ts';

/** A chain of `extends` that is longer leads in a circle. */
const chainMax = 16;

/**
 * The tsconfig.json that governs a plugin: the nearest one at or above it, inside the folder. One further up
 * belongs to the project around the folder; the same plugin must compile to the same wherever it is put.
 */
export async function findTsconfig(folder: string, file: string): Promise<string | undefined> {
  for (let at = dirname(file); isInside(folder, at); at = dirname(at)) {
    const path = join(at, 'tsconfig.json');
    if (await isFile(path)) return path;
    if (at === dirname(at)) break;
  }
  return undefined;
}

/**
 * Counts a tsconfig, and the local ones that it extends, among what the build depends on: a change of one is
 * a change of the plugin. esbuild reads them itself, and says what is wrong with them.
 */
export async function readTsconfig(path: string, local: LocalFiles, depth = 0): Promise<void> {
  if (depth === chainMax || local.inputs.has(path)) return;
  const bytes = await local.read(path).catch(() => undefined);
  const config: unknown = bytes && parse(bytes.toString());
  if (typeof config !== 'object' || config === null || !('extends' in config)) return;
  for (const base of [config.extends].flat()) {
    if (typeof base !== 'string' || !(base.startsWith('.') || isAbsolute(base))) continue;
    const target = resolve(dirname(path), base);
    const found = (await isFile(target)) ? target : `${target}.json`;
    await readTsconfig(found, local, depth + 1);
  }
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ?? false;
}
