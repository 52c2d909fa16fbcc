import { relative } from 'node:path';
import { satisfies } from 'semver';
import type { PluginBuild } from '../compile/build.ts';
import { PluginProblem } from '../problem.ts';
import type { Candidate } from './candidate.ts';
import { type Dependent, findConflicts, type Needs } from './dependencies.ts';
import type { PluginInstance } from './instance.ts';
import type { UnusableVersion } from './record.ts';

/** What is asked for one file. */
export interface Request {
  readonly file: string;
  readonly active: PluginInstance | undefined;
  /** To be tried in place of the active version. */
  readonly build: PluginBuild | undefined;
  /** The active version is to go. */
  readonly remove: boolean;
  /** A newer version that is not tried again: those that share a changed file with it wait for its repair. */
  readonly unusable: UnusableVersion | undefined;
}

export interface TransactionOptions {
  /** Absolute; messages name files below it. */
  readonly folder: string;
  /** Names that a plugin and its middleware cannot take: those of configured middleware. */
  readonly reservedNames: ReadonlySet<string>;
  /** Plugins that stay when they are active. */
  readonly required: readonly string[];
}

export interface Rejection {
  readonly file: string;
  /** Undefined where it did not get as far as telling them. */
  readonly plugin: string | undefined;
  readonly version: string | undefined;
  readonly needs: Needs | undefined;
  readonly build: PluginBuild;
  readonly problem: PluginProblem;
  /** It is others that keep it out: with other versions of them it may fit. */
  readonly isWaiting: boolean;
}

/** A version that was to go, and stays. */
export interface Refusal {
  readonly file: string;
  readonly neededBy: readonly string[];
}

/** One file's place in the transaction. */
export interface Slot {
  readonly file: string;
  readonly active: PluginInstance | undefined;
  readonly unusable: UnusableVersion | undefined;
  /** Still wanted; undefined when it was rejected. */
  build: PluginBuild | undefined;
  candidate: Candidate | undefined;
  remove: boolean;
}

/**
 * The files of a transaction, and who of them can be active with whom: a version that cannot is rejected, and
 * one that was to go and is needed stays.
 */
export class Slots {
  readonly all: readonly Slot[];
  readonly rejections = new Map<string, Rejection>();
  readonly refusals = new Map<string, Refusal>();
  readonly #options: TransactionOptions;

  constructor(options: TransactionOptions, requests: readonly Request[]) {
    this.#options = options;
    this.all = requests
      .map((request) => ({ ...request, candidate: undefined }))
      .sort((a, b) => (a.file < b.file ? -1 : 1));
    for (const slot of this.all) {
      if (slot.unusable) this.#rejectSharers(slot, slot.unusable.inputs, slot.unusable.problem);
    }
  }

  get active(): PluginInstance[] {
    return this.all.map((slot) => slot.active).filter((one) => one !== undefined);
  }

  /** What each file has in the next set, as far as it is known by now. */
  nodes(): Dependent[] {
    return this.all.map(nodeOf).filter((node) => node !== undefined);
  }

  slotOf(name: string): Slot | undefined {
    return this.all.find((slot) => nodeOf(slot)?.name === name);
  }

  /** One step towards a set that can be active together; false when it can. */
  rejectOne(): boolean {
    return this.#rejectName() || this.#rejectConflict() || this.#keepRequired();
  }

