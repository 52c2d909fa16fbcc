import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { parsePage } from '../telemetry/prometheus-text.ts';

type Service = Awaited<ReturnType<typeof startWithFolder>>;

async function plugins({ collector }: Service) {
  return (await collector.look())?.plugins;
}

async function rejected({ adminUrl }: Service) {
  const page = parsePage(await (await fetch(`${adminUrl}/metrics`)).text());
  const samples = page.get('sightline_plugin_rejected')?.samples ?? [];
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.sightline_plugin, value]));
}

describe('the figures of plugins', () => {
  test('tell their states, and what is rejected, until it is mended', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('good', '');
    await folder.save('nonsense', 'this is no plugin');
    await using service = await startWithFolder(folder);
    assert.deepEqual(await plugins(service), {
      byState: { active: 1, rejected: 1 },
      rejected: { 'nonsense.plugin.ts': 1 },
      breakersOpen: {},
    });
    assert.deepEqual(await rejected(service), { 'nonsense.plugin.ts': 1 });

    await folder.savePlugin('good', "throw new Error('broken');");
    await folder.savePlugin('nonsense', '');
    await service.plugins.scan();
    // The version before it stays active.
    assert.deepEqual(await plugins(service), {
      byState: { active: 2 },
      rejected: { good: 1 },
      breakersOpen: {},
    });
    assert.deepEqual(await rejected(service), { 'nonsense.plugin.ts': 0, good: 1 });

    await folder.remove('good');
    await service.plugins.scan();
    assert.deepEqual((await plugins(service))?.rejected, {});
    assert.deepEqual(await rejected(service), { 'nonsense.plugin.ts': 0, good: 0 });
  });

  test('count breakers that are open', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin(
      'brittle',
      "registerMiddleware({ name: 'brittle', beforeQuery() { throw new Error('broken'); } });",
    );
    await using service = await startWithFolder(folder, { limits: { breakerFailuresMax: 2 } });
    const send = async () => {
      await (await fetch(`${service.dataUrl}/v1/models`)).text();
      await service.inFlight.empty();
    };
    await send();
    assert.deepEqual((await plugins(service))?.breakersOpen, {});
    await send();
    assert.deepEqual((await plugins(service))?.breakersOpen, { brittle: 1 });
    await folder.savePlugin('brittle', '', '2.0.0');
    await service.plugins.scan();
    assert.deepEqual((await plugins(service))?.breakersOpen, {});
  });
});
