import { relative } from 'node:path';
import { satisfies } from 'semver';
import type { PluginBuild } from '../build/build.ts';
import type { PluginBuildError } from '../build/builder.ts';
import { PluginProblem } from '../problem.ts';
import { type Candidate, prepare } from './candidate.ts';
import { type Dependent, dependentsOf, findConflicts, inDependencyOrder, usedBy } from './dependencies.ts';
import type { LifecycleHost } from './host.ts';
import type { PluginInstance } from './instance.ts';

/** What is asked for one file. */
export interface Request {
  readonly file: string;
  readonly active: PluginInstance | undefined;
  /** To be tried in place of the active version. */
  readonly build: PluginBuild | undefined;
  /** The active version is to go. */
  readonly remove: boolean;
  /** A newer version does not even compile: those that share a changed file with it wait for its repair. */
  readonly broken: PluginBuildError | undefined;
}

export interface Rejection {
  readonly file: string;
  /** Undefined where it did not get as far as telling them. */
  readonly plugin: string | undefined;
  readonly version: string | undefined;
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

export interface TransactionResult {
  /** The whole new set, dependencies first. */
  readonly instances: readonly PluginInstance[];
  /** Those of it that are new, by file. */
  readonly started: ReadonlyMap<string, PluginInstance>;
  readonly rejections: readonly Rejection[];
  readonly refusals: readonly Refusal[];
}

/** One file's place in the transaction. */
interface Slot {
  readonly file: string;
  readonly active: PluginInstance | undefined;
  readonly broken: PluginBuildError | undefined;
  /** Still wanted; undefined when it was rejected. */
  build: PluginBuild | undefined;
  candidate: Candidate | undefined;
  remove: boolean;
}

/**
 * From the active set of plugins to the next one: prepares what is new, settles who can be there with whom,
 * and initializes the new versions and all that depend on them, while the old ones serve. A version that
 * cannot be used is taken out, what was started is undone, and the rest is tried again: so one broken
 * plugin keeps back itself, those that need it, and those that share the helper that was changed. Nothing
 * of it is seen by an exchange; whoever runs it puts the result in place.
 */
export class Transaction {
  readonly #host: LifecycleHost;
  readonly #folder: string;
  readonly #reservedNames: ReadonlySet<string>;
  readonly #slots: readonly Slot[];
  readonly #rejections = new Map<string, Rejection>();
  readonly #refusals = new Map<string, Refusal>();

