import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStage, type Stage } from './stage.ts';

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when `initialize` of a plugin with this body waits; calling what it gives lets it go on. */
async function held(stage: Stage): Promise<() => void> {
  const scope = globalThis as typeof globalThis & { goOn?: (() => void) | undefined };
  while (!stage.noted.includes('waits')) await new Promise((resolve) => setImmediate(resolve));
  stage.noted.splice(stage.noted.indexOf('waits'), 1);
  return () => scope.goOn?.();
}
const waits = `note('waits'); await new Promise((resolve) => Object.assign(globalThis, { goOn: resolve }));`;

describe('a plugin that is unloaded', () => {
  it('drains as long as any generation has it', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b');
    await stage.apply('a', 'b');
    const { lease } = stage.manager.services;
    lease?.acquire();
    await stage.writePlugin('b', { version: '2.0.0' });
    await stage.apply('b');
    await stage.manager.unloadPlugin('a');
    await turns();
    assert.equal(stage.manager.draining.length, 1, 'the generation between the two has drained');
    assert.equal(stage.stateOf('a'), 'draining');
    lease?.release();
    await stage.drained();
    assert.equal(stage.stateOf('a'), 'unloaded');
  });

  it('is not forgotten while a new version of it is on its way in', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a', { body: waits });
    const first = stage.apply('a');
    (await held(stage))();
    await first;
    const { lease } = stage.manager.services;
    lease?.acquire();
    await stage.manager.unloadPlugin('a');
    const second = stage.apply('a');
    const goOn = await held(stage);
    lease?.release();
    await turns();
    goOn();
    await second;
    await turns();
    assert.equal(stage.active, 'a@1.0.0');
    assert.equal(stage.counted.includes('forget a'), false);
  });

  it('after the deadline of its exchanges is not said to leak: they hold it', async () => {
    await using stage = await createStage({ limits: { pluginDrainTimeoutMs: 5 } });
    await stage.writePlugin('a');
    await stage.apply('a');
    stage.manager.services.lease?.acquire();
    await stage.remove('a');
    await stage.drained();
    assert.ok(stage.takeNotes().includes('a@1.0.0 cleanup'));
    assert.equal(stage.manager.versionsToCollect, 0);
  });

  it('and never got active leaves nothing behind that was measured', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a', { body: `throw new Error('no');` });
    await stage.apply('a');
    assert.ok(stage.counted.includes('forget a'));
  });
});

it('a file that was gone is there again for whoever loads its build', async () => {
  await using stage = await createStage();
  await stage.writePlugin('a');
  await stage.writePlugin('b', { needs: { a: '*' } });
  await stage.apply('a', 'b');
  const build = stage.manager.find('a')?.instance?.build;
  assert.ok(build);
  await stage.remove('a');
  assert.deepEqual(stage.manager.find('a')?.keptFor, ['b']);
  await stage.manager.loadPlugin(build);
  assert.equal(stage.events.filter((event) => event === 'reloaded a@1.0.0').length, 1);
  await stage.manager.unloadPlugin('b');
  assert.equal(stage.active, 'a@1.0.0');
});

describe('stopping while a version initializes', () => {
  it('cleans the others up at once, and that one when it has answered', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.writePlugin('b', { body: waits });
    const applied = stage.apply('b');
    const goOn = await held(stage);
    stage.takeNotes();
    const stopped = stage.manager.stop();
    await turns();
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 abort', 'a@1.0.0 cleanup']);
    goOn();
    await Promise.all([applied, stopped]);
    assert.deepEqual(stage.takeNotes(), ['b@1.0.0 abort', 'b@1.0.0 cleanup']);
    assert.equal(stage.events.includes('loaded b@1.0.0'), false);
  });

  it('says so to who waits for it, or comes later', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a', { body: waits });
    const applied = stage.apply('a');
    (await held(stage))();
    await applied;
    const reloaded = stage.manager.reloadPlugin('a');
    const goOn = await held(stage);
    const stopped = stage.manager.stop();
    goOn();
    await assert.rejects(reloaded, { code: 'stopping' });
    await assert.rejects(stage.manager.unloadPlugin('a'), { code: 'stopping' });
    await stopped;
  });
});
