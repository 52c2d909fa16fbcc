import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { describe, test } from 'node:test';
import type { Alert } from '../../src/alerts/alert.ts';
import type { Service } from '../../src/service.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { WebhookSink } from '../support/webhook-sink.ts';
import { parsePage, type Sample } from '../telemetry/prometheus-text.ts';
import { opensslSignature } from './receivers/openssl.ts';

/** Requests that the upstream answers with an error. */
async function fail({ dataUrl, inFlight }: Service, times: number, status = 500): Promise<void> {
  const body = JSON.stringify({
    model: `sim-status-${status}`,
    messages: [{ role: 'user', content: 'Hello!' }],
  });
  const headers = { 'content-type': 'application/json' };
  for (let i = 0; i < times; i += 1) {
    const reply = await fetch(`${dataUrl}/v1/chat/completions`, { method: 'POST', headers, body });
    assert.equal(reply.status, status);
    await reply.text();
  }
  await inFlight.empty();
}

/** Fires with the first look, as any process is larger. */
const memory = { memory: { limit: 1, holdMs: 0 } };

describe('a service', () => {
  test('tells a webhook of errors that its clients had, and that they are over', async () => {
    await using sink = await WebhookSink.start();
    await using stack = new AsyncDisposableStack();
    const simulator = stack.adopt(await startSimulator(), (one) => one.close());
    const secret = 'a secret of this test';
    await using service = await startService({
      config: {
        upstreams: { default: simulator.url },
        alerts: {
          thresholds: { errors: { limit: 2, windowMs: 2_000, keepMs: 0 } },
          webhooks: [{ url: `${sink.url}/alerts`, secret, headers: { 'X-Team': 'blue' } }],
        },
        limits: { snapshotIntervalMs: 2_000 },
      },
      otel: { OTEL_TRACES_EXPORTER: 'none', OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=one' },
    });
    const states: string[] = [];
    service.alerts.onTransition(({ id, state }) => states.push(`${id} ${state}`));
    await service.collector.look();
    assert.deepEqual(states, []);
    await fail(service, 3);
    await service.collector.look();
    assert.deepEqual(states, ['errors firing']);

    const [post] = await sink.waitFor(1);
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = post?.headers ?? {};
    const keyHex = Buffer.from(secret).toString('hex');
    assert.equal(signature, opensslSignature(String(id), String(at), post?.body ?? '', keyHex));
    assert.equal(post?.headers['x-team'], 'blue');
    const told = JSON.parse(post?.body ?? '');
    assert.deepEqual([told.alert.id, told.alert.value, told.alert.limit], ['errors', 3, 2]);
    assert.deepEqual(told.service, { name: 'sightline', instanceId: 'one', host: hostname() });

    const { evaluatedAt, alerts } = (await (await fetch(`${service.adminUrl}/api/alerts`)).json()) as {
      evaluatedAt: string;
      alerts: Record<string, unknown>[];
    };
    // Where a snapshot has the figure, over how long, and for how long: receivers need none of it.
    assert.deepEqual(alerts[0], { ...told.alert, field: 'errors', windowMs: 2_000, holdMs: 0, keepMs: 0 });
    assert.ok(evaluatedAt >= told.timestamp);
    assert.ok(alerts.length >= 14);
    const page = parsePage(await (await fetch(`${service.adminUrl}/metrics`)).text());
    const gauge = page.get('sightline_alert_firing')?.samples ?? [];
    const isOfErrors = ({ labels }: Sample) => labels.sightline_alert === 'errors';
    assert.deepEqual(
      gauge.filter(isOfErrors).map(({ value }) => value),
      [1],
    );

    await waitFor('the window is over', async () => {
      await service.collector.look();
      return states.length > 1 || undefined;
    });
    const [, end] = await sink.waitFor(2);
    assert.deepEqual(states, ['errors firing', 'errors resolved']);
    const over = JSON.parse(end?.body ?? '');
    assert.deepEqual([over.status, over.incident], ['resolved', told.incident]);
  });

  for (const [whose, status, expected] of [
    ['nothing of mistakes of a client', 401, []],
    ['of a quota that is used up', 429, ['errors', 'error-ratio']],
    ['of an upstream that fails', 500, ['errors', 'error-ratio']],
  ] as const) {
    test(`tells ${whose}: 25 times ${status}`, async () => {
      await using stack = new AsyncDisposableStack();
      const simulator = stack.adopt(await startSimulator(), (one) => one.close());
      await using service = await startService({
        config: {
          upstreams: { default: simulator.url },
          alerts: { thresholds: { 'error-ratio': { holdMs: 0 } } },
        },
      });
      const fired: string[] = [];
      service.alerts.onTransition(({ id }) => fired.push(id));
      await service.collector.look();
      await fail(service, 25, status);
      const snapshot = await service.collector.look();
      assert.deepEqual([snapshot?.exchanges, snapshot?.outcomes?.upstream_error], [25, 25]);
      assert.deepEqual(fired, expected);
    });
  }

  test('tells plugins through their hooks, in the process and in a worker', async () => {
    await using sink = await WebhookSink.start();
    await using folder = await PluginFolder.create();
    const body = `registerHook('alert.fired', ({ alert }) =>
      fetch('${sink.url}', { method: 'POST', body: JSON.stringify([context.name, alert]) }));`;
    await folder.savePlugin('listener', body);
    await folder.savePlugin('distant', body);
    const source = (await readFile(folder.file('distant'), 'utf8')).replace(
      "'1.0.0',",
      "'1.0.0',\n  isolation: 'worker',",
    );
    await folder.save('distant', source);
    await using service = await startWithFolder(folder, { alerts: { thresholds: memory } });
    const fired: Alert[] = [];
    service.alerts.onTransition((alert) => fired.push(alert));
    await service.collector.look();
    await sink.waitFor(2);
    const [alert] = fired;
    assert.equal(alert?.id, 'memory');
    const told = (sink.bodies as [string, object][]).toSorted(([a], [b]) => a.localeCompare(b));
    assert.deepEqual(told, [
      ['distant', JSON.parse(JSON.stringify(alert))],
      ['listener', JSON.parse(JSON.stringify(alert))],
    ]);
  });

  test('leads who hears of an alert through an Alertmanager to its console', async () => {
    await using sink = await WebhookSink.start();
    await using service = await startService({
      config: { alerts: { thresholds: memory, alertmanagers: [sink.url] } },
    });
    await service.collector.look();
    await sink.waitFor(1);
    const [told] = sink.bodies as { generatorURL: string }[][];
    assert.equal(told?.[0]?.generatorURL, `${service.adminUrl}/#/alerts?alert=memory`);
  });

  test('that stops sends what still waits', async () => {
    await using sink = await WebhookSink.start();
    sink.answers.push(503, 503);
    const service = await startService({
      config: {
        alerts: { thresholds: memory, webhooks: [sink.url] },
        limits: { alertRetryDelayMs: 1 },
      },
    });
    await service.collector.look();
    await service.stop();
    assert.deepEqual(
      (sink.bodies as { status: string }[]).map(({ status }) => status),
      ['firing', 'firing', 'firing'],
    );
  });

  test('that stops does not wait longer than its deadline for a webhook that hangs', async () => {
    await using sink = await WebhookSink.start();
    sink.answers.push('hang');
    const service = await startService({
      config: {
        alerts: { thresholds: memory, webhooks: [sink.url] },
        limits: { alertSendTimeoutMs: 3_600_000, flushTimeoutMs: 50 },
      },
    });
    await service.collector.look();
    await sink.waitFor(1);
    await service.stop();
    assert.equal(sink.received.length, 1);
  });
});
