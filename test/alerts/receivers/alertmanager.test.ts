import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { Alertmanager } from '../../../src/alerts/receivers/alertmanager.ts';
import { Alertmanager as RealAlertmanager } from '../../support/alertmanager.ts';
import { missing } from '../../support/is-installed.ts';
import { waitFor } from '../../support/wait-for.ts';
import { WebhookSink } from '../../support/webhook-sink.ts';
import { TestDeliveryContext } from './delivery-context.ts';
import { firing, identity, resolved, row } from './notifications.ts';

interface Values {
  readonly namespace?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function receiver(url: string, context: TestDeliveryContext, { namespace, headers = {} }: Values = {}) {
  return new Alertmanager({
    ...context,
    url: new URL(url),
    headers,
    name: 'alerts.alertmanagers[0]',
    identity: { ...identity, namespace },
    generatorUrl: (id) => `http://127.0.0.1:4001/#/alerts?alert=${id}`,
  });
}

const labels = {
  alertname: 'SightlineUpstreamUnreachable',
  severity: 'critical',
  job: 'sightline',
  instance: 'instance-1',
  sightline_upstream: 'default',
};
const annotations = {
  summary: 'default on host-1: An upstream gives no answer.',
  description: row.action,
};

interface Told {
  readonly status: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: object;
    readonly annotations: object;
    readonly startsAt: string;
    readonly endsAt: string;
    readonly generatorURL: string;
  }[];
}

const skip = missing(['prometheus-alertmanager'], 'alerts on their way through a real Alertmanager');

describe('a real Alertmanager', { skip }, () => {
  test('tells its own receivers that an alert fires, and that it is resolved', async () => {
    await using sink = await WebhookSink.start();
    await using alertmanager = await RealAlertmanager.start({ webhook: sink.url });
    const context = new TestDeliveryContext();
    const one = receiver(alertmanager.url, context);
    const firedAt = Date.now();
    one.notify(firing(firedAt));
    await sink.waitFor(1);
    const [held] = await alertmanager.alerts();
    assert.deepEqual([held?.labels, held?.annotations, held?.status.state], [labels, annotations, 'active']);
    one.notify(resolved(firedAt, firedAt + 5));
    await sink.waitFor(2);
    await one.stop(10_000);
    const told = (sink.bodies as Told[]).flatMap(({ alerts }) => alerts);
    assert.deepEqual(
      told.map((alert) => [alert.status, alert.labels, alert.annotations]),
      [
        ['firing', labels, annotations],
        ['resolved', labels, annotations],
      ],
    );
    const [first, second] = told;
    assert.equal(Date.parse(first?.startsAt ?? ''), firedAt);
    assert.equal(first?.generatorURL, 'http://127.0.0.1:4001/#/alerts?alert=upstream-unreachable');
    assert.equal(Date.parse(second?.endsAt ?? ''), firedAt + 5);
    assert.deepEqual(context.counts, { sent: 2 });
    assert.deepEqual([context.book.lines, alertmanager.log], [[], '']);
  });

  test('hears again and again of what fires, and lets it end when it hears no more', async () => {
    await using sink = await WebhookSink.start();
    await using alertmanager = await RealAlertmanager.start({ webhook: sink.url });
    const context = new TestDeliveryContext();
    Object.assign(context.limits, { alertResendIntervalMs: 250 });
    const one = receiver(alertmanager.url, context);
    one.notify(firing(Date.now()));
    await sink.waitFor(1);
    const endOf = async () => Date.parse((await alertmanager.alerts())[0]?.endsAt ?? '');
    const firstEnd = await endOf();
    await waitFor('a later end', async () => ((await endOf()) > firstEnd + 1_000 ? true : undefined));
    assert.equal(sink.received.length, 1, 'nothing is news meanwhile');
    await one.stop(10_000);
    await sink.waitFor(2);
    assert.equal((sink.bodies[1] as Told).status, 'resolved');
    assert.equal(context.counts.dropped, undefined);
  });
});

