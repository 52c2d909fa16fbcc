import { createHash } from 'node:crypto';
import { cp, mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tenants } from '../../../src/demo/tenants.ts';
import { PluginFolder, startWithFolder } from '../../plugins/folder.ts';
import { Browser } from '../../support/browser.ts';
import { runNode } from '../../support/run-process.ts';
import { goTheWay, type Scene } from './newcomer.ts';

/*
 * `npm run screenshots`: the pictures of the README, taken on the newcomer's way, with the demo's traffic beside it.
 * Takes some minutes: charts need something to show.
 */

const root = new URL('../../../', import.meta.url);
const target = new URL('docs/console/', root);
const sizes = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;
/** What is shown of each size. */
const scenes: Readonly<Record<keyof typeof sizes, readonly Scene[]>> = {
  desk: ['live', 'try', 'trace', 'plugins', 'alerts', 'metrics'],
  phone: ['live', 'trace'],
};
const warmUpMs = Number(process.argv[2] ?? 240) * 1_000;

/** As the tenant plugin knows keys. */
const digest = (key: string) => createHash('sha256').update(key).digest('hex');

await mkdir(target, { recursive: true });
await using folder = await PluginFolder.create();
await cp(new URL('plugins/', root), folder.path, {
  recursive: true,
  filter: (path) => !path.endsWith('.test.ts'),
});
const masked = { name: 'ticket', pattern: 'T-[0-9]{6}', action: 'mask' };
const price = { input: 2.5, output: 10 };
await using service = await startWithFolder(folder, {
  middleware: ['stream-usage'],
  plugins: {
    watch: true,
    config: {
      tenant: { keys: Object.fromEntries(tenants.map(({ name, key }) => [digest(key), name])) },
      guardrail: { rules: [masked], window: 8 },
      'cost-meter': { prices: { 'gpt-4o': price, 'gpt-4o-mini': price } },
    },
  },
  telemetry: { spanThresholdMs: 0 },
  limits: { snapshotIntervalMs: 2_000 },
  alerts: { thresholds: { 'plugin-rejected': { holdMs: 0, keepMs: 0 } } },
});
await using demo = runNode([fileURLToPath(new URL('src/demo/main.ts', root)), '--rate', '12'], {
  env: { SIGHTLINE_URL: service.dataUrl },
});
demo.ignoreOutput();
await delay(warmUpMs);
await using browser = await Browser.open();
for (const theme of ['light', 'dark'] as const)
  for (const [name, size] of Object.entries(sizes) as [keyof typeof sizes, (typeof sizes)['desk']][]) {
    const watched = await browser.page(service.adminUrl, { ...size, theme });
    const { page } = watched;
    // What came in the meantime is on the list.
    await delay(3_000);
    await goTheWay({
      page,
      folder,
      onScene: async (scene) => {
        if (!scenes[name].includes(scene)) return;
        const path = fileURLToPath(new URL(`${scene}-${name}-${theme}.png`, target));
        await page.screenshot({ path });
        process.stdout.write(`${path}\n`);
      },
    });
    watched.assertClean();
    await folder.remove('greeting');
    await watched.context.close();
  }
