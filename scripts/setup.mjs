// Installs what is missing and is quick when nothing is. Plain JavaScript without dependencies: it is the
// one file that has to run on whichever Node the machine has, before the project's own is installed.
//
// With `--system` also the Debian packages that tests use, where it may; the tests say what they left out
// where it may not.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import process from 'node:process';

/** Debian package → a command that it brings. */
const systemPackages = {
  prometheus: 'promtool',
  'prometheus-alertmanager': 'amtool',
  openssl: 'openssl',
  chromium: 'chromium',
};

const say = (text) => process.stderr.write(`sightline: ${text}\n`);
const run = (command, args, stdio) =>
  spawnSync(command, args, { stdio, shell: process.platform === 'win32' }).status === 0;

installPackages();
if (process.argv.includes('--system')) installSystemPackages();

function installPackages() {
  const lock = 'package-lock.json';
  const installed = 'node_modules/.package-lock.json';
  const isFresh =
    existsSync(installed) &&
    existsSync('node_modules/.bin/node') &&
    statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
  if (isFresh) return;
  say('installing packages, Node 24 among them (once, about half a minute) …');
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  if (run('npm', args, ['ignore', 'ignore', 'inherit'])) return;
  say('"npm ci" failed; see above.');
  process.exit(1);
}

function installSystemPackages() {
  const missing = Object.entries(systemPackages).filter(([, command]) => !isOnPath(command));
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name);
  const isAllowed = process.getuid?.() === 0 && isOnPath('apt-get');
  if (!isAllowed) return;
  say(`installing ${names.join(', ')} from Debian (once) …`);
  run('apt-get', ['update', '-qq'], 'ignore');
  process.env.DEBIAN_FRONTEND = 'noninteractive';
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...names];
  if (!run('apt-get', args, 'ignore')) say(`"apt-get install ${names.join(' ')}" failed.`);
}

function isOnPath(command) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${command}`));
}
