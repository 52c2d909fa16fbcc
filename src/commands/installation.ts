import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/*
 * Where this installation of Sightline lies: in a clone it runs from its TypeScript sources, as a package
 * from what was built of them.
 */

const extension = extname(import.meta.filename);

function own(path: string): string {
  return fileURLToPath(new URL(`../${path}${extension}`, import.meta.url));
}

/** What `import` of these gives, as files. */
export const entries = { sightline: own('index'), 'sightline/testing': own('testing') } as const;

const main = own('main');

/** Where TypeScript finds the types of an entry: beside what was built, or in the source itself. */
export function typesOf(entry: string): string {
  return entry.replace(/\.js$/, '.d.ts');
}

/** The folder of a package that Sightline itself uses: `zod`. */
export function packageFolder(name: string): string | undefined {
  for (let at = import.meta.dirname; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(folder)) return folder;
    if (at === dirname(at)) return undefined;
  }
}

/** Does Node find this installation by its name from that folder, as in a clone or beside a `node_modules`? */
export function isKnownIn(folder: string): boolean {
  try {
    return createRequire(pathToFileURL(join(folder, 'x.js'))).resolve('sightline/testing') !== '';
  } catch {
    return false;
  }
}

/** What people type in that folder to run this installation. */
export function commandLines(cwd: string, env: NodeJS.ProcessEnv) {
  const path = relative(cwd, main);
  if (main.split(sep).includes('node_modules')) return linesOf('npx sightline');
  if (path.startsWith('..')) return linesOf(`${nodeOf(env)} ${main}`);
  // A clone brings its own Node, which npm finds.
  return { start: 'npm start', check: 'npm run plugin:check --', test: `npx node ${path} plugin test` };
}

/** `node`, where that is the one that runs now: another may be too old for TypeScript. */
function nodeOf({ PATH = '' }: NodeJS.ProcessEnv): string {
  const first = PATH.split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((file) => existsSync(file));
  return first !== undefined && realpathSync(first) === realpathSync(process.execPath)
    ? 'node'
    : process.execPath;
}

function linesOf(program: string) {
  return { start: program, check: `${program} plugin check`, test: `${program} plugin test` };
}