  #rejectName(): boolean {
    for (const slot of this.all) {
      const { candidate } = slot;
      if (!candidate) continue;
      if (this.#options.reservedNames.has(candidate.name)) {
        this.#rejectFor(slot, `The name '${candidate.name}' is that of a middleware of the configuration.`);
        return true;
      }
      const holder = this.all.find(
        (other) => other !== slot && nodeOf(other)?.name === candidate.name && !this.#isBehind(other, slot),
      );
      if (!holder) continue;
      this.#rejectFor(slot, `The name '${candidate.name}' is taken by ${this.#short(holder.file)}.`);
      return true;
    }
    return false;
  }

  /** Of two that want one name, the one that has it already is ahead, then the one whose file comes first. */
  #isBehind(one: Slot, other: Slot): boolean {
    const name = nodeOf(one)?.name;
    const has = (slot: Slot) => slot.active?.name === name;
    if (has(one) !== has(other)) return has(other);
    return one.file > other.file;
  }

  #rejectConflict(): boolean {
    const [conflict] = findConflicts(this.nodes());
    if (!conflict) return false;
    const { message, plugins, provider } = conflict;
    const concerned = plugins.map((name) => this.slotOf(name)).filter((slot) => slot !== undefined);
    if (concerned.length > 1) {
      for (const slot of concerned) this.#rejectFor(slot, message);
      return true;
    }
    const [slot] = concerned;
    if (!slot) return false;
    const ranges = nodeOf(slot)?.dependencies ?? {};
    const providing = provider === undefined ? undefined : this.slotOf(provider);
    const isBroken =
      providing?.candidate && (!slot.candidate || (providing.active && isAccepted(providing.active, ranges)));
    // A new version that its dependents do not accept is refused, rather than they.
    if (providing && isBroken) this.#rejectFor(providing, message);
    else if (slot.candidate) this.#rejectFor(slot, message);
    else this.#keepNeeded(Object.keys(ranges), message);
    return true;
  }

  /** What an active plugin needs cannot go, nor take another name. */
  #keepNeeded(needed: readonly string[], message: string): void {
    const nodes = this.nodes();
    for (const slot of this.all) {
      const name = slot.active?.name;
      if (name === undefined || !needed.includes(name)) continue;
      if (nodes.some((node) => node.name === name)) continue;
      if (slot.candidate) this.#rejectFor(slot, message);
      else this.keep(slot, this.#activeDependentsOf(name));
    }
  }

  /** Names of those that would break without it. One that waits and was never active loses nothing. */
  #activeDependentsOf(name: string): string[] {
    const nodes = this.all.filter(({ active }) => active).map(nodeOf);
    return nodes.flatMap((node) => (node && Object.hasOwn(node.dependencies, name) ? node.name : []));
  }

  /** Another file may bring it as well; a file that is gone, or declares another name, does not. */
  #keepRequired(): boolean {
    const nodes = this.nodes();
    const lost = this.all.find(({ active }) => {
      const isRequired = active !== undefined && this.#options.required.includes(active.name);
      return isRequired && !nodes.some((node) => node.name === active.name);
    });
    if (!lost) return false;
    if (lost.candidate) {
      this.#rejectFor(lost, `'${lost.active?.name}' is required by the configuration, and would be lost.`);
    } else this.keep(lost, ['the configuration']);
    return true;
  }

  keep(slot: Slot, neededBy: readonly string[]): void {
    this.refusals.set(slot.file, { file: slot.file, neededBy });
    slot.remove = false;
    this.#reconsider();
  }

  /** An active version stays after all: new plugins that were rejected because it would go may fit. */
  #reconsider(): void {
    for (const slot of this.all) {
      const rejection = this.rejections.get(slot.file);
      if (slot.active || !rejection?.isWaiting) continue;
      slot.build = rejection.build;
      this.rejections.delete(slot.file);
    }
  }

  #rejectFor(slot: Slot, message: string): void {
    const problem = new PluginProblem('dependencies', message, { file: slot.file });
    this.reject(slot, problem, { isWaiting: true });
  }

  reject(
    slot: Slot,
    problem: PluginProblem,
    {
      version = slot.candidate,
      isWaiting = false,
    }: { version?: Dependent | undefined; isWaiting?: boolean } = {},
  ): void {
    const { file, build, candidate, active } = slot;
    if (!build) return;
    slot.build = undefined;
    slot.candidate = undefined;
    candidate?.discard();
    const plugin = version?.name ?? active?.name;
    const needs = version && needsOf(version);
    this.rejections.set(file, { file, build, problem, plugin, version: version?.version, needs, isWaiting });
    this.#rejectSharers(slot, build.inputs, problem);
    if (active) this.#reconsider();
  }

  /** A changed helper reaches all that compiled it in, or none of them. */
  #rejectSharers(slot: Slot, inputs: PluginBuild['inputs'], problem: PluginProblem): void {
    const changed = changedInputs(slot, inputs);
    for (const other of this.all) {
      if (!other.build || !other.active) continue;
      const shared = changedInputs(other, other.build.inputs).find((file) => changed.includes(file));
      if (shared === undefined) continue;
      const message = `It shares ${this.#short(shared)} with ${this.#short(slot.file)}, which cannot be used: ${problem.message}`;
      const theirs = new PluginProblem(problem.step, message, problem.place, problem);
      this.reject(other, theirs, { isWaiting: true });
    }
  }

  #short(file: string): string {
    return relative(this.#options.folder, file);
  }
}

/** What a file has in the next set, as far as it is known by now. */
function nodeOf({ candidate, active, remove }: Slot): Dependent | undefined {
  return candidate ?? (remove ? undefined : active);
}

/** Copies: it is remembered for longer than the code that it came from. */
function needsOf({ dependencies, optionalDependencies }: Dependent): Needs {
  return { dependencies: { ...dependencies }, optionalDependencies: { ...optionalDependencies } };
}

function isAccepted(active: Dependent, ranges: Readonly<Record<string, string>>): boolean {
  const range = ranges[active.name];
  return range !== undefined && satisfies(active.version, range);
}

/** Files beside the entry that are other than in the active version. */
function changedInputs({ active, file: entry }: Slot, inputs: PluginBuild['inputs']): string[] {
  if (!active) return [];
  return [...inputs]
    .filter(([file, hash]) => file !== entry && active.build.inputs.get(file) !== hash)
    .map(([file]) => file);
}
