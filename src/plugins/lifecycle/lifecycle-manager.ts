import { relative } from 'node:path';
import { SightlineError } from '../../errors.ts';
import type { FlowServices } from '../../flow/flow.ts';
import type { PluginBuild } from '../build/build.ts';
import { PluginBuildError } from '../build/builder.ts';
import type { FileChange } from '../loader/dynamic-loader.ts';
import { describeProblem, type PluginProblem } from '../problem.ts';
import { Generation } from './generation.ts';
import type { LifecycleHost, PluginHost } from './host.ts';
import type { PluginInstance } from './instance.ts';
import { LeakWatch, type Retired } from './leak-watch.ts';
import { PluginRecord } from './record.ts';
import { evaluatedFileIn, reportStray } from './stray-errors.ts';
import { type Refusal, type Rejection, Transaction, type TransactionResult } from './transaction.ts';

export interface LifecycleOptions {
  /** Absolute; messages name files below it. */
  readonly folder: string;
  /** Names that a plugin cannot take: those of configured middleware. */
  readonly reservedNames: ReadonlySet<string>;
  /** Plugins that are never unloaded, and without which the service does not start. */
  readonly required: readonly string[];
}

/** How many versions that are held in memory are remembered by name. */
const leaksMax = 100;

/**
 * Carries plugins from one state to the next: which versions are active, in which order, and what becomes of
 * the old ones. Everything that changes the set goes through one queue, as a transaction that swaps one
 * reference at its end; exchanges that begin afterwards go through the new generation.
 */
