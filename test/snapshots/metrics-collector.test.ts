import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { defaultLimits } from '../../src/limits.ts';
import type { Snapshot } from '../../src/snapshots/snapshot.ts';
import { attribute, metric } from '../../src/telemetry/names.ts';
import { beginning, CollectorScene, idle } from './collector-scene.ts';

const ended = (outcome: string, upstream = 'one') => ({
  [attribute.outcome]: outcome,
  [attribute.upstream]: upstream,
});

describe('a snapshot', () => {
  test('takes two looks', async () => {
    const scene = new CollectorScene();
    assert.equal(await scene.after(0), undefined);
    assert.equal(scene.collector.over(60_000), undefined);
    const snapshot = await scene.after(5_000);
    assert.deepEqual(scene.collector.snapshots, [snapshot]);
    assert.deepEqual([snapshot?.at, snapshot?.durationMs], [beginning + 5_000, 5_000]);
  });

  test('has what came in between, over all labels', async () => {
    const scene = new CollectorScene();
    await scene.after(0);
    const { outcomes, httpDuration, timeToFirstChunk, tokenUsage, droppedTelemetry } = scene.instruments;
    for (const upstream of ['one', 'other']) {
      outcomes.add(4, ended('completed', upstream));
      outcomes.add(1, ended('timed_out', upstream));
      for (const seconds of [0.2, 0.2, 0.3, 0.3, 0.5]) httpDuration.record(seconds, { upstream });
      timeToFirstChunk.record(0.3, { upstream });
      tokenUsage.record(100, { upstream, [attribute.genAiTokenType]: 'input' });
      tokenUsage.record(20, { upstream, [attribute.genAiTokenType]: 'output' });
      droppedTelemetry.add(3, { upstream, [attribute.reason]: 'export' });
      droppedTelemetry.add(5, { upstream, [attribute.reason]: 'bound' });
    }
    const first = await scene.after(5_000);
    assert.deepEqual([first?.exchanges, first?.errors, first?.errorRatio], [10, 2, 0.2]);
    assert.deepEqual(first?.outcomes, { completed: 8, timed_out: 2 });
    // 4 in (0.1, 0.25], 6 in (0.25, 0.5].
    assert.deepEqual(rounded(first?.responseMs), { count: 10, average: 300, p50: 292, p95: 479, p99: 496 });
    assert.deepEqual(rounded(first?.firstTokenMs), { count: 2, p50: 375, p95: 488 });
    assert.deepEqual(first?.tokens, { input: 200, output: 40, perMinute: 2_880 });
    assert.equal(first?.telemetryDropped, 6);

    outcomes.add(1, ended('failed'));
    httpDuration.record(2, {});
    const second = await scene.after(5_000);
    assert.deepEqual([second?.exchanges, second?.errors, second?.errorRatio], [1, 1, 1]);
    assert.deepEqual(second?.outcomes, { completed: 0, timed_out: 0, failed: 1 });
    assert.deepEqual(rounded(second?.responseMs), {
      count: 1,
      average: 2_000,
      p50: 1_750,
      p95: 2_425,
      p99: 2_485,
    });
    assert.deepEqual(second?.tokens, { input: 0, output: 0, perMinute: 0 });
    assert.equal(second?.telemetryDropped, 0);
  });

  test('has mistakes of clients among the outcomes, and not among the errors', async () => {
    const scene = new CollectorScene();
    const { outcomes } = scene.instruments;
    const mistake = { ...ended('upstream_error'), [attribute.fault]: 'client' };
    outcomes.add(2, mistake);
    await scene.after(0);
    for (let i = 0; i < 2; i += 1) {
      outcomes.add(5, mistake);
      outcomes.add(1, ended('upstream_error'));
      outcomes.add(4, ended('completed'));
      await scene.after(5_000);
    }
    const [first, second] = scene.collector.snapshots;
    assert.deepEqual([first?.exchanges, first?.errors, first?.errorRatio], [12, 1, 1 / 12]);
    assert.deepEqual([second?.exchanges, second?.errors, second?.errorRatio], [10, 1, 0.1]);
    assert.deepEqual(second?.outcomes, { upstream_error: 6, completed: 4 });
  });

  test('has what came before the first look too', async () => {
    const scene = new CollectorScene();
    scene.instruments.outcomes.add(3, ended('completed'));
    await scene.after(0);
    scene.instruments.outcomes.add(1, ended('completed'));
    assert.equal((await scene.after(5_000))?.exchanges, 4);
  });

  test('has nothing of what others measure under the same names', async () => {
    const scene = new CollectorScene();
    await scene.after(0);
    scene.instruments.outcomes.add(1, ended('completed'));
    const plugin = scene.provider.getMeter('sightline.plugin.other');
    plugin.createCounter(metric.outcomes.name).add(5, ended('failed'));
    plugin.createHistogram(metric.httpDuration.name).record(1);
    const snapshot = await scene.after(5_000);
    assert.deepEqual([snapshot?.exchanges, snapshot?.errors, snapshot?.responseMs], [1, 0, undefined]);
  });

  test('has no figures of what nothing was measured of', async () => {
    const scene = new CollectorScene();
    await scene.after(0);
    scene.instruments.outcomes.add(0, ended('completed'));
    const { at, ...figures } = (await scene.after(5_000)) ?? assert.fail();
    assert.deepEqual(figures, {
      durationMs: 5_000,
      exchanges: 0,
      errors: 0,
      outcomes: { completed: 0 },
      telemetryDropped: 0,
      inFlight: 0,
      memory: { rssMb: 100, heapMb: 50 },
      cpu: { processPercent: 0, capacityPercent: 0 },
      plugins: { byState: {}, rejected: {}, breakersOpen: {} },
      upstreams: {},
    });
  });

  test('has none of traffic where telemetry is disabled, and those of the process', async () => {
    const scene = new CollectorScene();
    await scene.after(0);
    scene.inFlight = 3;
    const snapshot = (await scene.after(5_000)) ?? assert.fail();
    assert.deepEqual(Object.keys(snapshot).toSorted(), [
      'at',
      'cpu',
      'durationMs',
      'inFlight',
      'memory',
      'plugins',
      'upstreams',
    ]);
    assert.equal(snapshot.inFlight, 3);
  });

  test('has the CPU as Prometheus counts it, and as the cgroup allows it', async () => {
    const scene = new CollectorScene();
    await scene.after(0);
    scene.process = { ...idle, cpuSeconds: 6 };
    assert.deepEqual((await scene.after(5_000))?.cpu, { processPercent: 120, capacityPercent: 120 });
    scene.process = { ...idle, cpuSeconds: 7, cpuLimit: 0.5 };
    assert.deepEqual((await scene.after(5_000))?.cpu, {
      processPercent: 20,
      sharePercent: 40,
      capacityPercent: 40,
    });
    scene.process = { ...idle, cpuSeconds: 8, cpuLimit: 4 };
    assert.deepEqual((await scene.after(5_000))?.cpu, {
      processPercent: 20,
      sharePercent: 5,
      capacityPercent: 20,
    });
  });

  test('has the event loop, where it could be watched', async () => {
    const scene = new CollectorScene();
    await scene.after(0);
    scene.process = { ...idle, loop: { busyMs: 1_000, idleMs: 3_000 }, delayP99Seconds: 0.25 };
    assert.deepEqual((await scene.after(5_000))?.eventLoop, { delayP99Ms: 250, utilization: 0.25 });
    scene.process = { ...idle, loop: { busyMs: 2_000, idleMs: 3_000 }, delayP99Seconds: undefined };
    assert.equal((await scene.after(5_000))?.eventLoop, undefined);
  });
});

