/** A place in a plugin's source; lines and columns count from 1. */
export interface SourcePlace {
  /** Absolute path. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** At which step a version of a plugin was found wrong. */
export type ProblemStep =
  /** It does not compile, or a local file that it imports is missing or out of bounds. */
  | 'build'
  /** Its module threw while it was evaluated, or imports a package or a name that is not there. */
  | 'evaluate'
  /** It exports no plugin, or one of the wrong shape. */
  | 'shape'
  /** Its config does not fit its schema. */
  | 'config'
  /** A dependency is missing, out of range, or part of a cycle; or its name is taken. */
  | 'dependencies'
  /** `initialize` threw or missed its deadline, or something it registered cannot be. */
  | 'initialize';

/** Why a version of a plugin cannot be used, for people: what is wrong, where, and what was expected. */
export class PluginProblem extends Error {
  override readonly name = 'PluginProblem';
  readonly step: ProblemStep;
  readonly place: SourcePlace | undefined;

  constructor(step: ProblemStep, message: string, place?: SourcePlace, cause?: unknown) {
    super(message, { cause });
    this.step = step;
    this.place = place;
  }

  /** With its place, as editors and terminals link it: `file:line:column: message`. */
  describe(): string {
    return describeProblem(this);
  }
}

export function describeProblem({
  place,
  message,
}: {
  readonly place: SourcePlace | undefined;
  readonly message: string;
}): string {
  if (!place) return message;
  const { file, line, column } = place;
  return `${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`;
}
