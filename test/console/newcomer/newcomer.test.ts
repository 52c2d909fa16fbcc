import { describe, it } from 'node:test';
import { PluginFolder, startWithFolder } from '../../plugins/folder.ts';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { goTheWay } from './newcomer.ts';

const ways = [
  { where: 'a desk', width: 1280, height: 800, theme: 'light' },
  { where: 'a phone', width: 390, height: 844, theme: 'dark' },
] as const;

describe('somebody who opens the console for the first time', { skip: hasNoBrowser }, () => {
  for (const { where, ...options } of ways)
    it(`finds the way at ${where}, ${options.theme}`, async () => {
      await using folder = await PluginFolder.create();
      await using service = await startWithFolder(folder, {
        plugins: { watch: true },
        limits: { snapshotIntervalMs: 200 },
        alerts: { thresholds: { 'plugin-rejected': { holdMs: 0, keepMs: 0 } } },
      });
      await using browser = await Browser.open();
      const watched = await browser.page(service.adminUrl, options);
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