  constructor(
    host: LifecycleHost,
    options: { readonly folder: string; readonly reservedNames: ReadonlySet<string> },
    requests: readonly Request[],
  ) {
    this.#host = host;
    this.#folder = options.folder;
    this.#reservedNames = options.reservedNames;
    this.#slots = requests
      .map((request) => ({ ...request, candidate: undefined }))
      .sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** Never rejects: whatever goes wrong is a rejection of some file. */
  async run(): Promise<TransactionResult> {
    for (const slot of this.#slots) {
      if (slot.broken) this.#rejectSharers(slot, slot.broken.inputs, slot.broken);
    }
    for (;;) {
      await this.#prepare();
      while (this.#rejectOne());
      const started = await this.#start();
      if (started) return this.#result(started);
    }
  }

  /** Evaluates what is wanted and not evaluated: at first all, later those whose attempt was undone. */
  async #prepare(): Promise<void> {
    for (const slot of this.#slots) {
      if (!slot.build || slot.candidate) continue;
      try {
        slot.candidate = await prepare(this.#host, slot.build);
      } catch (thrown) {
        this.#reject(slot, asProblem(thrown, slot.file));
      }
    }
  }

  /** One step towards a set that can be active together; false when it can. */
  #rejectOne(): boolean {
    return this.#rejectName() || this.#rejectConflict();
  }

  #rejectName(): boolean {
    for (const slot of this.#slots) {
      const { candidate } = slot;
      if (!candidate) continue;
      if (this.#reservedNames.has(candidate.name)) {
        this.#rejectFor(slot, `The name '${candidate.name}' is that of a middleware of the configuration.`);
        return true;
      }
      const holder = this.#slots.find(
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
    const [conflict] = findConflicts(this.#nodes());
    if (!conflict) return false;
    const { message, plugins, provider } = conflict;
    const concerned = plugins.map((name) => this.#slotOf(name)).filter((slot) => slot !== undefined);
    if (concerned.length > 1) {
      for (const slot of concerned) this.#rejectFor(slot, message);
      return true;
    }
    const [slot] = concerned;
    if (!slot) return false;
    const ranges = nodeOf(slot)?.dependencies ?? {};
    const providing = provider === undefined ? undefined : this.#slotOf(provider);
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
    const nodes = this.#nodes();
    for (const slot of this.#slots) {
      const name = slot.active?.name;
      if (name === undefined || !needed.includes(name)) continue;
      if (nodes.some((node) => node.name === name)) continue;
      const dependents = nodes.filter((node) => Object.hasOwn(node.dependencies, name));
      if (slot.candidate) this.#rejectFor(slot, message);
      else
        this.#keep(
          slot,
          dependents.map((node) => node.name),
        );
    }
  }

  #keep(slot: Slot, neededBy: readonly string[]): void {
    this.#refusals.set(slot.file, { file: slot.file, neededBy });
    slot.remove = false;
  }

  /** Initializes in order. Undefined where one failed: then everything is undone, and somebody was rejected. */
  async #start(): Promise<Map<string, PluginInstance> | undefined> {
    const nodes = inDependencyOrder(this.#nodes());
    const restarted = this.#affected(nodes);
    const started = new Map<string, PluginInstance>();
    const instances = new Map<string, PluginInstance>();
    const byName = new Map(nodes.map((node) => [node.name, node]));
    for (const node of nodes) {
      const slot = this.#slotOf(node.name);
      if (!slot) continue;
      if (!slot.candidate && slot.active && !restarted.has(node.name)) {
        instances.set(node.name, slot.active);
        continue;
      }
      const used = new Map(usedBy(node, byName).map((name) => [name, instances.get(name)?.body.api]));
      try {
        const instance = await this.#startOne(slot, used);
        started.set(slot.file, instance);
        instances.set(node.name, instance);
      } catch (thrown) {
        await this.#undo(started);
        this.#blame(slot, nodes, asProblem(thrown, slot.file));
        return undefined;
      }
    }
    return started;
  }

  /** A dependent that did not change starts anew from its own build, with module state of its own. */
  async #startOne(slot: Slot, used: ReadonlyMap<string, unknown>): Promise<PluginInstance> {
    if (slot.candidate) return await slot.candidate.start(used);
    if (!slot.active) throw new Error('A slot without a version was to be started.');
    const candidate = await prepare(this.#host, slot.active.build);
    return await candidate.start(used);
  }

  /** Dependents of what changes: they have to get to know the new version, or that there is none any more. */
  #affected(nodes: readonly Dependent[]): Set<string> {
    const changed = new Set<string>();
    for (const { candidate, active, remove } of this.#slots) {
      if (candidate) changed.add(candidate.name);
      if (active && (candidate || remove)) changed.add(active.name);
    }
    const active = this.#slots.map((slot) => slot.active).filter((one) => one !== undefined);
    return new Set([...dependentsOf(changed, nodes), ...dependentsOf(changed, active)]);
  }

  async #undo(started: ReadonlyMap<string, PluginInstance>): Promise<void> {
    for (const instance of [...started.values()].reverse()) await instance.retire();
    for (const slot of this.#slots) {
      slot.candidate?.discard();
      slot.candidate = undefined;
    }
  }