describe('the snapshots', () => {
  test('are the newest, up to their bound', async () => {
    const scene = new CollectorScene({ limits: { ...defaultLimits, snapshotsMax: 3 } });
    for (let i = 0; i < 6; i += 1) await scene.after(5_000);
    assert.deepEqual(
      scene.collector.snapshots.map(({ at }) => at - beginning),
      [20_000, 25_000, 30_000],
    );
  });

  test('are those after a moment', async () => {
    const scene = new CollectorScene();
    for (let i = 0; i < 4; i += 1) await scene.after(5_000);
    const since = (ms: number) => scene.collector.since(beginning + ms).map(({ at }) => at - beginning);
    assert.deepEqual(since(0), [10_000, 15_000, 20_000]);
    assert.deepEqual(since(10_000), [15_000, 20_000]);
    assert.deepEqual(since(10_001), [15_000, 20_000]);
    assert.deepEqual(since(20_000), []);
  });

  test('have moments that rise, and durations that are true, also where the clock is set back', async () => {
    let setBackMs = 0;
    const scene: CollectorScene = new CollectorScene({
      clock: { now: () => beginning + scene.nowMs - setBackMs, steady: () => scene.nowMs },
    });
    await scene.after(0);
    await scene.after(5_000);
    setBackMs = 3_600_000;
    await scene.after(5_000);
    await scene.after(0);
    assert.deepEqual(
      scene.collector.snapshots.map(({ at, durationMs }) => [at - beginning, durationMs]),
      [
        [5_000, 5_000],
        [5_001, 5_000],
        [5_002, 0],
      ],
    );
  });

  test('are told as they come, to each who listens', async () => {
    const scene = new CollectorScene();
    const heard: [string, Snapshot][] = [];
    scene.collector.onSnapshot(() => {
      throw new Error('a listener that fails');
    });
    const remove = scene.collector.onSnapshot((snapshot) => heard.push(['first', snapshot]));
    scene.collector.onSnapshot((snapshot) => heard.push(['second', snapshot]));
    await scene.after(0);
    const one = (await scene.after(5_000)) ?? assert.fail();
    remove();
    const two = (await scene.after(5_000)) ?? assert.fail();
    assert.deepEqual(heard, [
      ['first', one],
      ['second', one],
      ['second', two],
    ]);
    assert.ok(scene.logged.some(({ msg }) => msg === 'a listener of snapshots failed'));
  });
});

