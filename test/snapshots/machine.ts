import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The `/proc` and `/sys` of a machine whose cgroup allows so many CPUs. Use `await using`. */
export async function machineWith({ cpus }: { readonly cpus: number }) {
  const root = await mkdtemp(join(tmpdir(), 'sightline-machine-'));
  for (const folder of ['proc/self', 'sys/fs/cgroup']) await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, 'proc/self/cgroup'), '0::/\n');
  await writeFile(join(root, 'sys/fs/cgroup/cpu.max'), `${cpus * 100_000} 100000\n`);
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}
