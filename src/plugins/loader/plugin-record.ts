import { hash } from 'node:crypto';
import type { PluginBuild } from '../compile/build.ts';
import { PluginBuildError } from '../compile/build-error.ts';
import { PluginProblem } from '../problem.ts';
import type { FileChange, PrintedChange } from './file-change.ts';
import { absent, notAFile } from './file-stamp.ts';
import { importCandidates } from './import-candidates.ts';
import { type Moment, now, type TrackedFiles } from './tracked-files.ts';

export interface Builder {
  build(file: string): Promise<PluginBuild>;
}

/** A failed build is tried again after 1, 2, 4 … sweeps, and no more rarely than each 32. */
const retryDoublingsMax = 5;

interface Attempt {
  readonly change: FileChange;
  /** Path → content, of what was read. */
  readonly inputs: ReadonlyMap<string, string>;
  /** Where something was looked for and not found. */
  readonly missing: readonly string[];
}

/** One plugin file, and what it was last built from. */
export class PluginRecord {
  readonly file: string;
  readonly #retryMs: number;
  /** Path → content, as the last build read it. */
  #dependencies: ReadonlyMap<string, string> = new Map();
  /** Was all of that on disk, whole, when it was read? */
  #isConfirmed = false;
  #failures = 0;
  #retryAtMs = Number.POSITIVE_INFINITY;

  constructor(file: string, retryMs: number) {
    this.file = file;
    this.#retryMs = retryMs;
  }

  /** Everything whose change can change the build. */
  get paths(): ReadonlySet<string> {
    return new Set([this.file, ...this.#dependencies.keys()]);
  }

  /** Is something of it changing right now? Then a build could see half of it. */
  isHeld(files: TrackedFiles): boolean {
    return this.paths.values().some((path) => !files.isSettled(path));
  }

  /**
   * Not everything that a build fails of can be looked at: memory, a mount that was away, a name that leads
   * elsewhere by now. So a failed one is stale after a while, without cause, and ever more rarely.
   */
  isStale(files: TrackedFiles): boolean {
    return this.#isChanged(files) || performance.now() >= this.#retryAtMs;
  }

  /** The while is over. */
  retryFailed(): void {
    if (this.#failures > 0) this.#retryAtMs = 0;
  }

  /** Undefined where files changed while they were read: it has to be built again when they have settled. */
  async build(builder: Builder, files: TrackedFiles): Promise<PrintedChange | undefined> {
    const begun = now();
    const isChanged = this.#isChanged(files);
    const attempt = await this.#attempt(builder, files);
    await this.#confirm(attempt, files, begun);
    if (!this.#isConfirmed) return undefined;
    this.#planRetry(attempt.change.kind === 'broken', isChanged);
    return { change: attempt.change, print: printOf(attempt) };
  }

  #isChanged(files: TrackedFiles): boolean {
    if (!this.#isConfirmed) return true;
    return this.#dependencies.entries().some(([path, content]) => files.contentOf(path) !== content);
  }

  async #attempt(builder: Builder, files: TrackedFiles): Promise<Attempt> {
    const { file } = this;
    const content = files.contentOf(file) ?? absent;
    const entry = new Map([[file, content]]);
    if (content === absent) return { change: { kind: 'gone', file }, inputs: entry, missing: [] };
    if (content === notAFile) {
      const problem = new PluginProblem('build', 'It is not a file.', { file });
      return { change: { kind: 'broken', file, problem }, inputs: entry, missing: [] };
    }
    try {
      const build = await builder.build(file);
      return { change: { kind: 'built', file, build }, inputs: build.inputs, missing: [] };
    } catch (thrown) {
      const change: FileChange = { kind: 'broken', file, problem: asProblem(thrown, file) };
      if (!(thrown instanceof PluginBuildError)) return { change, inputs: entry, missing: [] };
      return { change, inputs: new Map([...entry, ...thrown.inputs]), missing: thrown.missing };
    }
  }

  /** Notes what was read, and whether all of it was whole. */
  async #confirm({ change, inputs, missing }: Attempt, files: TrackedFiles, begun: Moment): Promise<void> {
    const dependencies = new Map(inputs);
    let isConfirmed = true;
    // What is gone has been looked for often enough; it can be there and yet not belong to the folder.
    for (const [path, content] of change.kind === 'gone' ? [] : inputs) {
      isConfirmed = (await files.confirm(path, content, begun)) && isConfirmed;
    }
    for (const path of new Set(missing.flatMap(importCandidates))) {
      if (inputs.has(path)) continue;
      isConfirmed = (await files.confirmMissing(path, begun)) && isConfirmed;
      dependencies.set(path, files.contentOf(path) ?? absent);
    }
    this.#dependencies = dependencies;
    this.#isConfirmed = isConfirmed;
  }

  #planRetry(isBroken: boolean, isChanged: boolean): void {
    this.#failures = isBroken ? 1 + (isChanged ? 0 : this.#failures) : 0;
    const sweeps = 2 ** Math.min(this.#failures - 1, retryDoublingsMax);
    this.#retryAtMs = isBroken ? performance.now() + this.#retryMs * sweeps : Number.POSITIVE_INFINITY;
  }
}

/** Equal for equal bytes, and, where they do not build, for equal reasons. */
function printOf({ change, inputs }: Attempt): string {
  if (change.kind === 'gone') return change.kind;
  if (change.kind === 'built') return `built ${change.build.hash}`;
  const { message, place } = change.problem;
  const read = [...inputs].sort(([a], [b]) => (a < b ? -1 : 1));
  return `broken ${hash('sha256', JSON.stringify([message, place, read]))}`;
}

function asProblem(thrown: unknown, file: string): PluginProblem {
  if (thrown instanceof PluginProblem) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new PluginProblem('build', message, { file }, thrown);
}
