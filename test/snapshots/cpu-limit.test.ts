import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { cpuLimit } from '../../src/snapshots/cpu-limit.ts';

/** What it says of a machine with these files. */
async function limitWith(files: Readonly<Record<string, string>>): Promise<number | undefined> {
  const root = await mkdtemp(join(tmpdir(), 'sightline-cgroup-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return await cpuLimit(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const own = 'proc/self/cgroup';
const tree = 'sys/fs/cgroup';

describe('the CPUs that a cgroup of version 2 allows', () => {
  const at = (path: string) => ({ [own]: `0::${path}\n` });

  test('are its quota by its period', async () => {
    assert.equal(await limitWith({ ...at('/app'), [`${tree}/app/cpu.max`]: '150000 100000\n' }), 1.5);
    assert.equal(await limitWith({ ...at('/app'), [`${tree}/app/cpu.max`]: '10000 20000\n' }), 0.5);
  });

  test('are all where it has no quota', async () => {
    assert.equal(await limitWith({ ...at('/app'), [`${tree}/app/cpu.max`]: 'max 100000\n' }), undefined);
  });

  test('are found at the top in a container with a namespace of its own', async () => {
    assert.equal(await limitWith({ ...at('/'), [`${tree}/cpu.max`]: '50000 100000\n' }), 0.5);
    assert.equal(await limitWith({ ...at('/../web'), [`${tree}/cpu.max`]: '50000 100000\n' }), 0.5);
  });

  test('are the fewest of all groups around it', async () => {
    const nested = {
      ...at('/kube/pod/app'),
      [`${tree}/kube/cpu.max`]: 'max 100000\n',
      [`${tree}/kube/pod/cpu.max`]: '30000 100000\n',
      [`${tree}/kube/pod/app/cpu.max`]: '200000 100000\n',
    };
    assert.equal(await limitWith(nested), 0.3);
  });

  test('are not those of other groups', async () => {
    const files = { ...at('/app'), [`${tree}/other/cpu.max`]: '50000 100000\n' };
    assert.equal(await limitWith(files), undefined);
  });
});

describe('the CPUs that a cgroup of version 1 allows', () => {
  const lines = '12:memory:/docker/1f\n4:cpu,cpuacct:/docker/1f\n1:name=systemd:/docker/1f\n0::/docker/1f\n';
  const quota = (group: string, us: number, periodUs = 100_000) => ({
    [`${tree}/${group}/cpu.cfs_quota_us`]: `${us}\n`,
    [`${tree}/${group}/cpu.cfs_period_us`]: `${periodUs}\n`,
  });

  test('are its quota by its period', async () => {
    assert.equal(await limitWith({ [own]: lines, ...quota('cpu/docker/1f', 250_000) }), 2.5);
    assert.equal(await limitWith({ [own]: lines, ...quota('cpu,cpuacct/docker/1f', 20_000, 40_000) }), 0.5);
  });

  test('are all where the quota is -1', async () => {
    assert.equal(await limitWith({ [own]: lines, ...quota('cpu/docker/1f', -1) }), undefined);
  });

  test('are found at the top where a container sees only its own part of the tree', async () => {
    assert.equal(await limitWith({ [own]: lines, ...quota('cpu,cpuacct', 50_000) }), 0.5);
  });

  test('are the fewest of all groups around it', async () => {
    const files = {
      ...quota('cpu', -1),
      ...quota('cpu/docker', 150_000),
      ...quota('cpu/docker/1f', 400_000),
    };
    assert.equal(await limitWith({ [own]: lines, ...files }), 1.5);
  });
});

test('where there are no cgroups, no limit is known', async () => {
  assert.equal(await limitWith({}), undefined);
  assert.equal(await limitWith({ [own]: '0::/app\n' }), undefined);
});

for (const text of ['', 'max', '\n', '0 0', '0 100000', '100000', 'lots 100000', '-5 100000']) {
  test(`'${text}' is no limit`, async () => {
    assert.equal(await limitWith({ [own]: '0::/\n', [`${tree}/cpu.max`]: text }), undefined);
  });
}

for (const text of ['', '::', 'cpu', '1:cpu', '\0']) {
  test(`${JSON.stringify(text)} names no group`, async () => {
    assert.equal(await limitWith({ [own]: text, [`${tree}/cpu.max`]: '50000 100000' }), undefined);
  });
}
