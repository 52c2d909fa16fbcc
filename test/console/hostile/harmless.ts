import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { WatchedPage } from '../../support/browser.ts';
import { waitFor } from '../../support/wait-for.ts';
import { trap } from './texts.ts';

/** Elements that the page never makes itself, and that markup in a text would be. */
const strangers = [
  'img, picture, audio, video, iframe, object, embed, base, meta[http-equiv], marquee, [srcdoc]',
  'body script, body style, body link, body [src]',
].join();

/** What of the page is not as it would be without any markup in texts. */
function strangeThings(selector: string): string[] {
  const all = [...document.querySelectorAll('*')];
  const links = [...document.querySelectorAll('[href], [action], [formaction]')].filter(
    (element) =>
      !/^(#\/|\/api\/traces\/[0-9a-f]{32}$|icon\.svg$|console\.css$)/.test(
        element.getAttribute('href') ?? '',
      ),
  );
  return [
    ...document.querySelectorAll(selector),
    ...all.filter((element) => element.getAttributeNames().some((name) => name.startsWith('on'))),
    ...links,
  ].map((element) => element.outerHTML.slice(0, 300));
}

/** Nothing that came as a text has become more than that, and the page goes on as before. */
export async function assertHarmless(watched: WatchedPage): Promise<void> {
  const { page } = watched;
  assert.equal(await page.evaluate(`globalThis.${trap}`), undefined);
  assert.deepEqual(await page.evaluate(strangeThings, strangers), []);
  assert.equal(await page.getByText('This view has failed').count(), 0);
  await watched.assertFits();
  watched.assertClean();
}

/** Everything that the view says: its text, also what is in fields and where the pointer rests. */
export async function textOf(page: Page): Promise<string> {
  return page.evaluate(() => {
    const titles = [...document.querySelectorAll('[title]')].map((one) => one.getAttribute('title'));
    return [document.querySelector('main')?.textContent, ...titles].join('\n');
  });
}

/** Resolves when the view says all of these, letter by letter. */
export async function untilItSays(page: Page, texts: readonly string[]): Promise<void> {
  let missing = texts;
  const look = async () => {
    const said = await textOf(page);
    missing = texts.filter((text) => !said.includes(text));
    return missing.length === 0 || undefined;
  };
  await waitFor('the texts', look, { timeoutMs: 5_000, intervalMs: 50 }).catch(() =>
    assert.deepEqual(missing, []),
  );
}
