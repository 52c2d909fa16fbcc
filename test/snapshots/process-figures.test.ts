import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectGarbage } from '../../src/plugins/worker/collect-garbage.ts';
import { ProcessFigures } from '../../src/snapshots/process-figures.ts';
import { metric } from '../../src/telemetry/names.ts';
import { runNode } from '../support/run-process.ts';
import { CollectorScene } from './collector-scene.ts';
import { machineWith } from './machine.ts';

/** Points of a metric. */
async function points({ reader }: CollectorScene, { name }: { readonly name: string }) {
  const { resourceMetrics } = await reader.collect();
  const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  return all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
}

async function value(scene: CollectorScene, row: { readonly name: string }): Promise<unknown> {
  return (await points(scene, row))[0]?.value;
}

/** Keeps the event loop busy. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('the figures of the process', () => {
  test('are sizes and sums, which are there at once', async () => {
    const scene = new CollectorScene();
    new ProcessFigures(scene);
    const rss = Number(await value(scene, metric.processMemory));
    assert.ok(rss > 10e6 && rss < 4e9, `${rss}`);
    assert.ok(Number(await value(scene, metric.processUptime)) > 0);
    const modes = await points(scene, metric.processCpuTime);
    assert.deepEqual(
      modes.map(({ attributes }) => attributes),
      [{ 'cpu.mode': 'user' }, { 'cpu.mode': 'system' }],
    );
    const spaces = await points(scene, metric.heapUsed);
    const names = spaces.map(({ attributes }) => attributes['v8js.heap.space.name']);
    for (const name of ['new_space', 'old_space', 'large_object_space'])
      assert.ok(names.includes(name), name);
  });

  test('are not there before a look, where they lie between two', async () => {
    const scene = new CollectorScene();
    new ProcessFigures(scene);
    const rows = [metric.eventLoopDelay, metric.eventLoopUtilization, metric.processCpuCapacity];
    for (const row of rows) assert.deepEqual(await points(scene, row), [], row.name);
  });

  test('tell how late timers were, and how busy the event loop was, since the last look', async () => {
    const scene = new CollectorScene();
    const figures = new ProcessFigures(scene);
    figures.start();
    try {
      // Until its timer runs.
      await sleep(50);
      await figures.look();
      await sleep(50);
      block(300);
      await sleep(50);
      const busy = await figures.look();
      assert.ok((busy.delayP99Seconds ?? 0) > 0.2, `${busy.delayP99Seconds}`);
      assert.equal(await value(scene, metric.eventLoopDelay), busy.delayP99Seconds);
      assert.ok(Number(await value(scene, metric.eventLoopUtilization)) > 0.3);
      let idle = busy;
      while ((idle.delayP99Seconds ?? 1) >= (busy.delayP99Seconds ?? 0)) {
        await sleep(100);
        idle = await figures.look();
      }
      assert.ok(idle.cpuSeconds > busy.cpuSeconds && idle.loop.idleMs > busy.loop.idleMs);
      assert.ok(busy.loop.busyMs > 300);
    } finally {
      figures.stop();
    }
  });

  test('tell nothing of delay where no timer was due', async () => {
    const figures = new ProcessFigures(new CollectorScene());
    assert.equal((await figures.look()).delayP99Seconds, undefined);
  });

  test('have the limit of the cgroup, and what an event loop can have of it', async () => {
    for (const [cpus, capacity] of [
      [0.5, 0.5],
      [4, 1],
    ] as const) {
      await using machine = await machineWith({ cpus });
      const scene = new CollectorScene();
      const look = await new ProcessFigures({ ...scene, root: machine.root }).look();
      assert.equal(look.cpuLimit, cpus);
      assert.equal(await value(scene, metric.processCpuLimit), cpus);
      assert.equal(await value(scene, metric.processCpuCapacity), capacity);
    }
  });

  test('have no limit where there is none, and a capacity all the same', async () => {
    const scene = new CollectorScene();
    const figures = new ProcessFigures({ ...scene, root: join(tmpdir(), 'no-such-machine') });
    assert.equal((await figures.look()).cpuLimit, undefined);
    assert.deepEqual(await points(scene, metric.processCpuLimit), []);
    assert.equal(await value(scene, metric.processCpuCapacity), 1);
  });

  test('count garbage collections by type, from the start to the end', async () => {
    const scene = new CollectorScene();
    const figures = new ProcessFigures(scene);
    collectGarbage();
    await sleep(1);
    assert.deepEqual(await points(scene, metric.gcDuration), []);
    figures.start();
    figures.start();
    const counted = async () => {
      const all = await points(scene, metric.gcDuration);
      return all.find(({ attributes }) => attributes['v8js.gc.type'] === 'major')?.value;
    };
    while ((await counted()) === undefined) {
      collectGarbage();
      await sleep(1);
    }
    const { count, sum } = (await counted()) as { count: number; sum: number };
    assert.ok(sum > 0 && sum < count * 5, `${count} took ${sum} s`);
    figures.stop();
    figures.stop();
    collectGarbage();
    await sleep(1);
    assert.equal(((await counted()) as { count: number }).count, count);
  });

  test('keep no process alive', async () => {
    const source = new URL('../../src/snapshots/process-figures.ts', import.meta.url);
    const instruments = 'new Proxy({}, { get: () => ({ addCallback() {}, record() {} }) })';
    await using child = runNode([
      '--input-type=module',
      '--eval',
      `const { ProcessFigures } = await import('${source}');
      const figures = new ProcessFigures({ instruments: ${instruments} });
      figures.start();
      await figures.look();`,
    ]);
    assert.equal((await child.waitForExit()).code, 0);
  });
});
