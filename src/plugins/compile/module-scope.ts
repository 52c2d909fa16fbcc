/**
 * What the code of a build expects from whoever runs it: the seam between `rewrite` and the evaluator. A
 * build travels to a worker as text, so both ends agree on these names alone.
 */
export interface ModuleScope {
  /** The packages and builtins of the static imports, in order. Rejects where a module or a name is missing. */
  modules(requests: readonly ModuleRequest[]): Promise<object[]>;
  /** `import()` as it is written in the file `from`. */
  importer(from: string): (specifier: unknown, options?: ImportCallOptions) => Promise<object>;
  /** `import.meta` of the file `from`. */
  meta(from: string): object;
  /** Adds what `export * from` brings: all names but `default` and those that are there already. */
  exportAll(exports: object, namespaces: readonly object[]): object;
}

/** One static import of something that is not compiled into the build. */
export interface ModuleRequest {
  readonly specifier: string;
  /** Names that the module has to provide. */
  readonly names: readonly string[];
  /** The source file that imports it, absolute. */
  readonly from: string;
  /** Where the import stands in the build's code, from 1. */
  readonly line: number;
  readonly column: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Takes the place of globals, so that what a plugin set ends with it. */
export const shadowedTimers = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
] as const;

/** Parameters of the function whose body is the code, in order. */
export const scopeParameters = ['__sightline', '__life', 'require', ...shadowedTimers] as const;
