import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { codeOf, isMissing } from './file-stamp.ts';

/** What a walk through the folder found. */
export interface PluginListing {
  /** Plugin files, whatever they turn out to be; no more than the limit. */
  readonly files: ReadonlySet<string>;
  /** Plugin files beyond the limit. */
  readonly filesBeyond: number;
  /** Folders beyond the limit; what they hold is not gone, and was not even counted. */
  readonly foldersBeyond: readonly string[];
  /** Folders that are there, or may be, and could not be read: what they hold is not gone either. */
  readonly unread: readonly string[];
  /** Where the folder and the linked folders in it lead: a watcher does not notice all that are swapped. */
  readonly links: string;
}

interface Folder {
  readonly path: string;
  /** With every link resolved: two ways to one folder are one, and links in a circle end. */
  readonly real: string;
}

/** `*.plugin.{ts,js,mjs}`, where `*` matches what it does in a shell: no hidden files. */
function isPluginFile(name: string): boolean {
  return /^[^.].*\.plugin\.(ts|js|mjs)$/.test(name) && !/\.test\./.test(name);
}

/** Not walked into: other people's code, and what Kubernetes and editors hide. */
function isWalked(name: string): boolean {
  return name !== 'node_modules' && !name.startsWith('.');
}

/**
 * The plugin files in and below the folder, in order of depth and name. Where there are more than `filesMax`,
 * those in `known` come first: a new file drives out none that is in use. As many folders are walked.
 */
export async function listPluginFiles(
  root: string,
  filesMax: number,
  known: ReadonlySet<string>,
): Promise<PluginListing> {
  const walk = new Walk(filesMax);
  await walk.through(root);
  const kept = walk.files.filter((file) => known.has(file));
  const fresh = walk.files.filter((file) => !known.has(file));
  const files = new Set([...kept, ...fresh].slice(0, filesMax));
  return {
    files,
    filesBeyond: walk.files.length - files.size,
    foldersBeyond: walk.foldersBeyond,
    unread: walk.unread,
    links: walk.links.join('\n'),
  };
}

class Walk {
  readonly files: string[] = [];
  readonly unread: string[] = [];
  readonly links: string[] = [];
  readonly foldersBeyond: string[] = [];
  readonly #seen = new Set<string>();
  readonly #foldersMax: number;

  constructor(foldersMax: number) {
    this.#foldersMax = foldersMax;
  }

  async through(root: string): Promise<void> {
    const start = await this.#follow(root);
    const queue = start ? [start] : [];
    for (let folder = queue.shift(); folder; folder = queue.shift()) {
      if (this.#seen.has(folder.real)) continue;
      if (this.#seen.size < this.#foldersMax) queue.push(...(await this.#read(folder)));
      else this.foldersBeyond.push(folder.path);
    }
  }

  /** Notes the plugin files of one folder; returns the folders in it. */
  async #read(folder: Folder): Promise<Folder[]> {
    this.#seen.add(folder.real);
    const entries = await this.#entries(folder.path);
    const inside: Folder[] = [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder.path, entry.name);
      if (isPluginFile(entry.name)) this.files.push(path);
      else if (!isWalked(entry.name)) continue;
      else if (entry.isDirectory()) inside.push({ path, real: join(folder.real, entry.name) });
      else if (entry.isSymbolicLink()) {
        const linked = await this.#follow(path);
        if (linked) inside.push(linked);
      }
    }
    return inside;
  }

  async #entries(path: string): Promise<Dirent[]> {
    try {
      return await readdir(path, { withFileTypes: true });
    } catch (thrown) {
      if (!isMissing(codeOf(thrown))) this.unread.push(path);
      return [];
    }
  }

  /** The folder to which a link leads; the root may be one, or be no link at all. */
  async #follow(path: string): Promise<Folder | undefined> {
    try {
      const real = await realpath(path);
      const stats = await stat(real);
      if (!stats.isDirectory()) return undefined;
      this.links.push(`${path} -> ${real} (${stats.ino})`);
      return { path, real };
    } catch (thrown) {
      if (!isMissing(codeOf(thrown))) this.unread.push(path);
      return undefined;
    }
  }
}

/** Is the path in one of these folders, or below? */
export function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
}
