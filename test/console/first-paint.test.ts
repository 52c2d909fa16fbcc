import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser, hasNoBrowser } from '../support/browser.ts';
import { startService } from '../support/service.ts';

/** Of a page that is there at once, on loopback. */
const paintedWithinMs = 300;
const loadsMax = 10;

describe('the console on loopback', { skip: hasNoBrowser }, () => {
  // A machine that is busy with others says nothing about the page: the best of several loads does.
  it(`shows the first of its contents within ${paintedWithinMs} ms`, async () => {
    await using service = await startService();
    await using browser = await Browser.open();
    const paints: number[] = [];
    while (paints.length < loadsMax && !paints.some((ms) => ms < paintedWithinMs)) {
      const { page, context } = await browser.page(service.adminUrl);
      await page.getByRole('heading', { level: 1 }).waitFor();
      paints.push(
        await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
      );
      await context.close();
    }
    assert.ok(
      paints.some((ms) => ms < paintedWithinMs),
      `painted after ${paints.map(Math.round).join(', ')} ms`,
    );
  });
});
