import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runNode } from '../../support/run-process.ts';
import { noHints, Stage, startStage } from './stage.ts';

test('stop before start, and twice, and start after it: nothing is told', async () => {
  await using stage = new Stage({});
  stage.write('a.plugin.ts', 'one');
  await stage.loader.stop();
  await stage.loader.stop();
  await stage.loader.start();
  await stage.quiet();
  assert.equal(await stage.loader.rebuild(stage.path('a.plugin.ts')), undefined);
  assert.deepEqual(stage.builds(), []);
});

test('stop during the first look, while it builds: start ends, and nothing is told', async () => {
  await using stage = new Stage({});
  stage.write('a.plugin.ts', 'one');
  const stopped = Promise.withResolvers<void>();
  stage.builder.onRead = () => {
    stopped.resolve(stage.loader.stop());
  };
  await stage.loader.start();
  await stopped.promise;
  await stage.quiet();
  assert.deepEqual(stage.builds(), ['a.plugin.ts']);
});

test('stop while a file settles, for who starts, scans and rebuilds: all end', async () => {
  await using stage = new Stage({ limits: { pluginSettleMs: 3_600_000 } });
  stage.write('a.plugin.ts', 'one');
  const waiting = [
    stage.loader.start(),
    stage.loader.scan(),
    stage.loader.rebuild(stage.path('a.plugin.ts')),
  ];
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  await stage.loader.stop();
  await Promise.all(waiting);
  await stage.quiet();
});

test('stop while a batch is applied waits for it, and drops what was to come next', async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using stage = await startStage({
    openHints: noHints,
    limits: { pluginSweepIntervalMs: 10 },
    onChanges: () => {
      begun.resolve();
      return gate.promise;
    },
  });
  stage.write('a.plugin.ts', 'one');
  await begun.promise;
  stage.write('a.plugin.ts', 'two');
  while (stage.builds().length === 0) await new Promise(setImmediate);
  let isStopped = false;
  const stopped = stage.loader.stop().then(() => {
    isStopped = true;
  });
  await new Promise(setImmediate);
  assert.equal(isStopped, false);
  gate.resolve();
  await stopped;
  assert.deepEqual(await stage.batch(), ['built a.plugin.ts: one']);
  await stage.quiet();
});

const script = (body: string) => `
  import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
  import { DynamicLoader } from '${new URL('../../../src/plugins/loader/dynamic-loader.ts', import.meta.url)}';
  import { FakeBuilder } from '${new URL('fake-builder.ts', import.meta.url)}';
  import { createLog } from '${new URL('../../../src/log.ts', import.meta.url)}';
  const folder = mkdtempSync('/tmp/sightline-stop-');
  process.on('exit', () => rmSync(folder, { recursive: true }));
  mkdirSync(folder + '/deep');
  writeFileSync(folder + '/deep/a.plugin.ts', 'one');
  const batches = [];
  const newLoader = () => new DynamicLoader({
    folder, builder: new FakeBuilder(), watch: true, log: createLog('silent'),
    limits: { pluginSettleMs: 150, pluginSweepIntervalMs: 50, pluginFilesMax: 10, pluginFileBytesMax: 1000 },
    onChanges: async (changes) => { batches.push(changes.length); },
  });
  const loader = newLoader();
  ${body}
`;

/** What the script prints; it has to end by itself. */
async function run(body: string): Promise<string> {
  await using child = runNode(['--input-type=module-typescript', '--no-warnings', '-e', script(body)]);
  const { code } = await child.waitForExit(30_000);
  assert.equal(code, 0, child.stderr);
  return child.stdout.trim();
}

test('a process in which a loader watches ends by itself', async () => {
  const printed = await run(`
    await loader.start();
    console.log(batches.length);
  `);
  assert.equal(printed, '1');
});

test('a process stays up for who waits for start, scan and rebuild', async () => {
  const printed = await run(`
    await loader.start();
    writeFileSync(folder + '/deep/a.plugin.ts', 'two');
    await loader.scan();
    writeFileSync(folder + '/deep/a.plugin.ts', 'three');
    const { kind, build } = await loader.rebuild(folder + '/deep/a.plugin.ts');
    console.log(kind, build.code);
  `);
  assert.equal(printed, 'built three');
});

test('after stop there are no timers and no watchers, whenever it comes', async () => {
  const printed = await run(`
    const kinds = () => process.getActiveResourcesInfo().filter((kind) => !/^(Pipe|FSReq|Immediate|CloseReq)/.test(kind));
    await loader.start();
    await loader.stop();
    const left = [kinds()];
    for (const steps of [0, 1, 2, 5, 10, 20, 50, 100, 200]) {
      const another = newLoader();
      const started = another.start();
      for (let step = 0; step < steps; step++) await new Promise(setImmediate);
      if (steps > 10) writeFileSync(folder + '/deep/a.plugin.ts', 'step ' + steps);
      await another.stop();
      await started;
      left.push(kinds());
    }
    console.log(JSON.stringify(left.flat()));
  `);
  assert.equal(printed, '[]');
});
