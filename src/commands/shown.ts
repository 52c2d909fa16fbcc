import { relative } from 'node:path';
import { describeProblem, type PluginProblem } from '../plugins/problem.ts';

/** A path as people would type it where they are. */
export function shown(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path || '.';
}

export function shownProblem(cwd: string, { place, message }: PluginProblem): string {
  return describeProblem({ message, place: place && { ...place, file: shown(cwd, place.file) } });
}
