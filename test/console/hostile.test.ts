import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { hasNoBrowser } from '../support/browser.ts';
import { refusedModel } from './hostile/backend.ts';
import { assertHarmless, textOf, untilItSays } from './hostile/harmless.ts';
import { HostileStage } from './hostile/stage.ts';
import { hostile, hostileWord, inherited, longName } from './hostile/texts.ts';

const widths = [1280, 390] as const;

/** Opens all that is folded. */
async function unfold(page: Page): Promise<void> {
  await page.evaluate(() => {
    const folded = 'main details:not([open]) > summary, .tr-more:not([aria-expanded="true"])';
    for (const one of document.querySelectorAll<HTMLElement>(folded)) one.click();
  });
}

/** Goes from span to span of a trace, and returns all that is said of them. */
async function readTrace(page: Page, isHarmless: () => Promise<void>): Promise<string> {
  const rows = page.locator('.tw-row');
  await rows.first().waitFor();
  const said: string[] = [];
  for (const row of await rows.all()) {
    await row.click();
    await page.locator('.tr-details h3').first().waitFor();
    await unfold(page);
    said.push(await textOf(page));
    await isHarmless();
  }
  return said.join('\n');
}

describe('what comes from traffic', { skip: hasNoBrowser }, () => {
  let stage: HostileStage;
  before(async () => {
    stage = await HostileStage.start('SPAN_AND_EVENT');
  });
  after(() => stage?.[Symbol.asyncDispose]());

  for (const width of widths) {
    test(`is text in the list of exchanges, ${width} px wide`, async () => {
      // So high that all of them are in sight: what is not is not in the page.
      const watched = await stage.page('#/live', { width, height: 1_600 });
      const { page } = watched;
      const models = [hostile('model'), ...inherited, longName(200), longName(256)];
      await untilItSays(page, [...models, hostile('tenant'), hostileWord('/v1/path')]);
      for (const choice of ['Model', 'Outcome', 'Upstream', 'Tenant']) {
        await page.locator('summary', { hasText: choice }).click();
        await page.locator('.choice-panel label').first().waitFor();
        await assertHarmless(watched);
      }
      await page.getByRole('checkbox', { name: hostile('tenant') }).check();
      await page.getByText('1 ended that fit').waitFor();
      await assertHarmless(watched);
    });

    test(`is text in every trace, ${width} px wide`, async () => {
      const watched = await stage.page('#/live', { width });
      const { page } = watched;
      const said: string[] = [];
      for (const { traceId } of stage.lines.filter(({ kind }) => kind !== 'turn')) {
        await page.goto(`${stage.service.adminUrl}/#/traces/${traceId}`);
        await page.locator('.tr-id', { hasText: traceId ?? '' }).waitFor();
        said.push(await readTrace(page, () => assertHarmless(watched)));
      }
      const all = said.join('\n');
      const texts = [
        ...['model', 'system', 'prompt', 'tool before', 'result', 'tool', 'described', 'thought', 'answer'],
        ...['called tool', 'call id', 'finish', 'reply id', 'reply model', 'attribute', 'value', 'blocked'],
        ...['session model', 'instructions', 'said'],
      ].map(hostile);
      const asJson = ['before', 'stop', 'parameter', 'arguments'].map((one) => JSON.stringify(hostile(one)));
      const words = ['request-id', 'code', 'upstream-id', 'goodbye', '/v1/path', 'role'].map(hostileWord);
      const wanted = [...texts, ...asJson, ...words, ...inherited.map((name) => `sightline.tag.${name}`)];
      assert.deepEqual(
        wanted.filter((text) => !all.includes(text)),
        [],
      );
    });

    test(`is text among the plugins, ${width} px wide`, async () => {
      const watched = await stage.page('#/plugins', { width });
      const { page } = watched;
      await page.locator('article').first().waitFor();
      await unfold(page);
      const texts = ['plugin name', 'initialize', 'needed'].map(hostile);
      await untilItSays(page, [...texts, ...inherited, '<img src=x onerror="hostileRan=1"> file']);
      await assertHarmless(watched);
    });

    test(`is text among alerts and figures, ${width} px wide`, async () => {
      const watched = await stage.page('#/alerts', { width });
      const { page } = watched;
      await untilItSays(page, ['<img src=x onerror="hostileRan=1"> file']);
      await unfold(page);
      await assertHarmless(watched);
      await page.goto(`${stage.service.adminUrl}/#/metrics`);
      await page.getByRole('slider').first().waitFor();
      await assertHarmless(watched);
    });

    test(`is text in an answer to what was asked from the page, ${width} px wide`, async () => {
      const watched = await stage.page('#/try', { width, expected: [/status of 400/] });
      const { page } = watched;
      const send = async () => {
        await page.getByRole('button', { name: 'Send' }).click();
        await page.getByRole('link', { name: 'Open the trace' }).waitFor();
        await page.getByText('The reply is here').waitFor({ state: 'attached' });
      };
      await page.getByLabel('Model', { exact: true }).fill(hostile('asked model'));
      await page.getByLabel('Prompt').fill(hostile('asked'));
      await send();
      await untilItSays(page, ['thought', 'answer', 'called tool', 'finish', 'asked model'].map(hostile));
      await assertHarmless(watched);
      await page.getByRole('button', { name: 'As it came' }).click();
      await untilItSays(page, [JSON.stringify(hostile('answer'))]);
      await assertHarmless(watched);

      await page.getByLabel('Model', { exact: true }).fill(refusedModel);
      await send();
      await untilItSays(page, [hostile('refusal'), hostileWord('code')]);
      await page.getByRole('button', { name: 'Edit as JSON' }).click();
      await page.getByLabel('Body').fill(hostile('broken JSON'));
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByText('Not sent').waitFor();
      await assertHarmless(watched);
    });
  }

  test('is text on the clipboard', async () => {
    const line = stage.lines.find(({ tenant }) => tenant === hostile('tenant'));
    const watched = await stage.page(`#/traces/${line?.traceId}`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByText('Copied').first().waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    const quoted = hostile('prompt').replaceAll('"', '\\"').replaceAll("'", "'\\''");
    assert.ok(copied.includes(quoted), copied);
    await assertHarmless(watched);
  });
});

describe('an address that somebody has made up', { skip: hasNoBrowser }, () => {
  const markup = encodeURIComponent(hostile('address'));
  const addresses = [
    ...['.', '..%2f..%2fhealthz', '%', '%00', '__proto__', 'javascript:x', markup].map(
      (id) => `traces/${id}`,
    ),
    ...[
      'outcome=__proto__&model=constructor',
      'from=9999999999999999',
      `to=${'9'.repeat(400)}`,
      'text=%5B(%2B',
    ],
    ...[`text=${markup}&tenant=${markup}`, 'model=a&'.repeat(1_500)],
  ].map((end) => (end.startsWith('traces/') ? end : `live?${end}`));
  const others = [
    'metrics?from=0&to=999999999999999',
    'metrics?from=1&to=2&chart=__proto__',
    `plugins?plugin=${markup}`,
    'plugins?plugin=__proto__',
    'alerts?alert=constructor',
    `try?${markup}`,
    '/evil.example/',
    'javascript:hostileRan=1',
  ];

  test('breaks no view, and is text', async () => {
    await using stage = await HostileStage.start('NO_CONTENT');
    const watched = await stage.page('#/live', { width: 390, expected: [/status of 4\d\d/] });
    for (const address of [...addresses, ...others]) {
      await watched.page.goto(`${stage.service.adminUrl}/#/${address}`);
      await watched.page.locator('main h1').first().waitFor();
      if (address.startsWith('traces/'))
        await watched.page.getByText('This trace is not kept here').waitFor();
      await assertHarmless(watched);
    }
  });
});

describe('what comes from traffic, where it is told on spans alone', { skip: hasNoBrowser }, () => {
  test('is text in a trace', async () => {
    await using stage = await HostileStage.start('SPAN_ONLY');
    const line = stage.lines.find(({ tenant }) => tenant === hostile('tenant'));
    const watched = await stage.page(`#/traces/${line?.traceId}`);
    const said = await readTrace(watched.page, () => assertHarmless(watched));
    for (const where of ['system', 'prompt', 'result', 'answer', 'called tool'])
      assert.ok(said.includes(hostile(where)), where);
  });
});