describe('the figures of a window', () => {
  /** One exchange a second; of each tenth second one that fails. */
  async function scene(seconds: number) {
    const stage = new CollectorScene();
    await stage.after(0);
    for (let i = 1; i <= seconds; i += 1) {
      stage.instruments.outcomes.add(1, ended(i % 10 === 0 ? 'failed' : 'completed'));
      if (i % 5 === 0) await stage.after(5_000);
    }
    return stage.collector;
  }

  test('are those of so long a time', async () => {
    const collector = await scene(600);
    for (const windowMs of [5_000, 10_000, 60_000, 300_000, 600_000]) {
      const figures = collector.over(windowMs);
      assert.deepEqual([figures?.durationMs, figures?.exchanges], [windowMs, windowMs / 1_000]);
    }
    assert.equal(collector.over(60_000)?.errors, 6);
    assert.equal(collector.over(60_000)?.errorRatio, 0.1);
  });

  test('are those since the look before, without a length', async () => {
    const collector = await scene(600);
    assert.deepEqual(collector.over(0), collector.snapshots.at(-1));
  });

  test('are those of what there is, at the beginning', async () => {
    const figures = (await scene(20)).over(60_000);
    assert.deepEqual([figures?.durationMs, figures?.exchanges], [20_000, 20]);
  });

  test('are true where looks came late', async () => {
    const stage = new CollectorScene();
    await stage.after(0);
    for (const ms of [5_000, 5_000, 17_000, 5_000]) {
      stage.instruments.outcomes.add(ms / 1_000, ended('completed'));
      await stage.after(ms);
    }
    const figures = stage.collector.over(20_000);
    assert.deepEqual([figures?.durationMs, figures?.exchanges], [22_000, 22]);
  });
});

