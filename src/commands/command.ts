/** What a command gets of the process that it runs in. */
export interface CommandContext {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  say(line: string): void;
  complain(line: string): void;
}

/** The same, for one of them. */
export interface CommandCall extends CommandContext {
  /** How it is typed: `npm run plugin:check -- FILE…` where npm runs it. */
  readonly usage: string;
}

/** A command of `sightline`. What it answers is the exit code of the process. */
export type RunCommand = (args: readonly string[], call: CommandCall) => Promise<number>;

/** What was asked for cannot be done: what is wrong, and what was expected. People read it; no stack is shown. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