describe('an Alertmanager', () => {
  test('is told again of what fires, and for a while of what is resolved', async () => {
    await using sink = await WebhookSink.start();
    const context = new TestDeliveryContext();
    mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1_000_000 });
    try {
      const one = receiver(sink.url, context);
      /** The ends of the alerts in the last of so many messages. */
      const ends = async (messages: number) => {
        await waitFor('sent', () => context.counts.sent === messages || undefined, { intervalMs: 5 });
        return (sink.bodies[messages - 1] as Told['alerts']).map(({ endsAt }) => Date.parse(endsAt));
      };
      const minute = 60_000;
      one.notify(firing(1_000_000, 'a'));
      assert.deepEqual(await ends(1), [1_240_000]);
      one.notify(firing(1_000_000, 'b'));
      assert.deepEqual(await ends(2), [1_240_000, 1_240_000]);
      mock.timers.tick(minute);
      assert.deepEqual(await ends(3), [1_300_000, 1_300_000]);
      one.notify(resolved(1_000_000, 1_060_000, 'b'));
      assert.deepEqual(await ends(4), [1_300_000, 1_060_000]);
      mock.timers.tick(minute);
      assert.deepEqual(await ends(5), [1_360_000, 1_060_000]);
      mock.timers.tick(13 * minute);
      assert.deepEqual(await ends(6), [1_060_000 + 18 * minute, 1_060_000]);
      mock.timers.tick(minute);
      assert.deepEqual(await ends(7), [1_060_000 + 19 * minute, 1_060_000]);
      mock.timers.tick(minute);
      assert.deepEqual(await ends(8), [1_060_000 + 20 * minute]);
      one.notify(resolved(1_000_000, 2_100_000, 'a'));
      assert.deepEqual(await ends(9), [2_100_000]);
      await one.stop(10_000);
    } finally {
      mock.timers.reset();
    }
  });

  test('is found below its own path, with the headers that it wants', async () => {
    await using sink = await WebhookSink.start();
    const headers = { authorization: 'Basic c2lnaHRsaW5lOnNlY3JldC0x' };
    const one = receiver(`${sink.url}/am/`, new TestDeliveryContext(), { namespace: 'shop', headers });
    one.notify(firing(5));
    await one.stop(10_000);
    const [post] = sink.received;
    assert.equal(post?.path, '/am/api/v2/alerts');
    assert.equal(post?.headers.authorization, headers.authorization);
    assert.equal((sink.bodies[0] as { labels: { job: string } }[])[0]?.labels.job, 'shop/sightline');
  });

  test('is told of any number of alerts in two messages', async () => {
    await using sink = await WebhookSink.start();
    const context = new TestDeliveryContext();
    sink.answers.push(503, 503, 503);
    const one = receiver(sink.url, context);
    for (let i = 0; i < 1_000; i += 1) one.notify(firing(5, `upstream-${i}`));
    await sink.waitFor(3);
    one.notify(firing(5, 'one more'));
    await one.stop(10_000);
    assert.deepEqual(context.counts, { sent: 2 });
    const counts = (sink.bodies as Told['alerts'][]).map(({ length }) => length);
    assert.deepEqual([counts[0], counts.at(-1)], [1, 1_001]);
  });

  test('that comes back is told what is so by then', async () => {
    await using sink = await WebhookSink.start();
    sink.answers.push(503, 503);
    const context = new TestDeliveryContext();
    Object.assign(context.limits, { alertSendTriesMax: 2 });
    mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1_000_000 });
    try {
      const one = receiver(sink.url, context);
      one.notify(firing(1_000_000, 'a'));
      await waitFor('given up', async () => context.counts.failed === 1 || undefined, { intervalMs: 5 });
      assert.match(
        context.book.text,
        /alerts\.alertmanagers\[0\] could not be told which alerts fire: HTTP 503/,
      );
      mock.timers.tick(60_000);
      await waitFor('told again', async () => context.counts.sent === 1 || undefined, { intervalMs: 5 });
      const [alert] = sink.bodies[2] as Told['alerts'];
      assert.deepEqual(
        [alert?.startsAt, alert?.endsAt].map((time) => Date.parse(time ?? '')),
        [1_000_000, 1_300_000],
      );
      await one.stop(10_000);
    } finally {
      mock.timers.reset();
    }
  });

  test('is never told that an alert ends before it begins', async () => {
    await using sink = await WebhookSink.start();
    const one = receiver(sink.url, new TestDeliveryContext());
    one.notify(resolved(9_000, 4_000));
    await one.stop(10_000);
    const [alert] = sink.bodies[0] as Told['alerts'];
    assert.equal(alert?.endsAt, alert?.startsAt);
  });
});
