import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export function isInstalled(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** For `skip`: false where all of them are installed, else what was not tested for which reason. */
export function missing(commands: readonly string[], what: string): string | false {
  const absent = commands.filter((command) => !isInstalled(command));
  if (absent.length === 0) return false;
  const [verb, names] = [absent.length === 1 ? 'is' : 'are', absent.join(' and ')];
  return `${names} ${verb} not on the PATH: ${what} was left out`;
}
