import type { PluginBuild } from '../compile/build.ts';
import type { PluginProblem, ProblemStep, SourcePlace } from '../problem.ts';
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

type OnMove = (from: PluginState | undefined, to: PluginState | undefined) => void;

/** What is known of one plugin file. */
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

  move(to: PluginState | undefined): void {
    if (to === this.#state) return;
    const from = this.#state;
    this.#state = to;
    this.#onMove(from, to);
  }
}
