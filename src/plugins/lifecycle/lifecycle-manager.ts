import { relative } from 'node:path';
import { SightlineError } from '../../errors.ts';
import type { FlowServices } from '../../flow/flow.ts';
import type { PluginBuild } from '../compile/build.ts';
import { PluginBuildError } from '../compile/builder.ts';
import type { FileChange } from '../loader/dynamic-loader.ts';
import { describeProblem, type PluginProblem } from '../problem.ts';
import { announceChanges } from './announce.ts';
import type { Generation } from './generation.ts';
import { Generations } from './generations.ts';
import type { LifecycleHost, PluginHost } from './host.ts';
import type { PluginInstance } from './instance.ts';
import { LeakWatch, type Retired } from './leak-watch.ts';
import { PluginRecord, type VersionTold } from './record.ts';
import type { Refusal, TransactionOptions } from './slots.ts';
import { evaluatedFileIn, reportStray } from './stray-errors.ts';
import { Transaction, type TransactionResult } from './transaction.ts';

/** How many versions that are held in memory are remembered by name. */
const leaksMax = 100;

/**
 * Carries plugins from one state to the next: which versions are active, in which order, and what becomes of
 * the old ones. Everything that changes the set goes through one queue, as a transaction that swaps one
 * reference at its end; exchanges that begin afterwards go through the new generation.
 */
