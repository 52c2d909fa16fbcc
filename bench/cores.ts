import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One core for the subject that works at the moment, another one for everything else. */
export interface Cores {
  readonly subject: number;
  readonly rest: number;
}

/** Undefined where there is no `taskset` or only one core: then the kernel places everybody as it likes. */
export function findCores(): Cores | undefined {
  if (spawnSync('taskset', ['--version']).status !== 0) return undefined;
  const allowed = allowedCores();
  const [rest] = allowed;
  const subject = allowed.at(-1);
  return rest === undefined || subject === undefined || rest === subject ? undefined : { subject, rest };
}

/** Moves this process, with all its threads. */
export function pinSelf(core: number): void {
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(process.pid)]);
}

/** The command that runs Node with these arguments on one core. */
export function nodeOn(core: number | undefined, args: readonly string[]): [string, string[]] {
  if (core === undefined) return [process.execPath, [...args]];
  return ['taskset', ['--cpu-list', String(core), process.execPath, ...args]];
}

/** From `Cpus_allowed_list: 0-1,4`: a container's cores need not begin at 0. */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
