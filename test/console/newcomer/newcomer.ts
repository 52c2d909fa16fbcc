import assert from 'node:assert/strict';
import type { JSHandle, Page } from 'playwright-core';
import type { PluginFolder } from '../../plugins/folder.ts';

/** What one looks at, in the order of the way. */
export type Scene = 'live' | 'try' | 'trace' | 'plugins' | 'rejected' | 'alerts' | 'metrics' | 'moment';

export interface Way {
  readonly page: Page;
  /** That the service watches. */
  readonly folder: PluginFolder;
  /** Called when there is something to see. */
  readonly onScene: (scene: Scene) => Promise<void>;
}

const plugin = (version: string, rest = '') => `import { definePlugin } from 'sightline';

export default definePlugin({
  name: 'greeting',
  version: '${version}',
  initialize({ registerMiddleware }) {
    registerMiddleware({
      name: 'greeting',
      beforeQuery(_query, exchange) {
        exchange.setAttribute('greeting', 'Hello!');
      },
    });
  },
});
${rest}`;

/**
 * What somebody does who sees the console for the first time: sends a query, watches it, looks at its trace, saves a
 * plugin, breaks it, sees what that raises, mends it, and asks what happened at a moment. Begins where the page is open
 * at its first view; the service has to raise `plugin-rejected` at once.
 */
export async function goTheWay({ page, folder, onScene }: Way): Promise<void> {
  const visit = (view: string) => page.getByRole('navigation').getByRole('link', { name: view }).click();
  const heading = (name: string) => page.getByRole('heading', { level: 1, name });

  await heading('Live').waitFor();
  await onScene('live');

  await visit('Try it');
  await heading('Try it').waitFor();
  await page.getByLabel('Model', { exact: true }).fill('gpt-4o');
  await page.getByLabel('Prompt').fill('Why is the sky blue?');
  const lengths = await lengthsOf(page, 'Text of the answer');
  await page.getByRole('button', { name: 'Send' }).click();
  const answer = page.getByRole('region', { name: 'Answer', exact: true });
  const text = page.getByRole('region', { name: 'Text of the answer' });
  await text.getByText(/\w/).waitFor();
  await answer.getByText('Speed').waitFor();
  await page.getByRole('treegrid').waitFor();
  await onScene('try');
  await answer.getByText('The reply is here').waitFor({ state: 'attached' });
  assert.ok((await lengths.evaluate(({ size }) => size)) > 1, 'the answer grew while one watched');

  await page.getByRole('link', { name: 'Open the trace' }).click();
  await heading('Trace').waitFor();
  const spans = page.getByRole('treegrid', { name: 'Spans of the trace' }).getByRole('row');
  await spans.filter({ hasText: 'chat gpt-4o' }).first().waitFor();
  await page.getByText('completed', { exact: true }).first().waitFor();
  await onScene('trace');

  await visit('Plugins');
  await heading('Plugins').waitFor();
  await folder.save('greeting', plugin('1.0.0'));
  const card = page.getByRole('article', { name: 'greeting' });
  await card.getByText('1.0.0').first().waitFor();
  await folder.save('greeting', plugin('1.1.0'));
  await card.getByText('1.0.0 → 1.1.0').waitFor();
  await onScene('plugins');

  await folder.save('greeting', plugin('1.2.0', 'export const more = ;'));
  await card.getByText('greeting.plugin.ts:15:21').waitFor();
  await onScene('rejected');
  await visit('Alerts');
  const firing = page.getByRole('region', { name: 'Firing' });
  await firing.getByText('Rejected plugin').waitFor();
  await onScene('alerts');
  await folder.save('greeting', plugin('1.2.1'));
  await firing.getByText('Rejected plugin').waitFor({ state: 'detached' });

  await visit('Metrics');
  await heading('Metrics').waitFor();
  const chart = page.getByRole('slider', { name: /^Exchanges/ });
  await chart.waitFor();
  await onScene('metrics');
  await chart.focus();
  await chart.press('End');
  await chart.press('ArrowLeft');
  await chart.press('Enter');
  await page.waitForURL(/#\/live\?from=/);
  await heading('Live').waitFor();
  await onScene('moment');
  // By its words, as people do it.
  await page.getByText('Outcome', { exact: true }).first().click();
  await page.getByRole('group', { name: 'outcome' }).getByText('completed').click();
  await page.waitForURL(/outcome=completed/);
}

/** How long the text of that name was in turn. The page notes it itself: from outside one may look too late. */
function lengthsOf(page: Page, name: string): Promise<JSHandle<Set<number>>> {
  return page.evaluateHandle((label) => {
    const lengths = new Set<number>();
    new MutationObserver(() => {
      const text = document.querySelector(`[aria-label="${label}"]`)?.textContent;
      if (text) lengths.add(text.length);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    return lengths;
  }, name);
}