describe('the collector', () => {
  test('survives a source that fails, and says so once', async () => {
    let isBroken = false;
    const scene: CollectorScene = new CollectorScene({
      metrics: {
        collect: () => (isBroken ? Promise.reject(new Error('no metrics')) : scene.reader.collect()),
      },
    });
    const { outcomes } = scene.instruments;
    await scene.after(0);
    await scene.after(5_000);
    isBroken = true;
    outcomes.add(1, ended('completed'));
    for (let i = 0; i < 3; i += 1) assert.equal(await scene.after(5_000), undefined);
    isBroken = false;
    outcomes.add(1, ended('completed'));
    const snapshot = await scene.after(5_000);
    // Nothing is lost of what came meanwhile.
    assert.deepEqual([snapshot?.durationMs, snapshot?.exchanges], [20_000, 2]);
    assert.deepEqual(
      scene.logged.map(({ msg }) => msg),
      ['no snapshot: a look at the service failed', 'the service can be looked at again'],
    );
  });

  for (const source of ['process', 'plugins', 'upstreams', 'inFlight'] as const) {
    test(`survives that ${source} cannot be told`, async () => {
      const fail = () => {
        throw new Error('not now');
      };
      const scene = new CollectorScene({
        [source]: source === 'inFlight' ? fail : { look: fail, ask: fail, start: fail, stop: fail },
      });
      assert.equal(await scene.after(0), undefined);
      assert.equal(await scene.after(5_000), undefined);
      assert.deepEqual(scene.collector.snapshots, []);
    });
  }

  test('never looks twice at once, and whoever asks sees what is there then', async () => {
    const looks: (() => void)[] = [];
    let atOnce = 0;
    let most = 0;
    const scene: CollectorScene = new CollectorScene({
      process: {
        start: () => undefined,
        stop: () => undefined,
        look: async () => {
          atOnce += 1;
          most = Math.max(most, atOnce);
          await new Promise<void>((resolve) => looks.push(resolve));
          atOnce -= 1;
          return idle;
        },
      },
    });
    const first = scene.collector.look();
    const [second, third] = [scene.collector.look(), scene.collector.look()];
    looks.shift()?.();
    assert.equal(await first, undefined);
    assert.equal(looks.length, 1);
    scene.instruments.outcomes.add(1, ended('completed'));
    scene.nowMs = 5_000;
    looks.shift()?.();
    assert.equal((await second)?.exchanges, 1);
    assert.equal(await second, await third);
    assert.deepEqual([most, looks.length], [1, 0]);
  });

  test('looks by itself at every interval, and skips what it cannot manage', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const looks: (() => void)[] = [];
    const calls: string[] = [];
    const look = () => new Promise<typeof idle>((resolve) => looks.push(() => resolve(idle)));
    const process = { start: () => calls.push('start'), stop: () => calls.push('stop'), look };
    const scene = new CollectorScene({ process });
    const { collector } = scene;
    collector.start();
    collector.start();
    assert.deepEqual([looks.length, scene.asked, calls], [1, 0, ['start']]);
    t.mock.timers.tick(defaultLimits.snapshotIntervalMs * 3);
    assert.deepEqual([looks.length, scene.asked], [1, 3]);
    looks[0]?.();
    await turn();
    t.mock.timers.tick(defaultLimits.snapshotIntervalMs);
    assert.deepEqual([looks.length, scene.asked], [2, 4]);
    looks[1]?.();
    await turn();
    assert.equal(collector.snapshots.length, 1);
    collector.stop();
    t.mock.timers.tick(defaultLimits.snapshotIntervalMs * 3);
    assert.deepEqual([looks.length, scene.asked], [2, 4]);
  });

  test('can be stopped before it began, and again', () => {
    const { collector } = new CollectorScene();
    collector.stop();
    collector.stop();
  });
});

/** To whole numbers. */
function rounded(figures: object | undefined) {
  return (
    figures && Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, Math.round(value)]))
  );
}
