import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstPlugin } from '../../../src/console/page/plugins/first-plugin.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { PluginFolder, startWithFolder } from '../../plugins/folder.ts';

describe('the plugin that the console gives to copy', () => {
  it('works as it is', async () => {
    const simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: Number.POSITIVE_INFINITY,
    });
    await using backend = { url: simulator.url, [Symbol.asyncDispose]: () => simulator.close() };
    await using folder = await PluginFolder.create();
    await folder.save('hello', firstPlugin);
    await using service = await startWithFolder(folder, { upstreams: { default: backend.url } });
    const reply = await fetch(`${service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sim-tokens-2', messages: [{ role: 'user', content: 'Hello!' }] }),
    });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('x-hello'), 'Hello!');
  });
});
