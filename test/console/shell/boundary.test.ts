import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser, hasNoBrowser } from '../../support/browser.ts';
import { serveStage } from '../parts/serve-stage.ts';

declare const stage: { show(place: string, thrown?: string): void; heal(): void };

describe('a view that throws', { skip: hasNoBrowser }, () => {
  it('says why, and leads back; another view is not touched by it', async () => {
    await using server = await serveStage(new URL('./boundary-stage.tsx', import.meta.url));
    await using browser = await Browser.open();
    const watched = await browser.page(server.url, { expected: [/Cannot read <b>this<\/b>/] });
    const { page } = watched;
    await page.evaluate(() => stage.show('a', 'Cannot read <b>this</b>'));
    await page.getByRole('alert').getByText('Cannot read <b>this</b>').waitFor();
    assert.equal(await page.getByRole('link', { name: 'To Live' }).getAttribute('href'), '#/live');
    await watched.assertAccessible();

    await page.evaluate(() => stage.heal());
    await page.getByRole('button', { name: 'Show it again' }).click();
    await page.getByRole('heading', { name: 'It works' }).waitFor();

    await page.evaluate(() => stage.show('a', 'Cannot read <b>this</b>'));
    await page.getByRole('alert').waitFor();
    await page.evaluate(() => stage.show('b'));
    await page.getByRole('heading', { name: 'It works' }).waitFor();
    watched.assertClean();
  });
});
