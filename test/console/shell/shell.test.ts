import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { startService } from '../../support/service.ts';

/** What Chromium itself says of requests that fail. */
const failedRequests = /Failed to load resource/;

describe('the shell of the console', { skip: hasNoBrowser }, () => {
  let browser: Browser;

  before(async () => {
    browser = await Browser.open();
  });
  after(() => browser?.[Symbol.asyncDispose]());

  it('leads to every view with the keyboard, each with a title and the focus at its beginning', async () => {
    await using service = await startService();
    const watched = await browser.page(service.adminUrl);
    const { page } = watched;
    await page.getByText('Connected').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'MAIN');
    for (const [key, title] of Object.entries({
      m: 'Metrics',
      p: 'Plugins',
      a: 'Alerts',
      t: 'Try it',
      l: 'Live',
    })) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForFunction((expected) => document.title === expected, `${title} · Sightline`);
      await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
      assert.equal(await page.locator('.nav [aria-current=page]').textContent(), title);
    }
    await page.keyboard.press('?');
    const keys = page.getByRole('dialog', { name: 'Keys' });
    await keys.getByText('Go to Metrics').waitFor();
    await page.keyboard.press('Escape');
    await keys.waitFor({ state: 'hidden' });
    assert.equal(await focused(page), 'H1');
    watched.assertClean();
  });

  it('has the theme that was chosen, also the next time', async () => {
    await using service = await startService();
    const watched = await browser.page(`${service.adminUrl}/#/alerts`, { theme: 'light' });
    const { page } = watched;
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.getByText('Connected').waitFor();
    const light = await ground();
    await watched.assertAccessible();
    await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
    const dark = await ground();
    assert.notEqual(dark, light);
    await watched.assertAccessible();
    await page.reload();
    assert.equal(await ground(), dark);
    await page.getByRole('radio', { name: 'As the system' }).check({ force: true });
    assert.equal(await ground(), light);
    watched.assertClean();
  });

  it('hides nothing on a narrow screen', async () => {
    await using service = await startService();
    const watched = await browser.page(`${service.adminUrl}/#/alerts`, { width: 390, height: 844 });
    await watched.page.getByText('Connected').waitFor();
    await watched.assertFits();
    const main = await watched.page.locator('main').boundingBox();
    const nav = await watched.page.getByRole('navigation').boundingBox();
    assert.ok(main && nav && main.y + main.height <= nav.y && nav.y + nav.height === 844);
    watched.assertClean();
  });

  it('says that the service is gone, and takes up where it was when it is back', async () => {
    const first = await startService();
    const { port } = new URL(first.adminUrl);
    const watched = await browser.page(`${first.adminUrl}/#/plugins`, {
      expected: [failedRequests, /ERR_(?:CONNECTION|INCOMPLETE|EMPTY)/],
    });
    const { page } = watched;
    await page.getByText('Connected').waitFor();
    await first.stop();
    await page.getByRole('alert').getByText('No connection to Sightline').waitFor();
    await page.getByRole('status').getByText('No connection').waitFor();
    await watched.assertAccessible();
    await using _second = await startService({
      config: { admin: { host: '127.0.0.1', port: Number(port) } },
    });
    const asked = page.waitForResponse((reply) => reply.url().endsWith('/api/plugins') && reply.ok());
    await page.getByRole('button', { name: 'Try now' }).click();
    await asked;
    await page.getByText('Connected').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    watched.assertClean();
  });

  it('lets go of its stream while nobody sees it, and asks for what it has missed when it is seen again', async () => {
    await using service = await startService();
    const watched = await browser.page('about:blank');
    const { page } = watched;
    await page.clock.install();
    await page.goto(`${service.adminUrl}/#/plugins`);
    await page.getByText('Connected').waitFor();
    const gone = page.waitForEvent('requestfailed', (request) => request.url().includes('/api/events'));
    await setHidden(page, true);
    await page.clock.fastForward(31_000);
    await gone;
    const asked = page.waitForRequest((request) => request.url().includes('/api/events?since='));
    await setHidden(page, false);
    await asked;
    await page.getByText('Connected').waitFor();
  });

  it('says that there is no view at an address, and shows Live', async () => {
    await using service = await startService();
    const watched = await browser.page(`${service.adminUrl}/#/trace/4bf9?span=1`);
    const { page } = watched;
    await page.getByRole('status').getByText('There is no such view').waitFor();
    await page.getByText('trace/4bf9').waitFor();
    assert.equal(await page.title(), 'Live · Sightline');
    await watched.assertAccessible();
    await page.getByRole('link', { name: 'Close' }).click();
    await page.getByText('There is no such view').waitFor({ state: 'detached' });
    watched.assertClean();

    await page.goto(`${service.adminUrl}/#/${'x'.repeat(5_000)}`);
    await page
      .getByRole('status')
      .getByText(/^x{100}$/)
      .waitFor();
    await watched.assertFits();
    await page.goto(`${service.adminUrl}/#/traces/${'0'.repeat(31)}1`);
    const back = page.getByRole('main').getByRole('link', { name: 'Back to Live' });
    assert.equal(await back.getAttribute('href'), '#/live', 'a trace leads back to a view that there is');
  });

  it('says where telemetry is switched off', async () => {
    await using service = await startService({ otel: { OTEL_SDK_DISABLED: 'true' } });
    const { page } = await browser.page(`${service.adminUrl}/#/alerts`);
    await page.getByRole('status').getByText('Telemetry is switched off').waitFor();
  });
});

/** A headless browser hides no page by itself. */
async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { get: () => value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);
}

async function focused(page: Page): Promise<string | undefined> {
  return page.evaluate(() => document.activeElement?.tagName);
}