export class PluginLifecycleManager {
  readonly #host: LifecycleHost;
  readonly #options: LifecycleOptions;
  readonly #records = new Map<string, PluginRecord>();
  readonly #draining = new Set<Generation>();
  readonly #leaks: Retired[] = [];
  #current: Generation;
  #queue: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(host: PluginHost, options: LifecycleOptions) {
    this.#host = { ...host, leakWatch: new LeakWatch((leak) => this.#reportLeak(leak)) };
    this.#options = options;
    this.#current = new Generation(1, [], host);
  }

  /** What an exchange gets that begins now. */
  get services(): FlowServices {
    return this.#current.services;
  }

  get generation(): Generation {
    return this.#current;
  }

  /** Replaced, and not drained yet; the oldest first. */
  get draining(): readonly Generation[] {
    return [...this.#draining];
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
      if (this.#isStopped) throw new SightlineError('stopping');
      await this.#transact({ builds: new Map([[build.file, build]]) });
      const newest = this.#records.get(build.file)?.newestProblem;
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
    const instances = [this.#current, ...this.#draining].flatMap((generation) => generation.instances);
    const culprit = instances.find((instance) => instance.body.hasThrown(thrown));
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
    return this.#queued(async () => {
      if (this.#isStopped) return;
      this.#isStopped = true;
      const generations = [...this.#draining, this.#current];
      const instances = new Set(generations.flatMap((generation) => [...generation.instances].reverse()));
      for (const instance of instances) await instance.retire();
      this.#host.leakWatch.stop();
    });
  }

  #queued<T>(step: () => Promise<T>): Promise<T> {
    const running = this.#queue.then(step);
    this.#queue = running.catch(() => undefined);
    return running;
  }

  async #apply(changes: readonly FileChange[]): Promise<void> {
    if (this.#isStopped) return;
    const builds = new Map<string, PluginBuild>();
    const broken = new Map<string, PluginBuildError>();
    for (const change of changes) {
      const { file, kind } = change;
      if (kind === 'gone' && !this.#records.has(file)) continue;
      const record = this.#recordOf(file);
      record.isGone = kind === 'gone';
      record.waiting = undefined;
      if (kind === 'broken') {
        this.#noteProblem(record, change.problem);
        if (change.problem instanceof PluginBuildError) broken.set(file, change.problem);
      } else if (kind === 'built') {
        // Back to what is active already, after a version that was rejected.
        if (record.instance?.build.hash === change.build.hash) record.newestProblem = undefined;
        else builds.set(file, change.build);
      }
    }
    await this.#transact({ builds, broken });
  }

  /** From here to the end nothing else changes the set. Returns what was to go and stays. */
  async #transact({
    builds = new Map(),
    broken = new Map(),
    unload,
  }: {
    readonly builds?: ReadonlyMap<string, PluginBuild>;
    readonly broken?: ReadonlyMap<string, PluginBuildError>;
    readonly unload?: string;
  }): Promise<readonly Refusal[]> {
    for (const file of builds.keys()) this.#recordOf(file);
    const { records } = this;
    const requests = records.map((record) => {
      const { file, instance, isGone } = record;
      // A version that waits for others may fit now.
      const build = isGone ? undefined : (builds.get(file) ?? record.waiting);
      if (build && !instance) record.move('loading');
      const remove = unload === file || (isGone && !this.#isRequired(instance));
      return { file, active: instance, build, remove, broken: broken.get(file) };
    });
    const result = await new Transaction(this.#host, this.#options, requests).run();
    for (const record of records) record.keptFor = [];
    for (const { file, neededBy } of result.refusals) this.#recordOf(file).keptFor = neededBy;
    this.#putInPlace(result);
    for (const rejection of result.rejections) this.#noteRejection(rejection);
    this.#forgetGone();
    return result.refusals;
  }

  #isRequired(instance: PluginInstance | undefined): boolean {
    const isRequired = instance !== undefined && this.#options.required.includes(instance.name);
    if (isRequired)
      this.#host.log.warn(`'${instance.name}' is required and stays, although its file is gone`);
    return isRequired;
  }

  /** The one moment at which exchanges that begin get other plugins. */
  #putInPlace({ instances, started }: TransactionResult): void {
    const before = this.#current;
    const isSame =
      instances.length === before.instances.length &&
      instances.every((instance, i) => instance === before.instances[i]);
    if (isSame) return;
    const next = new Generation(before.number + 1, instances, this.#host);
    this.#current = next;
    const removed = new Map<PluginRecord, PluginInstance>();
    for (const record of this.#records.values()) {
      const instance = started.get(record.file) ?? record.instance;
      if (instance && instances.includes(instance)) this.#activate(record, instance);
      else if (record.instance) {
        removed.set(record, record.instance);
        record.instance = undefined;
        record.move('draining');
      }
    }
    this.#tell(before, next);
    void this.#drain(before, removed);
  }

  #activate(record: PluginRecord, instance: PluginInstance): void {
    if (record.instance !== instance) {
      record.newestProblem = undefined;
      record.waiting = undefined;
    }
    record.instance = instance;
    record.name = instance.name;
    record.version = instance.version;
    record.move('active');
  }

  /** By name, so that a plugin which moves to another file is reloaded rather than lost. */
  #tell(before: Generation, next: Generation): void {
    const { hooks } = next.services;
    const { telemetry, log } = this.#host;
    const old = new Map(before.instances.map((instance) => [instance.name, instance]));
    for (const instance of next.instances) {
      const previous = old.get(instance.name);
      old.delete(instance.name);
      if (previous === instance) continue;
      const { name: plugin, version, build } = instance;
      const { file } = build;
      telemetry.changed(previous ? 'reloaded' : 'loaded', plugin);
      if (previous) {
        log.info({ plugin, version }, `plugin '${plugin}' is reloaded`);
        hooks.notify('plugin.reloaded', { plugin, version, previousVersion: previous.version, file });
      } else {
        log.info({ plugin, version }, `plugin '${plugin}' is loaded`);
        hooks.notify('plugin.loaded', { plugin, version, file });
      }
    }
    for (const { name: plugin, version, build } of old.values()) {
      telemetry.changed('unloaded', plugin);
      log.info({ plugin, version }, `plugin '${plugin}' is unloaded`);
      hooks.notify('plugin.unloaded', { plugin, version, file: build.file });
    }
  }

  /** Lets go of an old generation when its last exchange has ended, or at the deadline. */
  async #drain(old: Generation, removed: ReadonlyMap<PluginRecord, PluginInstance>): Promise<void> {
    this.#draining.add(old);
    const isDrained = await old.drained(this.#host.limits.pluginDrainTimeoutMs);
    if (!isDrained) {
      this.#host.log.warn(
        `${old.leases} exchanges still go through an old generation of plugins, which is cleaned up now`,
      );
    }
    // No exchange waits for its hooks, and some may still be under way.
    await old.services.hooks.idle();
    // Dependents first.
    for (const instance of [...old.instances].reverse()) {
      instance.generations -= 1;
      if (instance.generations === 0) await instance.retire();
    }
    this.#draining.delete(old);
    this.#forgetNames(old);
    for (const record of removed.keys()) if (record.state === 'draining') record.move('unloaded');
    this.#forgetGone();
  }

  /** Of plugins that no generation has any more. */
  #forgetNames(old: Generation): void {
    const generations = [this.#current, ...this.#draining];
    const names = new Set(generations.flatMap(({ instances }) => instances.map((instance) => instance.name)));
    for (const { name } of old.instances) if (!names.has(name)) this.#host.forget(name);
  }

  #noteRejection({ file, build, plugin, version, problem, isWaiting }: Rejection): void {
    const record = this.#recordOf(file);
    record.waiting = isWaiting ? build : undefined;
    this.#noteProblem(record, problem, plugin, version);
  }

  #noteProblem(record: PluginRecord, problem: PluginProblem, plugin?: string, version?: string): void {
    const { step, message, place = { file: record.file } } = problem;
    const isKnown = record.newestProblem?.message === message;
    const named = plugin ?? record.name;
    record.newestProblem = { step, message, place, plugin: named, version, at: new Date() };
    if (!record.instance) {
      record.name = named;
      record.version = version;
      record.move(step === 'initialize' ? 'failed' : 'rejected');
    }
    // One that waits is tried at each change of the set; nobody has to hear the same again.
    if (isKnown && record.waiting) return;
    const { telemetry, log } = this.#host;
    telemetry.changed('rejected', named);
    log.error(
      { plugin: named, version, step, ...place },
      `${relative(this.#options.folder, record.file)} is rejected: ${message}${
        record.instance ? `; ${record.instance.name} ${record.instance.version} stays active` : ''
      }`,
    );
    this.#current.services.hooks.notify('plugin.rejected', {
      plugin: named,
      version,
      file: record.file,
      problem,
    });
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
