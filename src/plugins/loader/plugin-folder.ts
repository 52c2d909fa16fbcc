import type { Limits } from '../../limits.ts';
import type { Logger } from '../../log.ts';
import type { PrintedChange } from './file-change.ts';
import { absent } from './file-stamp.ts';
import { inParallel } from './in-parallel.ts';
import { isBelow, listPluginFiles, type PluginListing } from './plugin-listing.ts';
import { type Builder, PluginRecord } from './plugin-record.ts';
import { type Moment, now, TrackedFiles } from './tracked-files.ts';

/** The compiler works in several threads; more builds at once than these only wait in it. */
const buildsAtOnce = 4;

/** How long a settled file waits for others that have not, in settle times. */
const settleTimesHeld = 3;

export type FolderLimits = Pick<
  Limits,
  'pluginSettleMs' | 'pluginSweepIntervalMs' | 'pluginFilesMax' | 'pluginFileBytesMax'
>;

interface PluginFolderOptions {
  readonly folder: string;
  readonly builder: Builder;
  readonly limits: FolderLimits;
  readonly log: Logger;
}

interface LookOptions {
  /** Reads everything anew, and retries what has failed. */
  readonly isThorough?: boolean;
  /** Builds this file, whether or not anything has changed. */
  readonly again?: string;
}

/** What one look made of the folder. */
export interface Look {
  /** In order of path. */
  readonly changes: readonly PrintedChange[];
  /** After so long another look finds more; undefined where nothing is changing. */
  readonly nextMs: number | undefined;
  /** Where the folder and the linked ones in it lead. */
  readonly links: string;
}

/**
 * The plugin files of a folder, with what each was built from. It has no timers and no watchers: it knows what
 * it sees when it is told to look. One look at a time.
 */
export class PluginFolder {
  readonly #options: PluginFolderOptions;
  readonly #files: TrackedFiles;
  readonly #records = new Map<string, PluginRecord>();
  #isFirst = true;
  #isBeyond = false;
  #unread = '';

  constructor(options: PluginFolderOptions) {
    this.#options = options;
    this.#files = new TrackedFiles(options.limits.pluginSettleMs, options.limits.pluginFileBytesMax);
  }

  /** In order of path. */
  get files(): readonly string[] {
    const isThere = (file: string) => (this.#files.contentOf(file) ?? absent) !== absent;
    return [...this.#records.keys()].filter(isThere).sort();
  }

  has(file: string): boolean {
    return this.#records.has(file);
  }

  async look({ isThorough = false, again }: LookOptions = {}): Promise<Look> {
    const begun = now();
    const listing = await this.#list();
    const missing = this.#missingFrom(listing);
    await this.#files.look(this.#paths(), missing, begun, this.#isFirst);
    this.#isFirst = false;
    if (isThorough) {
      this.#files.distrust();
      for (const record of this.#records.values()) record.retryFailed();
    }
    if (this.#isTimeToRead(begun)) await this.#files.readSettled(begun);
    const changes = await this.#build(again);
    for (const { change } of changes) {
      if (change.kind === 'gone' && !listing.files.has(change.file)) this.#records.delete(change.file);
    }
    return { changes, nextMs: this.#nextMs(), links: listing.links };
  }

  /** What is written together is read together, unless something is written on and on. */
  #isTimeToRead(begun: Moment): boolean {
    const settling = this.#files.settling();
    if (!settling) return false;
    return begun.steadyMs >= this.#readingAtMs(settling);
  }

  #readingAtMs({ firstAtMs, lastAtMs }: { firstAtMs: number; lastAtMs: number }): number {
    return Math.min(lastAtMs, firstAtMs + settleTimesHeld * this.#options.limits.pluginSettleMs);
  }

  #nextMs(): number | undefined {
    const settling = this.#files.settling();
    if (settling) return Math.max(0, this.#readingAtMs(settling) - performance.now());
    const isUnfinished = this.#records.values().some((record) => record.isStale(this.#files));
    return isUnfinished ? this.#options.limits.pluginSettleMs : undefined;
  }

  async #list(): Promise<PluginListing> {
    const { folder, limits } = this.#options;
    const listing = await listPluginFiles(folder, limits.pluginFilesMax, new Set(this.#records.keys()));
    for (const file of listing.files) {
      if (!this.#records.has(file)) {
        this.#records.set(file, new PluginRecord(file, limits.pluginSweepIntervalMs));
      }
    }
    this.#tellOf(listing);
    return listing;
  }

  /** Once for each state of affairs, not at each look. */
  #tellOf({ filesBeyond, foldersBeyond, unread }: PluginListing): void {
    const { folder, limits, log } = this.#options;
    const isBeyond = filesBeyond + foldersBeyond.length > 0;
    if (isBeyond && !this.#isBeyond) {
      log.warn(
        { folder, pluginFilesMax: limits.pluginFilesMax, filesBeyond, foldersBeyond: foldersBeyond.length },
        'the plugin folder holds more than pluginFilesMax: the rest of it is not looked at',
      );
    }
    this.#isBeyond = isBeyond;
    if (unread.length > 0 && this.#unread !== unread.join()) {
      log.warn({ folders: unread }, 'not all of the plugin folder can be read: what was known of it stays');
    }
    this.#unread = unread.join();
  }

  /** Known files that the walk did not come by, although it was where they were. */
  #missingFrom({ files, foldersBeyond, unread }: PluginListing): Set<string> {
    const missing = new Set<string>();
    const unknown = [...foldersBeyond, ...unread];
    for (const file of this.#records.keys()) {
      if (!files.has(file) && !isBelow(file, unknown)) missing.add(file);
    }
    return missing;
  }

  #paths(): Set<string> {
    const paths = new Set<string>();
    for (const record of this.#records.values()) for (const path of record.paths) paths.add(path);
    return paths;
  }

  async #build(again: string | undefined): Promise<PrintedChange[]> {
    const files = this.#files;
    const due = [...this.#records.values()].filter(
      (record) => (record.file === again || record.isStale(files)) && !record.isHeld(files),
    );
    const changes: PrintedChange[] = [];
    await inParallel(due, buildsAtOnce, async (record) => {
      const change = await record.build(this.#options.builder, files);
      if (change) changes.push(change);
    });
    return changes.sort((a, b) => (a.change.file < b.change.file ? -1 : 1));
  }
}
