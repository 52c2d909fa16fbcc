import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { PluginProblem } from '../problem.ts';
import { Batches } from './batches.ts';
import { Bell } from './bell.ts';
import type { FileChange } from './file-change.ts';
import { type FolderHints, type OpenHints, openFolderHints } from './folder-hints.ts';
import { type FolderLimits, type Look, PluginFolder } from './plugin-folder.ts';
import type { Builder } from './plugin-record.ts';

export type { FileChange } from './file-change.ts';

/**
 * For who waits: a file that is written without end is left to later looks after so many settle times, and no
 * sooner than a busy machine needs for some looks.
 */
const settleTimesMax = 20;
const settlingMsMin = 3_000;

/** Hints that never end make no endless looks: after each comes a rest, so many times as long. */
const restPerLook = 4;

export interface DynamicLoaderOptions {
  /** Absolute. It may be missing, appear, be a link, and lead elsewhere later. */
  readonly folder: string;
  readonly builder: Builder;
  /** False: only `scan` looks. */
  readonly watch: boolean;
  readonly limits: FolderLimits;
  readonly log: Logger;
  /**
   * Gets one batch at a time, in order of path; the next one waits until this has resolved. It must not
   * reject; if it does, that is logged. It must not wait for `scan` or `stop`, which wait for it.
   */
  readonly onChanges: (changes: readonly FileChange[]) => Promise<void>;
  /** What says that a look is worth while. Default: the operating system, by chokidar. */
  readonly openHints?: OpenHints;
}

/**
 * Tells which plugin files of a folder have a new build, a broken build, or are gone. Changes are found by
 * looks at the files; hints only make looks earlier, so none is missed where no hint comes.
 */
export class DynamicLoader {
  readonly #options: DynamicLoaderOptions;
  readonly #folder: PluginFolder;
  readonly #batches: Batches;
  readonly #bell = new Bell();
  readonly #stop = new AbortController();
  #started: Promise<void> | undefined;
  #watching: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  /** Where the folder and the linked ones in it led at the last look. */
  #links = '';
  /** Looks wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: DynamicLoaderOptions) {
    this.#options = options;
    this.#folder = new PluginFolder(options);
    this.#batches = new Batches(options.onChanges, options.log);
  }

  /** The plugin files that are there, in order of path. */
  get files(): readonly string[] {
    return this.#folder.files;
  }

  /**
   * The first look, without settling for files that are older than that; then, when its batch has been
   * applied, watching begins. A folder that does not exist may appear later. Idempotent.
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /**
   * Looks now and reads everything anew, however it looks: for mounts where nothing can be seen, and for who
   * does not want to wait. Resolves when what it found has been applied.
   */
  async scan(): Promise<void> {
    let looks = 0;
    await this.#lookUntilSettled(() => {
      const isThorough = looks++ === 0;
      return this.#look(() => this.#folder.look({ isThorough }));
    });
    await this.#batches.delivered;
  }

  /**
   * Builds one file, although nothing has changed. What comes of it is told here, and to `onChanges` only
   * when it changes again. Undefined where there is no such plugin file.
   */
  async rebuild(file: string): Promise<FileChange | undefined> {
    let rebuilt: FileChange | undefined;
    await this.#lookUntilSettled(async () => {
      const look = await this.#look(() => this.#folder.look({ again: file }), file);
      rebuilt = look?.changes.find(({ change }) => change.file === file)?.change;
      if (!look || rebuilt || !this.#folder.has(file)) return undefined;
      return { ...look, nextMs: look.nextMs ?? this.#options.limits.pluginSettleMs };
    });
    if (rebuilt?.kind === 'gone' || this.#stop.signal.aborted || !this.#folder.has(file)) return undefined;
    return rebuilt ?? { kind: 'broken', file, problem: stillWritten(file) };
  }

  /**
   * Idempotent, and safe before `start`. Afterwards there are no timers, no watchers and no callbacks; it waits
   * for a look and a batch that are under way.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    await this.#lookUntilSettled(() => this.#look(() => this.#folder.look()));
    await this.#batches.delivered;
    if (this.#options.watch && !this.#stop.signal.aborted) this.#watching = this.#watch();
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    this.#bell.ring();
    const delivered = this.#batches.stop();
    await this.#turn;
    await this.#watching;
    await delivered;
  }

  /** Where somebody waits for the outcome, the process has to stay up for it: these pauses keep it. */
  async #lookUntilSettled(look: () => Promise<Look | undefined>): Promise<void> {
    const { pluginSettleMs } = this.#options.limits;
    const endMs = performance.now() + Math.max(settleTimesMax * pluginSettleMs, settlingMsMin);
    for (let seen = await look(); seen?.nextMs !== undefined; seen = await look()) {
      if (performance.now() > endMs) return;
      await this.#rest(seen.nextMs, true);
    }
  }

  async #watch(): Promise<void> {
    const { folder, limits, log, openHints = openFolderHints } = this.#options;
    const open = () => openHints(folder, () => this.#bell.ring(), log);
    let hints: FolderHints = open();
    let links = this.#links;
    while (!this.#stop.signal.aborted) {
      this.#bell.clear();
      const begunMs = performance.now();
      const look = await this.#lookSafely();
      const tookMs = performance.now() - begunMs;
      // A watcher stays with the folder that a link led to when it began.
      if (this.#links !== links) {
        await hints.close();
        hints = open();
        links = this.#links;
      }
      const nextAtMs = performance.now() + Math.min(look?.nextMs ?? Infinity, limits.pluginSweepIntervalMs);
      await this.#rest(Math.min(tookMs * restPerLook, limits.pluginSettleMs / 2), false);
      await this.#bell.pause(Math.max(0, nextAtMs - performance.now()));
    }
    await hints.close();
  }

  async #lookSafely(): Promise<Look | undefined> {
    try {
      return await this.#look(() => this.#folder.look());
    } catch (thrown) {
      this.#options.log.error(describeError(thrown), 'the plugin folder could not be looked at');
      return undefined;
    }
  }

  /** One look at a time; its changes are handed on, but those of `except`. Undefined after `stop`. */
  #look(look: () => Promise<Look>, except?: string): Promise<Look | undefined> {
    const turn = this.#turn.then(async () => {
      if (this.#stop.signal.aborted) return undefined;
      const seen = await look();
      this.#links = seen.links;
      if (this.#stop.signal.aborted) return undefined;
      const own = seen.changes.find(({ change }) => change.file === except && change.kind !== 'gone');
      if (own) this.#batches.note(own);
      this.#batches.add(seen.changes.filter((change) => change !== own));
      return seen;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Ends early at `stop`. */
  async #rest(ms: number, keepsProcess: boolean): Promise<void> {
    await sleep(ms, undefined, { ref: keepsProcess, signal: this.#stop.signal }).catch(() => undefined);
  }
}

function stillWritten(file: string): PluginProblem {
  return new PluginProblem('build', 'It, or a file that it imports, is being written without end.', { file });
}
