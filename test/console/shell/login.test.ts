import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { startService } from '../../support/service.ts';

const token = 'a-token-that-nobody-guesses-so-soon';

describe('the login of the console', { skip: hasNoBrowser }, () => {
  it('asks for the token, says what is wrong with it, and leads where one wanted to be', async () => {
    await using service = await startService({ config: { admin: { host: '127.0.0.1', port: 0, token } } });
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/alerts?of=default`, {
      theme: 'dark',
      expected: [/Failed to load resource/],
    });
    const { page } = watched;
    const field = page.getByLabel('Admin token');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await field.evaluate((element) => element === document.activeElement), true);
    await watched.assertAccessible();

    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the token of this service.').waitFor();
    await page.emulateMedia({ colorScheme: 'light' });
    await watched.assertAccessible();

    await page.getByRole('button', { name: 'Show the token' }).click();
    assert.equal(await field.getAttribute('type'), 'text');
    await field.fill(` ${token}\n`);
    await page.keyboard.press('Enter');
    await page.getByText('Connected').waitFor();
    assert.equal(new URL(page.url()).hash, '#/alerts?of=default');
    assert.equal(await page.title(), 'Alerts · Sightline');

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    watched.assertClean();
  });

  it('is asked for in one tab, and opens the others', async () => {
    await using service = await startService({ config: { admin: { host: '127.0.0.1', port: 0, token } } });
    await using browser = await Browser.open();
    const expected = [/Failed to load resource/];
    const { page } = await browser.page(service.adminUrl, { expected });
    await page.getByLabel('Admin token').waitFor();
    const other = await page.context().newPage();
    await other.goto(`${service.adminUrl}/#/plugins`);
    await other.getByLabel('Admin token').waitFor();
    await page.getByLabel('Admin token').fill(token);
    await page.keyboard.press('Enter');
    await other.getByText('Connected').waitFor();
    assert.equal(await other.title(), 'Plugins · Sightline');
  });

  it('says how long to wait after too many wrong tokens', async () => {
    await using service = await startService({ config: { admin: { host: '127.0.0.1', port: 0, token } } });
    await using browser = await Browser.open();
    const { page } = await browser.page(service.adminUrl, { expected: [/Failed to load resource/] });
    await page.route('**/api/session', (route) =>
      route.fulfill({
        status: 429,
        headers: { 'retry-after': '42' },
        json: { error: { code: 'too_many_tries', message: 'Later.' } },
      }),
    );
    await page.getByLabel('Admin token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('Too many tries with a wrong token.').waitFor();
    const button = page.getByRole('button', { name: /^Again in 4[0-2]/ });
    assert.equal(await button.isDisabled(), true);
  });
});