export class PluginLifecycleManager {
  readonly #host: LifecycleHost;
  readonly #options: TransactionOptions;
  readonly #records = new Map<string, PluginRecord>();
  readonly #generations: Generations;
  readonly #leaks: Retired[] = [];
  #queue: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(host: PluginHost, options: TransactionOptions) {
    this.#host = { ...host, leakWatch: new LeakWatch((leak) => this.#reportLeak(leak)) };
    this.#options = options;
    this.#generations = new Generations(host);
  }

  /** What an exchange gets that begins now. */
  get services(): FlowServices {
    return this.generation.services;
  }

  get generation(): Generation {
    return this.#generations.current;
  }

  /** Replaced, and not drained yet; the oldest first. */
  get draining(): readonly Generation[] {
    return this.#generations.draining;
  }

  /** In order of the files. */
  get records(): readonly PluginRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** Versions that were unloaded and are still held in memory by something that they left behind. */
  get leaks(): readonly Retired[] {
    return this.#leaks;
  }

  /** Versions that were unloaded and have not been collected so far. */
  get versionsToCollect(): number {
    return this.#host.leakWatch.size;
  }

  find(name: string): PluginRecord | undefined {
    const named = this.records.filter((record) => record.name === name);
    return named.find((record) => record.instance) ?? named[0];
  }

  /** What the loader has found, as one transaction. Never rejects: what cannot be used is told as such. */
  apply(changes: readonly FileChange[]): Promise<void> {
    return this.#queued(() => this.#apply(changes));
  }

  /**
   * Loads a build, or puts it in the place of its file's active version, also where that is the same.
   * Rejects with `plugin_rejected` where it cannot be used.
   */
  loadPlugin(build: PluginBuild): Promise<void> {
    return this.#queued(async () => {
      this.#refuseStopped();
      const record = this.#recordOf(build.file);
      // Whoever has built it has seen its file.
      record.isGone = false;
      record.unusable = undefined;
      await this.#transact({ builds: new Map([[build.file, build]]) });
      this.#refuseStopped();
      const newest = record.newestProblem;
      if (newest) throw new SightlineError('plugin_rejected', { message: describeProblem(newest) });
    });
  }

  /** Initializes the active version anew, and its dependents. Rejects where there is none, or it fails. */
  async reloadPlugin(name: string): Promise<void> {
    await this.loadPlugin(this.#activeNamed(name).build);
  }

  /** Its file stays; a change of the file, or loading it again, brings it back. Rejects where others need it. */
  unloadPlugin(name: string): Promise<void> {
    return this.#queued(async () => {
      this.#refuseStopped();
      const { build } = this.#activeNamed(name);
      if (this.#options.required.includes(name)) {
        throw new SightlineError('plugin_needed', { message: `'${name}' is required by the configuration.` });
      }
      const refusals = await this.#transact({ unload: build.file });
      const neededBy = refusals.find((refusal) => refusal.file === build.file)?.neededBy.join(', ');
      if (neededBy !== undefined) {
        throw new SightlineError('plugin_needed', { message: `'${name}' is needed by ${neededBy}.` });
      }
    });
  }

  /**
   * For what nobody caught: true where the code of a plugin threw it, which is told then. The service need not
   * die of it.
   */
  ownsStray(thrown: unknown): boolean {
    const culprit = this.#generations.instances.find((instance) => instance.body.hasThrown(thrown));
    if (culprit) {
      const { name: plugin, version, build, body } = culprit;
      const frames = thrown instanceof Error ? body.frames(thrown) : undefined;
      reportStray(this.#host, { plugin, version, file: build.file }, thrown, frames);
      return true;
    }
    // A version that is gone has left something behind; its stack still tells the file.
    const file = evaluatedFileIn(thrown, this.#options.folder);
    if (file === undefined) return false;
    const plugin = this.#records.get(file)?.name ?? relative(this.#options.folder, file);
    reportStray(this.#host, { plugin, file }, thrown, undefined);
    return true;
  }

  /** No exchange runs any more: every plugin is cleaned up, dependents first. Idempotent, never rejects. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Not in the queue: a version that hangs there in `initialize` must not cost the others their `cleanup`. */
  async #stop(): Promise<void> {
    await this.#generations.retire();
    await this.#queue;
    this.#host.leakWatch.stop();
  }

  #refuseStopped(): void {
    if (this.#stopped) throw new SightlineError('stopping');
  }

  #queued<T>(step: () => Promise<T>): Promise<T> {
    const running = this.#queue.then(step);
    this.#queue = running.catch(() => undefined);
    return running;
  }

  async #apply(changes: readonly FileChange[]): Promise<void> {
    if (this.#stopped) return;
    const builds = new Map<string, PluginBuild>();
    for (const change of changes) {
      const { file, kind } = change;
      if (kind === 'gone' && !this.#records.has(file)) continue;
      const record = this.#recordOf(file);
      record.isGone = kind === 'gone';
      record.waiting = undefined;
      record.unusable = undefined;
      if (kind === 'broken') {
        const { problem } = change;
        this.#noteProblem(record, problem);
        if (problem instanceof PluginBuildError) record.unusable = { inputs: problem.inputs, problem };
      } else if (kind === 'built') {
        // What was wrong with another version says nothing of this one, which may be what is active already.
        const wasRejected = record.newestProblem !== undefined;
        record.newestProblem = undefined;
        if (record.instance?.build.hash !== change.build.hash) builds.set(file, change.build);
        else if (wasRejected) this.#host.log.info({ file }, 'the file is again as the active version has it');
      }
    }
    await this.#transact({ builds });
  }

  /** From here to the end nothing else changes the set. Returns what was to go and stays. */
  async #transact({
    builds = new Map(),
    unload,
  }: {
    readonly builds?: ReadonlyMap<string, PluginBuild>;
    readonly unload?: string;
  }): Promise<readonly Refusal[]> {
    for (const file of builds.keys()) this.#recordOf(file);
    const { records } = this;
    const requests = records.map((record) => {
      const { file, instance, isGone, unusable } = record;
      const remove = isGone || unload === file;
      // A version that waits for others may fit now.
      const build = remove ? undefined : (builds.get(file) ?? record.waiting);
      if (build && !instance) record.move('loading');
      return { file, active: instance, build, remove, unusable };
    });
    const result = await new Transaction(this.#host, this.#options, requests).run();
    if (this.#stopped) {
      for (const instance of [...result.started.values()].reverse()) await instance.retire();
      return [];
    }
    this.#noteRefusals(records, result.refusals);
    this.#putInPlace(result);
    for (const { file, build, problem, isWaiting, ...version } of result.rejections) {
      const record = this.#recordOf(file);
      record.keepOut(build, problem, isWaiting);
      this.#noteProblem(record, problem, version);
    }
    this.#forgetNames(result.rejections.map(({ plugin }) => plugin).filter((name) => name !== undefined));
    this.#forgetGone();
    return result.refusals;
  }

  #noteRefusals(records: readonly PluginRecord[], refusals: readonly Refusal[]): void {
    for (const record of records) {
      const { name: plugin, keptFor: before, isGone } = record;
      record.keptFor = refusals.find(({ file }) => file === record.file)?.neededBy ?? [];
      if (!isGone || record.keptFor.length === 0 || before.length > 0) continue;
      const neededBy = record.keptFor.join(', ');
      this.#host.log.warn({ plugin }, `'${plugin}' stays, although its file is gone: ${neededBy} needs it`);
    }
  }

  #putInPlace({ instances, started }: TransactionResult): void {
    const before = this.#generations.replace(instances);
    if (!before) return;
    for (const record of this.#records.values()) {
      const instance = started.get(record.file) ?? record.instance;
      if (instance && instances.includes(instance)) record.activate(instance);
      else record.deactivate();
    }
    announceChanges(this.#host, before, this.generation);
    void this.#drain(before);
  }

  async #drain(old: Generation): Promise<void> {
    await this.#generations.drain(old);
    const draining = this.draining.flatMap(({ instances }) => instances);
    const files = new Set(draining.map(({ build }) => build.file));
    for (const record of this.#records.values()) {
      if (record.state === 'draining' && !files.has(record.file)) record.move('unloaded');
    }
    this.#forgetGone();
    // A version of the same name may be on its way in.
    await this.#queued(async () => this.#forgetNames(old.instances.map(({ name }) => name)));
  }

  /** Of these, those that no generation has any more. */
  #forgetNames(names: readonly string[]): void {
    const { instances } = this.#generations;
    for (const name of new Set(names)) {
      if (!instances.some((instance) => instance.name === name)) this.#host.forget(name);
    }
  }

  /** Tells of a version that cannot be used; of one that is kept out again by the same as before, nothing new. */
  #noteProblem(record: PluginRecord, problem: PluginProblem, of: VersionTold = {}): void {
    if (!record.noteProblem(problem, of)) return;
    const { file, instance, newestProblem } = record;
    const { telemetry, log } = this.#host;
    const { step, message } = problem;
    const { version } = of;
    const plugin = newestProblem?.plugin;
    telemetry.changed('rejected', plugin);
    log.error(
      { plugin, version, step, ...newestProblem?.place },
      `${relative(this.#options.folder, file)} is rejected: ${message}${
        instance ? ` (${instance.name} ${instance.version} stays active)` : ''
      }`,
    );
    this.services.hooks.notify('plugin.rejected', { plugin, version, file, problem });
  }

  #reportLeak({ plugin, version }: Retired): void {
    if (this.#leaks.length >= leaksMax) this.#leaks.shift();
    this.#leaks.push({ plugin, version });
    this.#host.telemetry.leaked(plugin);
    this.#host.log.warn(
      { plugin, version },
      `plugin '${plugin}' ${version} was unloaded and is still held in memory: it has left something behind, ` +
        'such as a timer of globalThis, a listener on an object of the process, or an entry in a shared map; ' +
        'undo it in cleanup, or with the signal of its context',
    );
  }

  #activeNamed(name: string): PluginInstance {
    const instance = this.find(name)?.instance;
    if (instance) return instance;
    throw new SightlineError('resource_unknown', { message: `No plugin '${name}' is active.` });
  }

  #recordOf(file: string): PluginRecord {
    const known = this.#records.get(file);
    if (known) return known;
    const record = new PluginRecord(file, (from, to) => this.#host.telemetry.moved(from, to));
    this.#records.set(file, record);
    return record;
  }

  #forgetGone(): void {
    for (const record of this.#records.values()) {
      if (!record.isGone || record.instance || record.state === 'draining') continue;
      record.move(undefined);
      this.#records.delete(record.file);
    }
  }
}
