import type { PluginBuild } from '../compile/build.ts';
import { PluginProblem, type ProblemStep, type SourcePlace } from '../problem.ts';
import type { Needs } from './dependencies.ts';
import type { PluginState } from './host.ts';
import type { PluginInstance } from './instance.ts';

/** Why the newest version of a file is not the active one. */
export interface NewestProblem {
  // Not the problem itself: what was thrown holds on to the code that threw it.
  readonly step: ProblemStep;
  readonly message: string;
  readonly place: SourcePlace;
  readonly plugin: string | undefined;
  readonly version: string | undefined;
  /** Where it got as far as telling. */
  readonly needs?: Needs | undefined;
  readonly at: Date;
}

/** A newer version that cannot be used, whatever the others are. */
export interface UnusableVersion {
  readonly inputs: PluginBuild['inputs'];
  readonly problem: PluginProblem;
}

/** What a version has told of itself before it was found wrong. */
export type VersionTold = Partial<Pick<NewestProblem, 'plugin' | 'version' | 'needs'>>;

type OnMove = (from: PluginState | undefined, to: PluginState | undefined) => void;

/** What is known of one plugin file: its active version, and what has become of its newest. */
export class PluginRecord {
  readonly file: string;
  /** The active version. */
  instance: PluginInstance | undefined;
  /** The last name it had, also where it is not active any more. */
  name: string | undefined;
  version: string | undefined;
  /** A build that is kept out by others; tried again whenever the set of plugins changes. */
  waiting: PluginBuild | undefined;
  /** Those that share a changed file with it wait for its repair. */
  unusable: UnusableVersion | undefined;
  newestProblem: NewestProblem | undefined;
  isGone = false;
  /** It was to go, and these need it. */
  keptFor: readonly string[] = [];
  #state: PluginState | undefined;
  readonly #onMove: OnMove;

  constructor(file: string, onMove: OnMove) {
    this.file = file;
    this.#onMove = onMove;
    this.move('discovered');
  }

  get state(): PluginState {
    return this.#state ?? 'unloaded';
  }

  activate(instance: PluginInstance): void {
    if (this.instance !== instance) {
      this.newestProblem = undefined;
      this.waiting = undefined;
      this.unusable = undefined;
    }
    this.instance = instance;
    this.name = instance.name;
    this.version = instance.version;
    this.move('active');
  }

  /** Exchanges may still go through the version that was active. */
  deactivate(): void {
    if (!this.instance) return;
    this.instance = undefined;
    this.waiting = undefined;
    this.move('draining');
  }

  /** `isWaiting`: for others, and is tried again with them. */
  keepOut(build: PluginBuild, { step, message, place }: PluginProblem, isWaiting: boolean): void {
    this.waiting = isWaiting ? build : undefined;
    // A problem of its own: what was thrown holds on to the code that threw it.
    const problem = new PluginProblem(step, message, place);
    this.unusable = isWaiting ? undefined : { inputs: build.inputs, problem };
  }

  /** False where it waits, and this is what it waits for already: it is tried at each change of the set. */
  noteProblem(problem: PluginProblem, { plugin = this.name, version, needs }: VersionTold): boolean {
    const { step, message, place = { file: this.file } } = problem;
    const known = this.newestProblem;
    const isOld = known?.message === message && this.waiting !== undefined;
    const at = isOld ? known.at : new Date();
    this.newestProblem = { step, message, place, plugin, version, needs, at };
    if (!this.instance) {
      this.name = plugin;
      this.version = version;
      this.move(step === 'initialize' ? 'failed' : 'rejected');
    }
    return !isOld;
  }

  move(to: PluginState | undefined): void {
    if (to === this.#state) return;
    const from = this.#state;
    this.#state = to;
    this.#onMove(from, to);
  }
}
