import { wordsOf } from '../../exchange/thrown.ts';
import { PluginProblem } from '../problem.ts';
import { prepare } from './candidate.ts';
import { findClash, hasType, typeTaken } from './clash.ts';
import { type Dependent, dependentsOf, inDependencyOrder, usedBy } from './dependencies.ts';
import type { LifecycleHost } from './host.ts';
import type { PluginInstance } from './instance.ts';
import {
  type Refusal,
  type Rejection,
  type Request,
  type Slot,
  Slots,
  type TransactionOptions,
} from './slots.ts';

export interface TransactionResult {
  /** The whole new set, dependencies first. */
  readonly instances: readonly PluginInstance[];
  /** Those of it that are new, by file. */
  readonly started: ReadonlyMap<string, PluginInstance>;
  readonly rejections: readonly Rejection[];
  readonly refusals: readonly Refusal[];
}

type Used = ReadonlyMap<string, PluginInstance>;

/** A new version that is initialized, and those that it was given to use, by name. */
interface Started {
  readonly instance: PluginInstance;
  readonly used: Used;
}

/**
 * From the active set of plugins to the next one: prepares what is new, settles who can be there with whom,
 * and initializes the new versions and all that depend on them, while the old ones serve. A version that
 * cannot be used is taken out, and the rest is tried again: so one broken plugin keeps back itself, those
 * that need it, and those that share the helper that was changed. Nothing of it is seen by an exchange;
 * whoever runs it puts the result in place.
 */
export class Transaction {
  readonly #host: LifecycleHost;
  readonly #options: TransactionOptions;
  readonly #slots: Slots;
  /** By file, in the order in which they were started. */
  readonly #started = new Map<string, Started>();

  constructor(host: LifecycleHost, options: TransactionOptions, requests: readonly Request[]) {
    this.#host = host;
    this.#options = options;
    this.#slots = new Slots(options, requests);
  }

