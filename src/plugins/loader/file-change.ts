import type { PluginBuild } from '../compile/build.ts';
import type { PluginProblem } from '../problem.ts';

/** What became of a plugin file. */
export type FileChange =
  | { readonly kind: 'built'; readonly file: string; readonly build: PluginBuild }
  /** `problem` is a `PluginBuildError` where the build refused it. */
  | { readonly kind: 'broken'; readonly file: string; readonly problem: PluginProblem }
  | { readonly kind: 'gone'; readonly file: string };

/** A change, and what tells it from others of the same file: equal prints are no news. */
export interface PrintedChange {
  readonly change: FileChange;
  readonly print: string;
}
