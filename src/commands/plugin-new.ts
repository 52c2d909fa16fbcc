import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { pluginName } from '../plugins/shape.ts';
import { type CommandContext, CommandError } from './command.ts';
import { commandLines, entries, isKnownIn, packageFolder, typesOf } from './installation.ts';
import { starterPlugin, starterTest, starterTsconfig } from './starter.ts';

/** Writes a plugin that works at once, its test, and what an editor needs; never over anything. */
export async function newPlugin(args: readonly string[], context: CommandContext): Promise<number> {
  const { cwd, env, say } = context;
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { folder: { type: 'string' } },
    allowPositionals: true,
  });
  const name = readName(positionals);
  // Where nothing else is said, the folder that the service watches.
  const watched = values.folder === undefined ? loadConfig(env, cwd).plugins.folder : undefined;
  const folder = watched ?? resolve(cwd, values.folder ?? '');
  const plugin = join(folder, `${name}.plugin.ts`);
  const test = join(folder, `${name}.plugin.test.ts`);
  refuseTaken(folder, name);

  await mkdir(folder, { recursive: true });
  const files = new Map([
    [plugin, starterPlugin(name)],
    [test, starterTest(name)],
  ]);
  if (!isKnownIn(folder) && !hasAbove(folder, 'tsconfig.json')) {
    files.set(join(folder, 'tsconfig.json'), tsconfig());
  }
  for (const [file, text] of files) {
    await writeFile(file, text, { flag: 'wx' });
    say(`wrote ${shown(cwd, file)}`);
  }
  say(nextSteps(context, { folder, plugin, test, isWatched: watched !== undefined }));
  return 0;
}

function readName(positionals: readonly string[]): string {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) {
    throw new CommandError('Expected one name: sightline plugin new NAME [--folder DIR]');
  }
  const parsed = pluginName.safeParse(name);
  if (parsed.success) return name;
  throw new CommandError(
    `"${name}" cannot be the name of a plugin: ${parsed.error.issues.map(({ message }) => message).join('; ')}.`,
  );
}

function refuseTaken(folder: string, name: string): void {
  const names = ['plugin.ts', 'plugin.js', 'plugin.mjs', 'plugin.test.ts'].map((end) => `${name}.${end}`);
  const taken = names.map((file) => join(folder, file)).find((file) => existsSync(file));
  if (taken !== undefined) {
    throw new CommandError(
      `${taken} is there already, and nothing is overwritten; expected a name that is free.`,
    );
  }
}

function tsconfig(): string {
  const paths: Record<string, string> = {};
  for (const [name, file] of Object.entries(entries)) paths[name] = typesOf(file);
  const zod = packageFolder('zod');
  if (zod !== undefined) paths.zod = zod;
  const types = packageFolder('@types/node');
  return starterTsconfig(paths, types === undefined ? [] : [dirname(types)]);
}

function hasAbove(folder: string, name: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return true;
    if (at === dirname(at)) return false;
  }
}

interface Written {
  readonly folder: string;
  readonly plugin: string;
  readonly test: string;
  readonly isWatched: boolean;
}

function nextSteps({ cwd }: CommandContext, { folder, plugin, test, isWatched }: Written): string {
  const lines = commandLines(cwd);
  const run = isKnownIn(folder) ? 'npx node --test' : lines.test;
  const start = isWatched ? lines.start : `SIGHTLINE_PLUGINS=${shown(cwd, folder)} ${lines.start}`;
  return `
next:
  ${run} ${shown(cwd, test)}
  ${lines.check} ${shown(cwd, plugin)}
  ${start}
then edit the plugin and save it: the new version serves at once. While it runs, look at
  http://127.0.0.1:4001/api/plugins, /api/traces and /metrics`;
}

function shown(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path || '.';
}
