import { resolve } from 'node:path';
import type { Message } from 'esbuild';
import { PluginProblem, type SourcePlace } from '../problem.ts';

interface BuildErrorDetail {
  readonly place?: SourcePlace | undefined;
  readonly inputs?: ReadonlyMap<string, string>;
  readonly missing?: readonly string[];
  readonly cause?: unknown;
}

/** A version of a plugin that does not compile, with what a watcher needs to try again at the right moment. */
export class PluginBuildError extends PluginProblem {
  /** Every local file that was read before it failed: absolute path → SHA-256 (hex). */
  readonly inputs: ReadonlyMap<string, string>;
  /**
   * Local imports that were not found: the path as it was written, made absolute. A file that would be found
   * there can have an extension more, or be the index of a folder of that name.
   */
  readonly missing: readonly string[];

  constructor(message: string, detail: BuildErrorDetail = {}) {
    super('build', message, detail.place, detail.cause);
    this.inputs = detail.inputs ?? new Map();
    this.missing = detail.missing ?? [];
  }
}

/** The first message is the one to read; those after it often follow from it. */
export function tellOf(messages: readonly Message[], folder: string, entry: string) {
  const [first] = messages;
  if (!first) return { text: 'It does not compile.', place: { file: entry } };
  const more = messages.length > 1 ? ` (and ${messages.length - 1} more)` : '';
  return { text: first.text + more, place: placeOf(first, folder) ?? { file: entry } };
}

function placeOf({ location }: Message, folder: string): SourcePlace | undefined {
  if (!location) return undefined;
  // esbuild counts columns in bytes, from 0.
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString();
  return { file: resolve(folder, location.file), line: location.line, column: before.length + 1 };
}
