import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Service } from '../../../src/service.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { startService } from '../../support/service.ts';

const markup = '<img src=x onerror=alert(1)> שלום "quoted" $(id)';

/** Sends a query and returns the id of its trace, once it has ended. */
async function asked(service: Service, model: string): Promise<string> {
  const reply = await fetch(`${service.dataUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: markup }] }),
  });
  await reply.text().catch(() => undefined);
  for (;;) {
    const known = await fetch(
      `${service.adminUrl}/api/exchanges?state=ended&model=${encodeURIComponent(model)}`,
    );
    const [line] = ((await known.json()) as { exchanges: { traceId: string }[] }).exchanges;
    if (line) return line.traceId;
  }
}

const names = (page: Page) => page.locator('.tw-row .tw-name').allTextContents();
const chosen = (page: Page) => page.locator('.tw-row[aria-selected="true"] .tw-name').textContent();

describe('the trace view', { skip: hasNoBrowser }, () => {
  let simulator: Awaited<ReturnType<typeof startSimulator>>;
  let service: Service;
  let browser: Browser;

  before(async () => {
    simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
    service = await startService({
      config: { upstreams: { default: simulator.url } },
      otel: { OTEL_TRACES_EXPORTER: 'none', OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'SPAN_ONLY' },
    });
    browser = await Browser.open();
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await service?.stop();
    await simulator?.close();
  });

  const open = async (model: string, options = {}) => {
    const traceId = await asked(service, model);
    const watched = await browser.page(`${service.adminUrl}/#/traces/${traceId}`, options);
    await watched.page.locator('.tw-row').first().waitFor();
    return { traceId, watched, page: watched.page };
  };

  test('shows who ran below whom, and moves by keys', async () => {
    const { page, watched } = await open('sim-tokens-3');
    assert.deepEqual(await names(page), ['POST /v1/chat/completions', 'chat sim-tokens-3']);
    await page.locator('[role="treegrid"]').focus();
    await page.keyboard.press('ArrowUp');
    assert.equal(await chosen(page), 'POST /v1/chat/completions');
    assert.match(page.url(), /[?&]span=[0-9a-f]{16}/);
    await page.keyboard.press('ArrowLeft');
    assert.deepEqual(await names(page), ['POST /v1/chat/completions']);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await chosen(page), 'chat sim-tokens-3');
    const active = await page.locator('[role="treegrid"]').getAttribute('aria-activedescendant');
    assert.equal(await page.locator(`[id="${active}"]`).getAttribute('aria-selected'), 'true');
    await page.keyboard.press('Enter');
    const focused = await page.evaluate('document.activeElement.getAttribute("aria-label")');
    assert.equal(focused, 'Details of the chosen span');
    watched.assertClean();
  });

  test('is one of what Live lists, and leads back there, as it was left', async () => {
    const traceId = await asked(service, 'sim-tokens-7');
    const watched = await browser.page(`${service.adminUrl}/#/live?model=sim-tokens-7`);
    const { page } = watched;
    await page.getByRole('link', { name: 'sim-tokens-7' }).click();
    await page.waitForURL((url) => url.hash.startsWith(`#/traces/${traceId}?exchange=`));
    await page.locator('.tw-row').first().waitFor();
    assert.equal(await chosen(page), 'chat sim-tokens-7');
    assert.equal(await page.locator('.nav [aria-current=page]').count(), 0);
    assert.equal(await page.locator('.nav [aria-current=true]').textContent(), 'Live');
    await page.getByRole('link', { name: 'Back to Live' }).click();
    await page.waitForURL(/#\/live\?model=sim-tokens-7$/);
    watched.assertClean();
  });

  test('keeps up with a key that is held, and its address with it', async () => {
    const { page } = await open('sim-tokens-8');
    await page.locator('[role="treegrid"]').focus();
    for (let i = 0; i < 30; i += 1) await page.keyboard.press(i % 2 === 0 ? 'ArrowUp' : 'ArrowDown');
    await page.keyboard.press('ArrowUp');
    assert.equal(await chosen(page), 'POST /v1/chat/completions');
    const span = await page.locator('.tr-facts .mono').textContent();
    await page.waitForURL(new RegExp(`[?&]span=${span}`));
  });

  test('looks closer where one drags over the time, and back', async () => {
    const { page, watched } = await open('sim-tokens-4');
    const box = await page.locator('.tw-axis').boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + box.width * 0.4, box.y + 8);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 8, { steps: 3 });
    await page.mouse.up();
    const all = page.getByRole('button', { name: 'Show all of the time' });
    await all.waitFor();
    await page.locator('[role="treegrid"]').focus();
    await page.keyboard.press('Escape');
    await all.waitFor({ state: 'detached' });
    watched.assertClean();
  });

  test('shows what was said as text, whatever it was', async () => {
    const { page, watched } = await open('sim-tokens-5');
    assert.equal(await page.locator('.tr-said .tr-text').first().textContent(), markup);
    assert.equal(await page.locator('main img').count(), 0);
    watched.assertClean();
  });

  test('says how it ended, and what went wrong', async () => {
    const { page } = await open('sim-truncate-2');
    assert.match(
      (await page.locator('.tr-explain').textContent()) ?? '',
      /^The reply broke off before its end\./,
    );
    assert.equal(await page.locator('.tw-label-problem').first().textContent(), 'upstream_truncated');
  });

  test('copies a command that asks the same again', async () => {
    const { page } = await open('sim-tokens-6');
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByText('Copied').first().waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    assert.match(copied, /^curl http:\S+\/v1\/chat\/completions /);
    assert.match(copied, /"model":"sim-tokens-6"/);
  });

  test('does not wait for spans that have made room for newer ones', async () => {
    const traceId = await asked(service, 'sim-tokens-9');
    const { page } = await browser.page('about:blank');
    await page.route('**/api/traces/*', async (route) => {
      const reply = await route.fetch();
      await route.fulfill({ json: { ...(await reply.json()), spans: [] } });
    });
    await page.goto(`${service.adminUrl}/#/traces/${traceId}`);
    await page.getByText('This trace is not kept here').waitFor();
    assert.match((await page.locator('.tr-exchange').textContent()) ?? '', /completed.*sim-tokens-9/);
  });

  test('tells of one that is not kept', async () => {
    const missing = `${service.adminUrl}/#/traces/${'0'.repeat(31)}1`;
    const { page } = await browser.page(missing, { expected: [/404/] });
    await page.getByText('This trace is not kept here').waitFor();
  });

  for (const [width, theme] of [
    [1280, 'light'],
    [390, 'dark'],
  ] as const)
    test(`can be used by everybody, ${width} px wide, ${theme}`, async () => {
      const { watched } = await open(`sim-truncate-${width === 390 ? 4 : 3}`, { width, theme });
      await watched.assertAccessible();
      await watched.assertFits();
      watched.assertClean();
    });
});
