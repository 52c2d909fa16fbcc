import { existsSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPart } from '../config/load.ts';
import { placesPart } from '../config/parts.ts';
import { pluginName } from '../plugins/shape.ts';
import { type CommandCall, CommandError } from './command.ts';
import { commandLines, entries, isKnownIn, packageFolder, typesOf } from './installation.ts';
import { shown } from './shown.ts';
import { starterPlugin, starterTest, starterTsconfig } from './starter.ts';

/** Writes a plugin that works at once, its test, and what an editor needs; never over anything. */
export async function newPlugin(args: readonly string[], call: CommandCall): Promise<number> {
  const { cwd, env, say, usage } = call;
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { folder: { type: 'string' } },
    allowPositionals: true,
  });
  const name = readName(positionals, usage);
  const { plugins, admin } = loadPart(placesPart, env, cwd);
  const watched = resolve(cwd, plugins.folder);
  // Where nothing else is said, the folder that the service watches.
  const folder = values.folder === undefined ? watched : readFolder(cwd, values.folder, usage);
  const plugin = join(folder, `${name}.plugin.ts`);
  const test = join(folder, `${name}.plugin.test.ts`);
  refuseFile(folder);
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
  say(nextSteps(call, { folder, plugin, test, watched, adminPort: admin.port }));
  return 0;
}

function readName(positionals: readonly string[], usage: string): string {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) {
    const given = name === undefined ? '' : `, not ${positionals.map((one) => `"${one}"`).join(' and ')}`;
    throw new CommandError(`Expected one name${given}: ${usage}`);
  }
  const parsed = pluginName.safeParse(name);
  if (parsed.success) return name;
  throw new CommandError(
    `"${name}" cannot be the name of a plugin: ${parsed.error.issues.map(({ message }) => message).join('; ')}.`,
  );
}

function readFolder(cwd: string, folder: string, usage: string): string {
  if (folder === '') throw new CommandError(`Expected a folder behind --folder: ${usage}`);
  return resolve(cwd, folder);
}

function refuseFile(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== false) return;
  throw new CommandError(`${folder} is no folder; expected one, or a path where it can be made.`);
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
  /** The folder that the service watches. */
  readonly watched: string;
  readonly adminPort: number;
}

function nextSteps({ cwd, env }: CommandCall, { folder, plugin, test, watched, adminPort }: Written): string {
  const lines = commandLines(cwd, env);
  const run = isKnownIn(folder) ? 'npx node --test' : lines.test;
  const start = folder === watched ? lines.start : `SIGHTLINE_PLUGINS=${shown(cwd, folder)} ${lines.start}`;
  return `
next:
  ${run} ${shown(cwd, test)}
  ${lines.check} ${shown(cwd, plugin)}
  ${start}
then edit the plugin and save it: the new version serves at once. While it runs, look at
  http://127.0.0.1:${adminPort} in a browser, under Plugins`;
}
