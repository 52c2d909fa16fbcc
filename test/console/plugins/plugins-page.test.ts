import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PluginFolder, startWithFolder } from '../../plugins/folder.ts';
import { Browser, hasNoBrowser } from '../../support/browser.ts';

function definition(name: string, version: string, more = ''): string {
  return `import { definePlugin } from 'sightline';
export default definePlugin({
  name: '${name}',
  version: '${version}',${more}
  initialize({ registerHook }) {
    registerHook('exchange.ended', () => undefined);
  },
});
`;
}

/** \`report\` needs \`tenant\`, and could use one that is not there. */
async function folderOfTwo(): Promise<PluginFolder> {
  const folder = await PluginFolder.create();
  await folder.save('tenant', definition('tenant', '1.0.0'));
  const needs = "dependencies: { tenant: '^1.0.0' }, optionalDependencies: { vault: '^2.0.0' },";
  await folder.save('report', definition('report', '1.0.0', needs));
  return folder;
}

describe('the view of plugins', { skip: hasNoBrowser }, () => {
  it('follows a file that is saved, and says where a broken one is wrong', async () => {
    await using folder = await folderOfTwo();
    await using service = await startWithFolder(folder, { plugins: { watch: true } });
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/plugins`);
    const { page } = watched;
    const card = page.locator('#plugin-tenant');
    await card.waitFor();

    await folder.save('tenant', definition('tenant', '1.1.0'));
    await card.getByText('reloaded: 1.0.0 → 1.1.0').waitFor();
    await page.locator('.view-plugins > [role=status]', { hasText: 'tenant reloaded' }).waitFor();

    await folder.save('tenant', definition('tenant', '1.2.0').replace("'1.2.0',", "'1.2.0'"));
    await card.getByText(`${folder.file('tenant')}:5:3`, { exact: true }).waitFor();
    await card.getByText('1.1.0 goes on serving.').waitFor();
    await watched.assertAccessible();
    await watched.assertFits();
    watched.assertClean();
  });

  it('tells what each part of a plugin threw last', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin(
      'clumsy',
      `registerMiddleware({ name: 'works', beforeQuery() {} });
      registerMiddleware({ name: 'fails', onFailure: 'continue', beforeQuery() { throw new Error('no store'); } });
      registerHook('exchange.ended', () => { throw '<b>no</b> disk'; });`,
    );
    await using service = await startWithFolder(folder);
    const reply = await fetch(`${service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sim-tokens-2', messages: [{ role: 'user', content: 'Hi' }] }),
    });
    await reply.text();
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/plugins`);
    const parts = watched.page.locator('#plugin-clumsy .plugin-items > li');
    await parts.filter({ hasText: 'disk' }).waitFor();
    const said = await parts.allInnerTexts();
    assert.deepEqual(
      said.map((text) => /\n(.+) failed|failed/.exec(text)?.slice(0, 2)),
      [undefined, ['\nbeforeQuery failed', 'beforeQuery'], ['failed', undefined]],
    );
    assert.match(said[1] ?? '', /: no store$/);
    assert.match(said[2] ?? '', /: <b>no<\/b> disk$/);
    await watched.assertAccessible();
    await watched.assertFits();
    watched.assertClean();
  });

  it('shows why a plugin cannot be unloaded, and leads to those that need it', async () => {
    await using folder = await folderOfTwo();
    await using service = await startWithFolder(folder);
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/plugins`, { expected: [/409 \(Conflict\)/] });
    const { page } = watched;
    const card = page.locator('#plugin-tenant');
    await card.getByRole('button', { name: 'Unload tenant' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Unload tenant' }).click();
    const refusal = card.getByRole('alert');
    await refusal.getByText("'tenant' is needed by report.").waitFor();
    await refusal.getByRole('link', { name: 'report' }).click();
    assert.equal(await page.evaluate('document.activeElement.id'), 'plugin-report');
    watched.assertClean();
  });

  it('unloads a plugin after a question, and loads it again, all by the keyboard', async () => {
    await using folder = await folderOfTwo();
    await using service = await startWithFolder(folder);
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/plugins?plugin=report`);
    const { page } = watched;
    const card = page.locator('#plugin-report');
    // Who comes with a plugin in the address is at its card.
    await page.locator('#plugin-report:focus').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await card.getByText('unloaded', { exact: true }).waitFor();
    await page.locator('button:focus', { hasText: 'Load again' }).waitFor();
    await page.keyboard.press('Enter');
    await card.getByText('active', { exact: true }).waitFor();
    watched.assertClean();
  });

  it('draws who needs whom, in words as well, also on a narrow screen', async () => {
    await using folder = await folderOfTwo();
    await using service = await startWithFolder(folder);
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/plugins`, { width: 390, theme: 'dark' });
    const { page } = watched;
    await page.getByText('In words').click();
    const words = await page.locator('.graph-words li').allInnerTexts();
    assert.deepEqual(words, [
      'report needs tenant ^1.0.0.',
      'report can use vault ^2.0.0, which is not active.',
    ]);
    const boxes = await Promise.all(
      ['report', 'tenant', 'vault'].map((name) =>
        page.locator('.graph-node', { hasText: name }).boundingBox(),
      ),
    );
    const [report, tenant, vault] = boxes.map((box) => Math.round(box?.x ?? 0));
    assert.ok(report !== undefined && tenant !== undefined && report < tenant && tenant === vault);
    await watched.assertAccessible();
    await watched.assertFits();
    watched.assertClean();
  });

  it('tells who has none how to write the first', async () => {
    await using folder = await PluginFolder.create();
    await using service = await startWithFolder(folder);
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/plugins`, { width: 390 });
    const { page } = watched;
    await page.getByText(`${folder.path}/hello.plugin.ts`).waitFor();
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    assert.match(copied, /^import \{ definePlugin \} from 'sightline';/);
    await folder.save('hello', copied);
    await page.getByRole('button', { name: 'Look for changes' }).click();
    await page.getByText('One plugin has changed.').waitFor();
    await page.locator('#plugin-hello').getByText('active', { exact: true }).waitFor();
    await watched.assertAccessible();
    await watched.assertFits();
    watched.assertClean();
  });
});