  /** A version of its own is at fault; an unchanged dependent that does not start blames what has changed. */
  #blame(slot: Slot, nodes: readonly Dependent[], problem: PluginProblem): void {
    if (slot.build) {
      this.#reject(slot, problem, { version: this.#nodeNamed(slot, nodes) });
      return;
    }
    const name = slot.active?.name ?? '';
    const message = `'${name}', which uses it, does not start with it: ${problem.message}`;
    const concerned = this.#slots.filter((other) => {
      const changes = [other.build && this.#nodeNamed(other, nodes)?.name, other.active?.name];
      const isChanging = other.build !== undefined || other.remove;
      return isChanging && changes.some((one) => one !== undefined && this.#uses(name, one, nodes));
    });
    for (const other of concerned) {
      if (other.remove) this.#keep(other, [name]);
      else {
        const theirs = new PluginProblem('initialize', message, problem.place, problem);
        this.#reject(other, theirs, { version: this.#nodeNamed(other, nodes), isWaiting: true });
      }
    }
    if (concerned.length > 0) return;
    // Nobody to blame: it is restarted for something that is not its own. Everything stays as it is.
    for (const other of this.#slots) {
      const theirs = new PluginProblem('initialize', message, problem.place, problem);
      if (other.build) this.#reject(other, theirs, { isWaiting: true });
      other.remove = false;
    }
  }

  #uses(dependent: string, used: string, nodes: readonly Dependent[]): boolean {
    const active = this.#slots.map((slot) => slot.active).filter((one) => one !== undefined);
    return dependentsOf([used], nodes).has(dependent) || dependentsOf([used], active).has(dependent);
  }

  #nodeNamed(slot: Slot, nodes: readonly Dependent[]): Dependent | undefined {
    return nodes.find((node) => 'build' in node && node.build === slot.build);
  }

  #rejectFor(slot: Slot, message: string): void {
    const problem = new PluginProblem('dependencies', message, { file: slot.file });
    this.#reject(slot, problem, { isWaiting: true });
  }

  #reject(
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
    this.#rejections.set(file, { file, build, problem, plugin, version: version?.version, isWaiting });
    this.#rejectSharers(slot, build.inputs, problem);
  }

  /** A changed helper reaches all that compiled it in, or none of them. */
  #rejectSharers(slot: Slot, inputs: PluginBuild['inputs'], problem: PluginProblem): void {
    const changed = changedInputs(slot, inputs);
    for (const other of this.#slots) {
      if (!other.build || !other.active) continue;
      const shared = changedInputs(other, other.build.inputs).find((file) => changed.includes(file));
      if (shared === undefined) continue;
      const message = `It shares ${this.#short(shared)} with ${this.#short(slot.file)}, which cannot be used: ${problem.message}`;
      const theirs = new PluginProblem(problem.step, message, problem.place, problem);
      this.#reject(other, theirs, { isWaiting: true });
    }
  }

  #result(started: ReadonlyMap<string, PluginInstance>): TransactionResult {
    const instances = this.#slots
      .map((slot) => started.get(slot.file) ?? (slot.remove ? undefined : slot.active))
      .filter((instance) => instance !== undefined);
    return {
      instances: inDependencyOrder(instances),
      started,
      rejections: [...this.#rejections.values()],
      refusals: [...this.#refusals.values()],
    };
  }

  #nodes(): Dependent[] {
    return this.#slots.map(nodeOf).filter((node) => node !== undefined);
  }

  #slotOf(name: string): Slot | undefined {
    return this.#slots.find((slot) => nodeOf(slot)?.name === name);
  }

  #short(file: string): string {
    return relative(this.#folder, file);
  }
}

/** What a file has in the next set, as far as it is known by now. */
function nodeOf({ candidate, active, remove }: Slot): Dependent | undefined {
  return candidate ?? (remove ? undefined : active);
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

function asProblem(thrown: unknown, file: string): PluginProblem {
  if (thrown instanceof PluginProblem) return thrown;
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return new PluginProblem('initialize', what, { file }, thrown);
}