  /** Never rejects: whatever goes wrong is a rejection of some file. */
  async run(): Promise<TransactionResult> {
    for (;;) {
      await this.#prepare();
      if (this.#slots.rejectOne()) continue;
      if (await this.#start()) return this.#result();
    }
  }

  /** Evaluates what is wanted and not evaluated: at first all, later those whose attempt was undone. */
  async #prepare(): Promise<void> {
    for (const slot of this.#slots.all) {
      if (!slot.build || slot.candidate) continue;
      try {
        slot.candidate = await prepare(this.#host, slot.build);
      } catch (thrown) {
        this.#slots.reject(slot, asProblem(thrown, slot.file));
      }
    }
  }

  /** Initializes in order. False where one failed: then somebody was rejected, and the rest is to be tried again. */
  async #start(): Promise<boolean> {
    const nodes = inDependencyOrder(this.#slots.nodes());
    const restarted = this.#affected(nodes);
    const instances = new Map<string, PluginInstance>();
    const byName = new Map(nodes.map((node) => [node.name, node]));
    if (!this.#isStillWanted(restarted)) {
      await this.#undo();
      return false;
    }
    for (const node of nodes) {
      const slot = this.#slots.slotOf(node.name);
      if (!slot) continue;
      if (!slot.candidate && slot.active && !restarted.has(node.name)) {
        instances.set(node.name, slot.active);
        continue;
      }
      const used = pick(instances, usedBy(node, byName));
      const earlier = this.#started.get(slot.file);
      if (earlier && !isSame(earlier.used, used)) {
        await this.#undo();
        return false;
      }
      const instance = earlier?.instance ?? (await this.#startOrBlame(slot, used, nodes));
      if (!instance) return false;
      this.#started.set(slot.file, { instance, used });
      instances.set(node.name, instance);
      const others = [...instances.values(), ...this.#staying(restarted)];
      if (await this.#giveWay(slot, instance, others, nodes)) return false;
    }
    return true;
  }

  /** Is all that an earlier attempt started to be started now as well? */
  #isStillWanted(restarted: ReadonlySet<string>): boolean {
    return [...this.#started].every(([file, { instance }]) => {
      const slot = this.#slots.slotOf(instance.name);
      return slot?.file === file && (slot.candidate !== undefined || restarted.has(instance.name));
    });
  }

  async #startOrBlame(
    slot: Slot,
    used: Used,
    nodes: readonly Dependent[],
  ): Promise<PluginInstance | undefined> {
    try {
      return await this.#startOne(slot, used);
    } catch (thrown) {
      const isAlone = this.#blame(slot, nodes, asProblem(thrown, slot.file));
      if (!isAlone) await this.#undo();
      return undefined;
    }
  }

  /** A dependent that did not change starts anew from its own build, with module state of its own. */
  async #startOne(slot: Slot, used: Used): Promise<PluginInstance> {
    const build = slot.active?.build;
    const candidate = slot.candidate ?? (build && (await prepare(this.#host, build)));
    if (!candidate) throw new Error('A slot without a version was to be started.');
    const apis = new Map([...used].map(([name, { body }]) => [name, body.api]));
    const instance = await candidate.start(apis);
    const reserved = this.#reservedIn(instance);
    if (reserved === undefined) return instance;
    await instance.retire();
    throw new PluginProblem('initialize', reserved, { file: slot.file });
  }

  /** What it brings under a name that no plugin can have, in words. */
  #reservedIn({ middleware, messageTypes }: PluginInstance): string | undefined {
    const own = middleware.find(({ entry }) => this.#options.reservedNames.has(entry.name));
    if (own) return `The name '${own.entry.name}' of its middleware is that of one of the configuration.`;
    const program = this.#host.messageTypes;
    const taken = messageTypes.find(({ messageType: { type } }) => program.some((one) => one.type === type));
    return (
      taken && `Its message type '${taken.messageType.type}' is one of the program that embeds Sightline.`
    );
  }

  /** Active versions that nothing is about to happen to. */
  #staying(restarted: ReadonlySet<string>): PluginInstance[] {
    const staying = this.#slots.all.filter(
      ({ candidate, active, remove }) => !candidate && !remove && active && !restarted.has(active.name),
    );
    return staying.flatMap(({ active }) => active ?? []);
  }

  /**
   * Of two that bring one message type, the one that has it already is ahead, then the one that was started
   * first. True where one of them was rejected for it.
   */
  async #giveWay(
    slot: Slot,
    instance: PluginInstance,
    others: readonly PluginInstance[],
    nodes: readonly Dependent[],
  ): Promise<boolean> {
    const clash = findClash(instance, others);
    if (!clash) return false;
    const { type, other } = clash;
    const otherSlot = this.#slots.slotOf(other.name);
    const isAhead = ({ active }: Slot) => active !== undefined && hasType(active, type);
    if (otherSlot && isAhead(slot) && !isAhead(otherSlot)) {
      this.#blame(otherSlot, nodes, typeTaken(otherSlot.file, type, instance.name));
      await this.#undo();
      return true;
    }
    this.#started.delete(slot.file);
    await instance.retire();
    if (!this.#blame(slot, nodes, typeTaken(slot.file, type, other.name))) await this.#undo();
    return true;
  }

  /** Dependents of what changes: they have to get to know the new version, or that there is none any more. */
  #affected(nodes: readonly Dependent[]): Set<string> {
    const changed = new Set<string>();
    for (const { candidate, active, remove } of this.#slots.all) {
      if (candidate) changed.add(candidate.name);
      if (active && (candidate || remove)) changed.add(active.name);
    }
    return new Set([...dependentsOf(changed, nodes), ...dependentsOf(changed, this.#slots.active)]);
  }

  /** Everything begins again. */
  async #undo(): Promise<void> {
    for (const { instance } of [...this.#started.values()].reverse()) await instance.retire();
    this.#started.clear();
    for (const slot of this.#slots.all) {
      slot.candidate?.discard();
      slot.candidate = undefined;
    }
  }

  /**
   * A version of its own is at fault; an unchanged dependent that does not start blames what has changed. True
   * where only a plugin that is new has to go: nobody who was started before it uses it, so all of them stay.
   */
  #blame(slot: Slot, nodes: readonly Dependent[], problem: PluginProblem): boolean {
    const { rejections } = this.#slots;
    const rejectedBefore = rejections.size;
    if (slot.build) {
      // Others keep it out: it is tried again with other versions of them.
      const isWaiting = problem.step === 'dependencies';
      this.#slots.reject(slot, problem, { version: nodeNamed(slot, nodes), isWaiting });
      return !slot.active && rejections.size === rejectedBefore + 1;
    }
    const name = slot.active?.name ?? '';
    const message = `'${name}', which uses it, does not start with it: ${problem.message}`;
    const theirs = new PluginProblem('initialize', message, problem.place, problem);
    const concerned = this.#slots.all.filter((other) => {
      const changes = [other.build && nodeNamed(other, nodes)?.name, other.active?.name];
      const isChanging = other.build !== undefined || other.remove;
      return isChanging && changes.some((one) => one !== undefined && this.#uses(name, one, nodes));
    });
    for (const other of concerned) {
      if (other.remove) this.#slots.keep(other, [name]);
      else this.#slots.reject(other, theirs, { version: nodeNamed(other, nodes), isWaiting: true });
    }
    if (concerned.length > 0) return false;
    // Nobody to blame: it is restarted for something that is not its own. Everything stays as it is.
    for (const other of this.#slots.all) {
      this.#slots.reject(other, theirs, { isWaiting: true });
      other.remove = false;
    }
    return false;
  }

  #uses(dependent: string, used: string, nodes: readonly Dependent[]): boolean {
    return (
      dependentsOf([used], nodes).has(dependent) || dependentsOf([used], this.#slots.active).has(dependent)
    );
  }

  #result(): TransactionResult {
    const instances = this.#slots.all
      .map((slot) => this.#started.get(slot.file)?.instance ?? (slot.remove ? undefined : slot.active))
      .filter((instance) => instance !== undefined);
    return {
      instances: inDependencyOrder(instances),
      started: new Map([...this.#started].map(([file, { instance }]) => [file, instance])),
      rejections: [...this.#slots.rejections.values()],
      refusals: [...this.#slots.refusals.values()],
    };
  }
}

function nodeNamed(slot: Slot, nodes: readonly Dependent[]): Dependent | undefined {
  return nodes.find((node) => 'build' in node && node.build === slot.build);
}

function pick(instances: Used, names: readonly string[]): Used {
  const picked = new Map<string, PluginInstance>();
  for (const name of names) {
    const instance = instances.get(name);
    if (instance) picked.set(name, instance);
  }
  return picked;
}

function isSame(one: Used, other: Used): boolean {
  return one.size === other.size && [...one].every(([name, instance]) => other.get(name) === instance);
}

function asProblem(thrown: unknown, file: string): PluginProblem {
  if (thrown instanceof PluginProblem) return thrown;
  return new PluginProblem('initialize', wordsOf(thrown), { file }, thrown);
}
