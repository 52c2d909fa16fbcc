import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';

/**
 * CPUs that the cgroups around this process allow it: the smallest quota of its own one and of those above it,
 * which bound it as well. Undefined where none of them has one. `root` is where `/proc` and `/sys` are.
 *
 * In a container `/proc/self/cgroup` can show the host's path while only the container's own part of the tree is
 * mounted, at its top: so what is not there is passed over, up to the top.
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
 * https://docs.kernel.org/scheduler/sched-bwc.html
 */
export async function cpuLimit(root = '/'): Promise<number | undefined> {
  const groups = await read(join(root, 'proc/self/cgroup'));
  const quotas: number[] = [];
  for (const line of groups?.split('\n') ?? []) {
    const [, controllers, path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined) continue;
    for (const { mount, quotaOf } of hierarchies(controllers)) {
      for (const group of upwards(path)) {
        const quota = await quotaOf(join(root, 'sys/fs/cgroup', mount, group));
        if (quota !== undefined) quotas.push(quota);
      }
    }
  }
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

interface Hierarchy {
  /** Below `/sys/fs/cgroup`. */
  readonly mount: string;
  readonly quotaOf: (group: string) => Promise<number | undefined>;
}

/** Where groups with these controllers are mounted: none are named in version 2, which has one tree for all. */
function hierarchies(controllers: string): Hierarchy[] {
  if (controllers === '') return [{ mount: '', quotaOf: quotaOfVersion2 }];
  if (!controllers.split(',').includes('cpu')) return [];
  return [...new Set(['cpu', controllers])].map((mount) => ({ mount, quotaOf: quotaOfVersion1 }));
}

/** `200000 100000`: quota and period, µs; `max` is no quota. */
async function quotaOfVersion2(group: string): Promise<number | undefined> {
  const [quota, period] = (await read(join(group, 'cpu.max')))?.trim().split(' ') ?? [];
  return share(quota, period);
}

/** -1 is no quota. */
async function quotaOfVersion1(group: string): Promise<number | undefined> {
  return share(await read(join(group, 'cpu.cfs_quota_us')), await read(join(group, 'cpu.cfs_period_us')));
}

function share(quota: string | undefined, period: string | undefined): number | undefined {
  const cpus = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : undefined;
}

/** The path, and all above it. Normal: in another namespace it can begin with `/..`. */
function* upwards(path: string): Generator<string> {
  for (let group = join('/', path); ; group = dirname(group)) {
    yield group;
    if (group === '/') return;
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
