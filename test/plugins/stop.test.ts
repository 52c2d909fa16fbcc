import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PluginFolder, startWithFolder } from './folder.ts';

it('a plugin that hangs in initialize does not cost the others their cleanup when the service stops', async () => {
  const scope = globalThis as typeof globalThis & { hanging?: () => void; cleaned?: () => void };
  const hanging = Promise.withResolvers<void>();
  const cleaned = Promise.withResolvers<void>();
  Object.assign(scope, { hanging: hanging.resolve, cleaned: cleaned.resolve });
  await using folder = await PluginFolder.create();
  await folder.save(
    'a',
    `import { definePlugin } from 'sightline';
    export default definePlugin({ name: 'a', version: '1.0.0', initialize() {}, cleanup() { globalThis.cleaned(); } });`,
  );
  const limits = { pluginInitializeTimeoutMs: 1_000, pluginCleanupTimeoutMs: 100 };
  await using service = await startWithFolder(folder, { limits });
  await folder.savePlugin('b', 'globalThis.hanging(); return new Promise(() => undefined);');
  const scanned = service.plugins.scan();
  await hanging.promise;
  await Promise.all([service.stop(), cleaned.promise]);
  await scanned;
  assert.equal(service.plugins.manager.find('b')?.instance, undefined);
});
