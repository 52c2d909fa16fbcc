import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runNode } from '../../support/run-process.ts';
import { WebhookSink } from '../../support/webhook-sink.ts';

const moduleUrl = (path: string) => new URL(path, import.meta.url).href;

test('what waits for a receiver keeps no process alive', async () => {
  await using sink = await WebhookSink.start();
  sink.answers.push(503, 503);
  const script = `
    import { createReceivers } from '${moduleUrl('../../../src/alerts/receivers/receivers.ts')}';
    import { TestDeliveryContext } from '${moduleUrl('./delivery-context.ts')}';
    import { firing, identity } from '${moduleUrl('./notifications.ts')}';
    const context = new TestDeliveryContext();
    Object.assign(context.limits, { alertRetryDelayMs: 3_600_000, alertRetryDelayMsMax: 3_600_000 });
    const url = new URL('${sink.url}');
    const config = { webhooks: [{ url, headers: {} }], alertmanagers: [{ url, headers: {} }] };
    const options = { ...context, identity, generatorUrl: () => url.href };
    for (const receiver of await createReceivers(config, options)) receiver.notify(firing(Date.now()));
  `;
  await using child = runNode(['--input-type=module', '--eval', script]);
  await sink.waitFor(2);
  assert.deepEqual(await child.waitForExit(), { code: 0, signal: null });
  assert.equal(child.stderr, '');
});
