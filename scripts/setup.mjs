// Installs what is missing and is quick when nothing is. Plain JavaScript without dependencies: it is the
// one file that has to run on whichever Node the machine has, before the project's own is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const lock = 'package-lock.json';
const installed = 'node_modules/.package-lock.json';
const isFresh =
  existsSync(installed) &&
  existsSync('node_modules/.bin/node') &&
  statSync(installed).mtimeMs >= statSync(lock).mtimeMs;

if (!isFresh) {
  process.stderr.write('sightline: installing packages, Node 24 among them (once, about half a minute) …\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    process.stderr.write('sightline: "npm ci" failed; see above.\n');
    process.exit(npm.status ?? 1);
  }
}
