import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { chat, StreamClient } from './stream-client.ts';

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

it('a session that goes on holds nothing of the plugins that let it in and are gone', async () => {
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  await using folder = await PluginFolder.create();
  await folder.savePlugin(
    'gate',
    `registerMiddleware({ name: 'gate', async beforeQuery() {}, onChunk: (chunk) => chunk, afterResponse() {} });`,
  );
  const service = await startWithFolder(folder, { upstreams: { default: simulator.url } as never });
  const { manager } = service.plugins;
  try {
    await using client = await StreamClient.open(service);
    assert.equal((await client.ask(chat(1, 'sim-tokens-3'))).response?.outcome, 'completed');
    client.send(chat(2, 'sim-stall-1'));
    await client.until(({ type, id }) => type === 'chunk' && id === 2);
    await service.plugins.unload('gate');
    assert.equal(manager.draining.length, 1, 'a query under way keeps what it began with');
    client.send({ type: 'cancel', id: 2 });
    await client.answer(2);
    while (manager.draining.length > 0) await setImmediate();
    const collect = garbageCollector();
    while (manager.versionsToCollect > 0) {
      collect();
      // Collections are told some time later.
      await setTimeout(20);
    }
    assert.deepEqual(manager.leaks, []);
    assert.equal((await client.ask(chat(3, 'sim-tokens-3'))).response?.outcome, 'completed');
  } finally {
    await service.stop();
    await simulator.close();
  }
});
