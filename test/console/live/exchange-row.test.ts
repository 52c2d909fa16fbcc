import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { startService } from '../../support/service.ts';

/** With them there is one column more. */
const tags = { tenant: { header: 'x-tenant', label: true } };

describe('an exchange that failed', { skip: hasNoBrowser }, () => {
  it('shows its model, its path and what went wrong, and all of them where they are cut off', async () => {
    await using service = await startService({ config: { middleware: [{ 'request-tags': { tags } }] } });
    const messages = [{ role: 'user', content: 'Hi' }];
    for (const model of ['sim-truncate-3', 'sim-status-429']) {
      const reply = await fetch(`${service.dataUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-tenant': 'acme' },
        body: JSON.stringify({ model, messages, stream: true }),
      });
      await reply.text().catch(() => undefined);
    }
    await service.inFlight.empty();
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/live?text=sim-`, { width: 1280 });
    const row = (model: string) => watched.page.locator('.exchange', { hasText: model });
    const path = (model: string) => row(model).getByTitle('POST /v1/chat/completions', { exact: true });
    await path('sim-truncate-3').waitFor();
    const isWhole = (element: Element) => element.scrollWidth <= element.clientWidth;
    assert.ok(await path('sim-truncate-3').evaluate(isWhole));
    await row('sim-status-429').getByTitle('Ended by rate_limit_exceeded').waitFor();
    const width = await path('sim-status-429').evaluate((element) => element.clientWidth);
    assert.ok(width > 50, `${width}`);
    await row('sim-status-429').getByTitle('sim-status-429\nPOST /v1/chat/completions').waitFor();
    await watched.assertAccessible();
    watched.assertClean();
  });
});
