/** One version of a plugin's code, as it was on disk. */
export interface PluginBuild {
  /** The entry, absolute, as it was found: symlinks are not resolved. */
  readonly file: string;
  /** What the evaluator runs: the body of an async function. */
  readonly code: string;
  /** Source map (version 3, JSON) from lines of `code` to the TypeScript sources. */
  readonly map: string;
  /**
   * Every local file that was compiled into it, the entry among them, and the tsconfig that governed it:
   * absolute path → SHA-256 (hex) of its bytes.
   */
  readonly inputs: ReadonlyMap<string, string>;
  /** SHA-256 (hex) over `inputs`: two builds of the same bytes have the same. */
  readonly hash: string;
}
