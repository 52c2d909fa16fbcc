import { createRequire, isBuiltin } from 'node:module';
import { dirname, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';

type Import = (specifier: string, options?: ImportCallOptions) => Promise<object>;

/** The name of the package that plugins are written against: in a plugin it is the service that runs it. */
const ownName = 'sightline';

/** Plugin files do not come in thousands; those that were deleted need not be remembered for ever. */
const importersMax = 1_000;
const importers = new Map<string, Import>();

/**
 * What `import` in this file would give, so that host and plugin share one copy of each package. One
 * importer serves all versions of a file: Node keeps what belongs to an importer for ever.
 */
function importerOf(file: string): Import {
  const known = importers.get(file);
  if (known) return known;
  const script = new Script('(specifier, options) => import(specifier, options)', {
    filename: pathToFileURL(file).href,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const created = script.runInThisContext() as Import;
  withoutWarning(() => created('node:vm'));
  const [oldest] = importers.keys();
  if (importers.size >= importersMax && oldest !== undefined) importers.delete(oldest);
  importers.set(file, created);
  return created;
}

let hasWarned = false;

/**
 * Node warns, with the first import of a thread, that this way to import is experimental. Whoever runs the
 * service cannot do anything about it.
 */
function withoutWarning(importOnce: () => Promise<object>): void {
  if (hasWarned) return;
  hasWarned = true;
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    // The warning comes with the call; a builtin always loads.
    void importOnce().catch(() => undefined);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The service's own modules. A literal, so that it leads to the compiled file in a compiled service. */
export function importSightline(): Promise<object> {
  return import('../../index.ts');
}

/** Imports a package, a builtin or an absolute path for the source file `from`. */
export async function importPackage(
  specifier: string,
  from: string,
  options?: ImportCallOptions,
): Promise<object> {
  if (isOwn(specifier)) return importSightline();
  refuseLocal(specifier, 'import()');
  const target = isAbsolute(specifier) ? pathToFileURL(specifier).href : specifier;
  try {
    return await importerOf(from)(target, options);
  } catch (error) {
    if (!isPackageMissing(error, from)) throw error;
  }
  try {
    // From here, Node looks where Sightline's own packages are.
    return await import(target, options);
  } catch (error) {
    if (!isPackageMissing(error, import.meta.filename)) throw error;
    throw notFound(specifier, from, error);
  }
}

/** `require` of packages, builtins and absolute paths for the source file `from`. */
export function requireFor(from: string, sightline: object): NodeJS.Require {
  const own = createRequire(pathToFileURL(from));
  const fallback = createRequire(import.meta.url);
  const withFallback = <T>(specifier: string, attempt: (require: NodeJS.Require) => T): T => {
    refuseLocal(specifier, 'require()');
    try {
      return attempt(own);
    } catch (error) {
      if (!isRequireMissing(error, specifier)) throw error;
    }
    try {
      return attempt(fallback);
    } catch (error) {
      throw isRequireMissing(error, specifier) ? notFound(specifier, from, error) : error;
    }
  };
  const load = (specifier: string): unknown =>
    isOwn(specifier) ? sightline : withFallback(specifier, (require) => require(specifier));
  const resolve = (specifier: string): string =>
    withFallback(specifier, (require) => require.resolve(specifier));
  return Object.assign(load, {
    cache: own.cache,
    main: undefined,
    extensions: own.extensions,
    resolve: Object.assign(resolve, { paths: own.resolve.paths }),
  });
}

/**
 * `import.meta.resolve` of the source file `from`: the URL. A package is found as `require` finds it, as Node
 * has no other way to ask: that is another file where a package has two, and none where it is for `import` alone.
 */
export function resolvePackage(specifier: string, from: string): string {
  if (isOwn(specifier)) return new URL(`../../index${extname(import.meta.filename)}`, import.meta.url).href;
  if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, pathToFileURL(from)).href;
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  if (URL.canParse(specifier)) return new URL(specifier).href;
  return pathToFileURL(requireFor(from, {}).resolve(specifier)).href;
}

/** Is it `sightline` itself? Throws for what plugins cannot have of it. */
function isOwn(specifier: string): boolean {
  if (specifier === ownName) return true;
  if (!specifier.startsWith(`${ownName}/`)) return false;
  throw new Error(
    specifier === `${ownName}/testing`
      ? `'${specifier}' is for tests of plugins and starts a service of its own. ` +
          `Expected '${ownName}' in a plugin.`
      : `'${specifier}' is not exported by Sightline. Expected '${ownName}'.`,
  );
}

/** Paths that stand in the source as text are compiled in; Node would keep any other one for ever. */
function refuseLocal(specifier: string, what: string): void {
  if (!/^\.{0,2}[\\/]/.test(specifier) || isAbsolute(specifier)) return;
  throw new Error(
    `${what} of '${specifier}', which was put together at run time, would never be reloaded. ` +
      'Expected a path that is written out, or a package.',
  );
}

function isAbsolute(specifier: string): boolean {
  return /^(\/|[A-Za-z]:[\\/])/.test(specifier);
}

/** The package itself, not something that it imports in turn. */
function isPackageMissing(error: unknown, from: string): boolean {
  return (
    codeOf(error) === 'ERR_MODULE_NOT_FOUND' &&
    error instanceof Error &&
    error.message.startsWith('Cannot find package ') &&
    error.message.endsWith(` imported from ${from}`)
  );
}

function isRequireMissing(error: unknown, specifier: string): boolean {
  return (
    codeOf(error) === 'MODULE_NOT_FOUND' &&
    error instanceof Error &&
    error.message.startsWith(`Cannot find module '${specifier}'`)
  );
}

function notFound(specifier: string, from: string, cause: unknown): Error {
  const message =
    `Cannot find package '${specifier}': it is neither in a node_modules folder at or above ${dirname(from)} ` +
    'nor among the packages of Sightline.';
  return Object.assign(new Error(message, { cause }), { code: 'ERR_MODULE_NOT_FOUND' });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
