import { describe, it } from 'node:test';
import { PluginFolder, startWithFolder } from '../../plugins/folder.ts';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { goTheWay } from './newcomer.ts';

const sizes = { 'a desk': [1280, 800], 'a phone': [390, 844] } as const;

describe('somebody who opens the console for the first time', { skip: hasNoBrowser }, () => {
  for (const [where, [width, height]] of Object.entries(sizes))
    for (const theme of ['light', 'dark'] as const)
      it(`finds the way at ${where}, ${theme}`, async () => {
        await using folder = await PluginFolder.create();
        await using service = await startWithFolder(folder, {
          plugins: { watch: true },
          limits: { snapshotIntervalMs: 200 },
          alerts: { thresholds: { 'plugin-rejected': { holdMs: 0, keepMs: 0 } } },
        });
        await using browser = await Browser.open();
        const watched = await browser.page(service.adminUrl, { width, height, theme });
        const { page } = watched;
        await goTheWay({
          page,
          folder,
          onScene: async () => {
            await watched.assertFits();
            await watched.assertAccessible();
          },
        });
        watched.assertClean();
      });
});
