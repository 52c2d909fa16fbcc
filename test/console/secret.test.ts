import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { TraceView } from '../../src/admin/api/traces.ts';
import type { Service } from '../../src/service.ts';
import { Browser, hasNoBrowser } from '../support/browser.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { startService } from '../support/service.ts';
import { CapturedLog } from '../telemetry/logs/captured-log.ts';

const key = 'sk-proj-Zk3mQ9xT7vB2nR5wY8cL1pD4';

/** Refuses, and says which key it was that it did not like. */
async function startRefuser() {
  const seen: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((request, response) => {
    seen.push(request.headers);
    request.resume();
    const error = { message: `Incorrect API key provided: ${key}`, code: 'invalid_api_key', param: key };
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** All that the admin plane tells. */
async function told({ adminUrl }: Service): Promise<string> {
  const ask = async (path: string) => (await fetch(adminUrl + path)).text();
  const { traces } = JSON.parse(await ask('/api/traces')) as { traces: TraceView[] };
  assert.equal(traces.length, 2);
  const paths = ['exchanges', 'exchanges/values', 'traces', 'pipeline', 'plugins', 'alerts', 'console'];
  const each = [...paths, 'metrics/snapshots', ...traces.map(({ traceId }) => `traces/${traceId}`)];
  return (await Promise.all([...each.map((path) => `/api/${path}`), '/metrics'].map(ask))).join('\n');
}

/** All that the page keeps, or would show to somebody who comes later. */
function kept(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const databases = await indexedDB.databases();
    const caches = await globalThis.caches.keys();
    const stored = [{ ...localStorage }, { ...sessionStorage }, document.cookie, databases, caches];
    return JSON.stringify([location.href, history.state, document.title, name, ...stored]);
  });
}

describe('an API key that is typed in to try a query', { skip: hasNoBrowser }, () => {
  test('goes to the upstream, and is nowhere else', async () => {
    await using upstream = await startRefuser();
    await using sink = await startOtlpSink();
    const log = new CapturedLog();
    await using service = await startService({
      config: { upstreams: { default: upstream.url }, log: { level: 'debug' } },
      otel: {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_LOGS_EXPORTER: 'otlp',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'SPAN_AND_EVENT',
      },
      stdout: log,
    });
    await using browser = await Browser.open();
    const watched = await browser.page(`${service.adminUrl}/#/try`, { expected: [/status of 401/] });
    const { page } = watched;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.url()} ${request.postData()}`));
    page.on('framenavigated', (frame) => asked.push(frame.url()));

    await page.getByText('API key for the upstream').click();
    await page.getByLabel('Key', { exact: true }).fill(key);
    for (const way of ['authorization', 'x-api-key']) {
      if (way === 'x-api-key') await page.getByLabel('As x-api-key').check();
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('link', { name: 'Open the trace' }).waitFor();
      await page.getByText('Refused with 401').waitFor();
    }
    const keptBefore = await kept(page);
    assert.equal(upstream.seen[0]?.authorization, `Bearer ${key}`);
    assert.deepEqual([upstream.seen[1]?.authorization, upstream.seen[1]?.['x-api-key']], [undefined, key]);

    await page.getByRole('link', { name: 'Open the trace' }).click();
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByText('Copied').first().waitFor();
    const curl = await page.evaluate<string>('navigator.clipboard.readText()');
    const shown = (await page.locator('main').textContent()) ?? '';
    assert.match(shown, /invalid_api_key/);
    // A page that is closed has forgotten it.
    await page.reload();
    await page.getByRole('link', { name: 'Try it' }).click();
    await page.getByText('API key for the upstream').click();
    assert.equal(await page.getByLabel('Key', { exact: true }).inputValue(), '');

    const lasting = [curl, shown, keptBefore, await kept(page), ...asked, await told(service)];
    await service.stop();
    assert.ok(sink.spans().length >= 4 && sink.logs().length > 0);
    const exported = JSON.stringify([sink.spans(), sink.logs()]);
    for (const text of [...lasting, exported, log.text])
      assert.equal(text.includes(key.slice(8)), false, text.slice(0, 20_000));
    watched.assertClean();
  });
});
