import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createReceivers } from '../../../src/alerts/receivers/receivers.ts';
import { Webhook } from '../../../src/alerts/receivers/webhook.ts';
import { WebhookSink } from '../../support/webhook-sink.ts';
import { TestDeliveryContext } from './delivery-context.ts';
import { firing, identity, resolved } from './notifications.ts';
import { opensslSignature } from './openssl.ts';

const at = Date.parse('2026-11-23T10:00:00.250Z');

function webhook(url: string, context: TestDeliveryContext, values: Partial<{ secret: string }> = {}) {
  const { secret } = values;
  const headers = { 'x-team': 'blue', 'webhook-id': 'not this one' };
  return new Webhook({ ...context, identity, name: 'one', url: new URL(url), secret, headers });
}

describe('a webhook', () => {
  test('is sent all of the alert, and who says so', async () => {
    await using sink = await WebhookSink.start();
    const one = webhook(`${sink.url}/hooks/1?key=2`, new TestDeliveryContext());
    one.notify(firing(at));
    one.notify(resolved(at, at + 60_000));
    await one.stop(10_000);
    const [first, second] = sink.received;
    const { incident, id } = JSON.parse(first?.body ?? '');
    assert.match(incident, /^[0-9a-f]{32}$/);
    const { since: _, firedAt: __, withinSince: ___, ...shown } = firing(at).alert;
    assert.deepEqual(JSON.parse(first?.body ?? ''), {
      version: 1,
      type: 'alert.fired',
      timestamp: '2026-11-23T10:00:00.250Z',
      id,
      incident,
      status: 'firing',
      text: "host-1: alert 'upstream-unreachable' of 'default' fires: An upstream gives no answer.",
      alert: { ...shown, since: '2026-11-23T10:00:00.250Z', firedAt: '2026-11-23T10:00:00.250Z' },
      service: { name: 'sightline', instanceId: 'instance-1', host: 'host-1' },
    });
    const end = JSON.parse(second?.body ?? '');
    assert.deepEqual(
      [end.type, end.status, end.timestamp, end.incident, end.alert.value],
      ['alert.resolved', 'resolved', '2026-11-23T10:01:00.250Z', incident, 1],
    );
    assert.equal(end.text, "host-1: alert 'upstream-unreachable' of 'default' is resolved, after 1m");
    assert.notEqual(end.id, id);
    assert.equal(first?.path, '/hooks/1?key=2');
    assert.equal(first?.headers['content-type'], 'application/json');
    assert.equal(first?.headers['x-team'], 'blue');
    assert.equal(first?.headers['webhook-id'], id);
    assert.equal(first?.headers['webhook-signature'], undefined);
  });

  test('is signed anew with each try, under the same id', async () => {
    await using sink = await WebhookSink.start();
    sink.answers.push(500, 500);
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const one = webhook(sink.url, new TestDeliveryContext(), { secret });
    one.notify(firing(at));
    await one.stop(10_000);
    assert.equal(sink.received.length, 3);
    assert.equal(new Set(sink.received.map(({ headers }) => headers['webhook-id'])).size, 1);
    const keyHex = Buffer.from(secret.slice(6), 'base64').toString('hex');
    for (const { headers, body } of sink.received) {
      const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
      assert.equal(headers['webhook-signature'], opensslSignature(id, timestamp, body, keyHex));
      assert.ok(Math.abs(Number(timestamp) - Date.now() / 1_000) < 60);
    }
  });

  test('leaves its secrets in no log', async () => {
    await using sink = await WebhookSink.start();
    sink.answers.push(400);
    const context = new TestDeliveryContext();
    const one = webhook(`${sink.url}/path-1?query-1`, context, {
      secret: 'secret-1-secret-1',
    });
    one.notify(firing(at));
    await one.stop(10_000);
    assert.equal(context.book.lines.length, 1);
    assert.doesNotMatch(context.book.text, /path-1|query-1|secret-1|blue/);
  });
});

test('of receivers that nobody configures, nothing is loaded', async () => {
  const options = { ...new TestDeliveryContext(), identity, generatorUrl: () => '' };
  assert.deepEqual(await createReceivers({ webhooks: [], alertmanagers: [] }, options), []);
});
