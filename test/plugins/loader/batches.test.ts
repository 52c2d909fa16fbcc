import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../../src/log.ts';
import { Batches } from '../../../src/plugins/loader/batches.ts';
import type { FileChange, PrintedChange } from '../../../src/plugins/loader/file-change.ts';
import { PluginProblem } from '../../../src/plugins/problem.ts';

function broken(file: string, print: string): PrintedChange {
  return { change: { kind: 'broken', file, problem: new PluginProblem('build', print) }, print };
}

function gone(file: string): PrintedChange {
  return { change: { kind: 'gone', file }, print: 'gone' };
}

/** Batches in words, each applied when the test says so. */
function openBatches() {
  const told: string[][] = [];
  const gates: (() => void)[] = [];
  const onChanges = (changes: readonly FileChange[]) => {
    told.push(
      changes.map((change) =>
        change.kind === 'broken'
          ? `${change.file} ${change.problem.message}`
          : `${change.file} ${change.kind}`,
      ),
    );
    return new Promise<void>((resolve) => gates.push(resolve));
  };
  const batches = new Batches(onChanges, createLog('silent'));
  /** Lets the batch under way end, and the next one begin. */
  const apply = async () => {
    gates.shift()?.();
    await new Promise(setImmediate);
  };
  return { batches, told, apply };
}

test('the latest of each file is told, when the batch before has been applied', async () => {
  const { batches, told, apply } = openBatches();
  batches.add([broken('a', '1')]);
  batches.add([broken('b', '1'), broken('a', '2')]);
  batches.add([broken('b', '2')]);
  assert.deepEqual(told, [['a 1']]);
  await apply();
  assert.deepEqual(told, [['a 1'], ['a 2', 'b 2']]);
  await apply();
  await batches.delivered;
});

test('what was taken back while it waited is not told', async () => {
  const { batches, told, apply } = openBatches();
  batches.add([broken('a', '1'), broken('b', '1')]);
  await apply();
  batches.add([broken('b', '2')]);
  batches.add([broken('a', '2')]);
  batches.add([broken('a', '1')]);
  batches.add([broken('c', '1')]);
  batches.add([gone('c')]);
  await apply();
  assert.deepEqual(told, [['a 1', 'b 1'], ['b 2']]);
  await batches.delivered;
});

test('gone is told once, of files that were told of before', async () => {
  const { batches, told, apply } = openBatches();
  batches.add([gone('never seen')]);
  batches.add([broken('a', '1')]);
  await apply();
  batches.add([gone('a')]);
  await apply();
  batches.add([gone('a')]);
  batches.add([broken('a', '1')]);
  await apply();
  assert.deepEqual(told, [['a 1'], ['a gone'], ['a 1']]);
});

test('what somebody was told of otherwise is not told again', async () => {
  const { batches, told, apply } = openBatches();
  batches.add([broken('a', '1')]);
  batches.add([broken('b', '1')]);
  batches.note(broken('b', '2'));
  await apply();
  batches.add([broken('b', '2')]);
  assert.deepEqual(told, [['a 1']]);
});

test('stop drops what waits, and waits for the batch under way', async () => {
  const { batches, told, apply } = openBatches();
  batches.add([broken('a', '1')]);
  batches.add([broken('b', '1')]);
  let isStopped = false;
  const stopped = batches.stop().then(() => {
    isStopped = true;
  });
  await new Promise(setImmediate);
  assert.equal(isStopped, false);
  await apply();
  await stopped;
  batches.add([broken('c', '1')]);
  await apply();
  assert.deepEqual(told, [['a 1']]);
});
