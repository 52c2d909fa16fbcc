import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Service } from '../../../src/service.ts';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { startService } from '../../support/service.ts';

async function ask({ dataUrl }: Pick<Service, 'dataUrl'>, model: string): Promise<void> {
  const reply = await fetch(`${dataUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  await reply.text();
}

describe('the filters of Live', { skip: hasNoBrowser }, () => {
  it('find what took long, and show a time that only the address has', async () => {
    await using service = await startService();
    await ask(service, 'sim-tokens-2');
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/live?minDurationMs=1`);
    const { page } = watched;
    const exchange = page.getByText('sim-tokens-2', { exact: true });
    await exchange.waitFor();
    const menu = page.getByLabel('Duration', { exact: true });
    assert.deepEqual(
      (await menu.locator('option').allInnerTexts()).map((text) => text.replace('\u00a0', ' ')),
      ['Any duration', '1 ms or longer', ...['100 ms', '1 s', '5 s', '30 s'].map((of) => `${of} or longer`)],
    );
    await menu.selectOption('30000');
    await page.getByText('Nothing fits the filter').waitFor();
    await page.waitForURL(/minDurationMs=30000$/);
    await menu.selectOption('');
    await exchange.waitFor();
    await page.waitForURL(/#\/live$/);
    await watched.assertAccessible();
    watched.assertClean();
  });

  it('tell how many tokens each model has used, and put the one with the most first', async () => {
    await using service = await startService();
    for (const model of ['sim-tokens-2', 'sim-tokens-2', 'sim-tokens-90']) await ask(service, model);
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/live`);
    const menu = watched.page.getByRole('group').filter({ hasText: 'Model' });
    await menu.getByText('Model').click();
    const few = menu.locator('label', { hasText: 'sim-tokens-2' });
    await few.waitFor();
    const values = async () => (await menu.locator('.choice-value').allInnerTexts()).join(' ');
    assert.equal(await values(), 'sim-tokens-2 sim-tokens-90');
    assert.match(String(await few.locator('.num').first().textContent()), /^2$/);
    assert.match(String(await few.locator('.num').last().textContent()), /^\d+ tokens$/);
    await menu.getByLabel('Most tokens first').check();
    assert.equal(await values(), 'sim-tokens-90 sim-tokens-2');
    await watched.assertAccessible();
    watched.assertClean();
  });
});
