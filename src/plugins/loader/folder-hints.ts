import { basename, extname, relative, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { describeError } from '../../errors.ts';
import type { Logger } from '../../log.ts';

/** Something that says when a look at the folder is worth while; it may be wrong, late, or silent. */
export interface FolderHints {
  close(): Promise<void>;
}

export type OpenHints = (folder: string, onHint: () => void, log: Logger) => FolderHints;

/** What the operating system sees, by chokidar. It begins with a hint of its own, when it is ready. */
export const openFolderHints: OpenHints = (folder, onHint, log) => new WatcherHints(folder, onHint, log);

class WatcherHints implements FolderHints {
  readonly #folder: string;
  readonly #onHint: () => void;
  readonly #log: Logger;
  readonly #opened: Promise<FSWatcher | undefined>;
  #isClosed = false;
  #hasWarned = false;

  constructor(folder: string, onHint: () => void, log: Logger) {
    this.#folder = folder;
    this.#onHint = onHint;
    this.#log = log;
    this.#opened = this.#open();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await (await this.#opened)?.close();
    } catch (thrown) {
      this.#warn(thrown);
    }
  }

  async #open(): Promise<FSWatcher | undefined> {
    try {
      // Loaded by those alone who watch.
      const { watch } = await import('chokidar');
      if (this.#isClosed) return undefined;
      const watcher = watch(this.#folder, {
        persistent: false,
        ignoreInitial: true,
        // It would hold events back, and settling is done elsewhere.
        atomic: false,
        ignorePermissionErrors: true,
        ignored: (path) => isIgnored(relative(this.#folder, path)),
      });
      watcher.on('error', (error) => this.#warn(error));
      watcher.on('ready', () => this.#hint());
      watcher.on('all', (_event, path) => this.#hint(path));
      // Of swapped links, as Kubernetes does it, only the raw events tell.
      watcher.on('raw', (_event, path) => this.#hint(path));
      return watcher;
    } catch (thrown) {
      this.#warn(thrown);
      return undefined;
    }
  }

  #hint(path?: string | null): void {
    if (!this.#isClosed && isTelling(path)) this.#onHint();
  }

  /** Once: with no watches left to give, there is one error for each folder. */
  #warn(thrown: unknown): void {
    if (this.#hasWarned || this.#isClosed) return;
    this.#hasWarned = true;
    this.#log.warn(
      { folder: this.#folder, ...describeError(thrown) },
      'the plugin folder cannot be watched well: changes are seen at the next sweep',
    );
  }
}

/** Folders in which no plugin is looked for; the path is relative to the plugin folder. */
function isIgnored(path: string): boolean {
  return path.split(sep).some((name) => name === 'node_modules' || /^\.\.?[^.]/.test(name));
}

/** A log or a database beside the plugins, written all the time, is no reason to look. */
function isTelling(path: string | null | undefined): boolean {
  if (typeof path !== 'string') return true;
  const name = basename(path);
  return name.startsWith('..') || /^(\.[cm]?[jt]sx?|\.json|)$/.test(extname(name));
}
