import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type CommandCall, CommandError } from './command.ts';

const register = new URL(`./resolve-installation${extname(import.meta.filename)}`, import.meta.url);

/** `node --test`, where `sightline` and the packages that it brings are found from everywhere. */
export async function testPlugins(args: readonly string[], { cwd, usage }: CommandCall): Promise<number> {
  const { positionals: files } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  if (files.length === 0) throw new CommandError(`Expected test files: ${usage}`);
  const missing = files.find((file) => !existsSync(resolve(cwd, file)));
  if (missing !== undefined) throw new CommandError(`There is no file ${missing}; expected a test.`);
  // Node would run it, find no test in it, and call that a success.
  const plugin = files.find((file) => /\.plugin\.(ts|js|mjs)$/.test(file));
  if (plugin !== undefined) {
    throw new CommandError(`${plugin} is a plugin; expected its test, such as ${testOf(plugin)}.`);
  }
  const options = [
    '--test',
    // Tests need no package.json around them to be modules.
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
    `--import=${register.href}`,
  ];
  const child = spawn(process.execPath, [...options, '--', ...files], { cwd, stdio: 'inherit' });
  // Ctrl-C reaches both; the child says how its tests ended.
  process.on('SIGINT', () => undefined);
  process.once('SIGTERM', () => child.kill());
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

function testOf(plugin: string): string {
  return plugin.replace(/\.plugin\.(\w+)$/, '.plugin.test.$1');
}
