import { fileURLToPath } from 'node:url';
import { runNode } from '../../support/run-process.ts';
import { reloadUnderLoad } from './reload-under-load.ts';
import { saveToLive } from './save-to-live.ts';

/*
 * `npm run soak`: the long versions of what the tests do with plugins in short. Prints figures, and exits with
 * 1 where one is out of its bound.
 */

const problems: string[] = [];

function check(isGood: boolean, what: string): void {
  process.stdout.write(`${isGood ? 'ok  ' : 'NOT '} ${what}\n`);
  if (!isGood) problems.push(what);
}

const { medianMs, maxMs } = await saveToLive(40);
check(medianMs < 500, `a save is live after ${medianMs} ms (median of 40, at most ${maxMs})`);

const load = await reloadUnderLoad({ reloads: 2_000, broken: 200, clients: 24 });
check(load.reloads === 2_000, `${load.reloads} reloads under ${load.requests} requests of 24 clients`);
check(load.failures.length === 0, `${load.failures.length} requests failed ${load.failures.join('; ')}`);
check(load.incomplete === 0, `${load.incomplete} exchanges did not complete`);
check(load.mixed === 0, `${load.mixed} exchanges saw two generations`);
check(load.rejections === 200, `${load.rejections} rejections`);
check(
  load.misplaced.length === 0,
  `${load.misplaced.length} without file and line ${load.misplaced.join('; ')}`,
);

const memory = fileURLToPath(new URL('memory.ts', import.meta.url));
const child = runNode(['--expose-gc', '--max-old-space-size=64', '--max-semi-space-size=8', memory, '6000']);
const { code } = await child.exited;
check(code === 0, `6,000 reloads in a heap of 64 MB ended with ${code} ${child.stderr.slice(-500)}`);
if (code === 0) {
  const { heapMiB, bytesPerReload, leaks } = JSON.parse(child.stdout);
  check(bytesPerReload < 1_024, `${bytesPerReload} bytes of heap a reload are left, ${heapMiB} MiB in all`);
  check(leaks === 0, `${leaks} leaks reported`);
}

process.exit(problems.length === 0 ? 0 : 1);
