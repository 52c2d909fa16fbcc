import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { Browser, hasNoBrowser, type WatchedPage } from '../../support/browser.ts';
import { serveStage } from './serve-stage.ts';

interface Stage {
  readonly opened: number[];
  readonly askedForMore: number[];
  show(newest: number, count: number): void;
  without(gone: readonly number[]): void;
  select(item: number): void;
}

declare const stage: Stage;

const rows = 10_000;

describe('a list of ten thousand rows', { skip: hasNoBrowser }, () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serveStage>>;
  let watched: WatchedPage;
  let page: Page;

  before(async () => {
    [browser, server] = await Promise.all([
      Browser.open(),
      serveStage(new URL('./list-stage.tsx', import.meta.url)),
    ]);
    watched = await browser.page(server.url);
    page = watched.page;
  });
  beforeEach(async () => {
    await page.reload();
    await page.evaluate((count) => stage.show(count, count), rows);
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const scroll = async (top: number) => {
    await page.locator('.vlist-scroll').evaluate((element, to) => element.scrollTo(0, to), top);
    await frame(page);
  };
  /** Text of the row at the top of what one sees, and how far from the top it is. */
  const top = () =>
    page.locator('.vlist-scroll').evaluate((element) => {
      const from =
        element.getBoundingClientRect().top +
        (element.querySelector<HTMLElement>('.vlist-head')?.offsetHeight ?? 0);
      for (const row of element.querySelectorAll('.vlist-row')) {
        const { bottom, top: start } = row.getBoundingClientRect();
        if (bottom > from + 1) return { text: row.textContent, offset: Math.round(start - from) };
      }
      return undefined;
    });
  const active = () =>
    page
      .locator('.vlist-scroll')
      .evaluate(
        (element) =>
          document.getElementById(element.getAttribute('aria-activedescendant') ?? '')?.textContent,
      );

  it('has few of them in the page, each with its place', async () => {
    await scroll(150_000);
    assert.ok((await page.locator('.vlist-row').count()) < 40);
    assert.deepEqual(await top(), { text: 'Row 5000', offset: 0 });
    const row = page.getByRole('row', { name: 'Row 5000' });
    assert.equal(await row.getAttribute('aria-rowindex'), '5002');
    assert.equal(await page.getByRole('grid', { name: 'Numbers' }).getAttribute('aria-rowcount'), '10001');
    await watched.assertAccessible();
  });

  it('leaves what one reads in its place while rows come above and go below', async () => {
    await scroll(150_010);
    const before = await top();
    for (const come of [1, 7, 250]) {
      await page.evaluate(([newest, count]) => stage.show(newest, count), [rows + come, rows] as const);
      assert.deepEqual(await top(), before);
    }
    assert.equal(await page.getByRole('button', { name: '250 newer' }).count(), 1);
  });

  it('stays there for each frame of a scroll, with four changes a second and more', async () => {
    await scroll(90_000);
    const jumps = await page.locator('.vlist-scroll').evaluate(async (element, count) => {
      const numberAtTop = () => {
        const { left, top: start } = element.getBoundingClientRect();
        const row = document.elementFromPoint(left + 20, start + 60)?.closest('.vlist-row');
        return Number(row?.textContent?.replace('Row ', ''));
      };
      const found: number[] = [];
      let last = numberAtTop();
      for (let step = 1; step <= 120; step += 1) {
        if (step % 3 === 0) stage.show(count + step, count);
        element.scrollTop += 15;
        await new Promise(requestAnimationFrame);
        const now = numberAtTop();
        if (!(last - now >= 0 && last - now <= 1)) found.push(last - now);
        last = now;
      }
      return found;
    }, rows);
    assert.deepEqual(jumps, []);
  });

  it('holds on to the next row where the one at the top is gone', async () => {
    await scroll(30_000);
    const next = page.getByRole('row', { name: 'Row 8998' });
    const before = await next.boundingBox();
    await page.evaluate(() => stage.without([9_000, 8_999, 3]));
    assert.deepEqual(await next.boundingBox(), before);
  });

  it('shows the newest at the top, until a row is chosen', async () => {
    await page.evaluate((count) => stage.show(count + 1, count), rows);
    assert.deepEqual(await top(), { text: 'Row 10001', offset: 0 });
    await page.locator('.vlist-scroll').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await active(), 'Row 10000');
    await page.evaluate((count) => stage.show(count + 9, count), rows);
    assert.deepEqual(await top(), { text: 'Row 10001', offset: 0 });
    await page.getByRole('button', { name: '8 newer' }).click();
    assert.deepEqual(await top(), { text: 'Row 10009', offset: 0 });
    await page.evaluate((count) => stage.show(count + 10, count), rows);
    assert.deepEqual(await top(), { text: 'Row 10010', offset: 0 });
    assert.equal(await page.locator('.vlist-newer').count(), 0);
  });

  it('begins at the top with other items', async () => {
    await scroll(150_000);
    await page.evaluate(() => stage.show(900_000, 500));
    assert.deepEqual(await top(), { text: 'Row 900000', offset: 0 });
  });

  it('is walked through with the keyboard, and opens what is chosen', async () => {
    await page.keyboard.press('Tab');
    const seen: (string | null | undefined)[] = [];
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'PageDown', 'End', 'PageUp', 'Home', 'ArrowUp']) {
      await page.keyboard.press(key);
      seen.push(await active());
    }
    assert.deepEqual(
      seen,
      [10_000, 9_999, 10_000, 9_989, 1, 12, 10_000, 10_000].map((n) => `Row ${n}`),
    );
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    assert.deepEqual(await page.evaluate(() => stage.opened), [1]);
    // The whole row can be seen.
    const row = await page.getByRole('row', { name: 'Row 1', exact: true }).boundingBox();
    const list = await page.locator('.vlist-scroll').boundingBox();
    assert.ok(row && list && row.y >= list.y && row.y + row.height <= list.y + list.height + 0.5);
    await page.keyboard.press('Escape');
    assert.equal(await active(), undefined);
  });

  it('opens the row that was pressed, also where it moves on before the button is let go', async () => {
    await page.getByRole('row', { name: 'Row 9998' }).hover();
    await page.mouse.down();
    await page.evaluate((count) => {
      stage.show(count + 40, count);
    }, rows);
    await page.mouse.up();
    assert.deepEqual(await page.evaluate(() => stage.opened), [9_998]);
  });

  it('asks for more once for each number of rows', async () => {
    await scroll(10_000_000);
    await page.evaluate((count) => stage.show(count, count), rows);
    await scroll(0);
    await scroll(10_000_000);
    assert.deepEqual(await page.evaluate(() => stage.askedForMore), [rows]);
  });

  it('tells which row is open', async () => {
    await page.evaluate(() => stage.select(9_997));
    assert.equal(await page.locator('[aria-selected=true]').textContent(), 'Row 9997');
    watched.assertClean();
  });

  it('brings what is chosen elsewhere into sight, once', async () => {
    await page.evaluate(() => stage.select(5_000));
    const selected = page.locator('[aria-selected=true]').getByText('Row 5000');
    await selected.waitFor();
    assert.ok(await selected.evaluate((row) => row.getBoundingClientRect().bottom <= innerHeight));
    await scroll(30_000);
    await page.evaluate((count) => stage.show(count + 1, count), rows);
    await frame(page);
    assert.equal((await top())?.text, 'Row 9000');
    await page.evaluate(() => stage.select(9_999));
    await selected.waitFor({ state: 'detached' });
    assert.deepEqual(await active(), 'Row 9999');
  });
});

async function frame(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
}
