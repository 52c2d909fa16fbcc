import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Delivery,
  type DeliveryLimits,
  DeliveryQueue,
} from '../../../src/alerts/receivers/delivery-queue.ts';
import { waitFor } from '../../support/wait-for.ts';
import { WebhookSink } from '../../support/webhook-sink.ts';
import { TestDeliveryContext } from './delivery-context.ts';

const delivery = (number: number): Delivery => ({
  what: `that message ${number} exists`,
  compose: () => ({ headers: {}, body: String(number) }),
});

interface Stage extends AsyncDisposable {
  readonly sink: WebhookSink;
  readonly queue: DeliveryQueue;
  readonly context: TestDeliveryContext;
}

async function startStage(limits: Partial<DeliveryLimits> = {}, path = '/'): Promise<Stage> {
  const sink = await WebhookSink.start();
  const context = new TestDeliveryContext();
  Object.assign(context.limits, limits);
  const { log, instruments } = context;
  const queue = new DeliveryQueue({
    log,
    instruments,
    limits: context.limits,
    receiver: 'webhook',
    name: 'alerts.webhooks[0]',
    target: { url: new URL(path, sink.url), headers: {} },
  });
  return { sink, queue, context, [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose]() };
}

const hour = 3_600_000;

describe('messages to a receiver', () => {
  test('are tried again after errors of the server, in their order', async () => {
    await using stage = await startStage();
    stage.sink.answers.push(500, 408, 429, 200);
    stage.queue.push(delivery(1));
    stage.queue.push(delivery(2));
    await stage.queue.stop(10_000);
    assert.deepEqual(stage.sink.bodies, [1, 1, 1, 1, 2]);
    assert.deepEqual(stage.context.counts, { sent: 2 });
  });

  test('that do not arrive are told the log at once and once, and that they arrive again', async () => {
    await using stage = await startStage({ alertSendTriesMax: 2 }, '/the-path');
    const { sink, queue, context } = stage;
    // Message 1 is given up, 2 arrives with its second try, 3 at once.
    sink.answers.push(500, 503, 429, 200, 200);
    for (const number of [1, 2, 3]) queue.push(delivery(number));
    await sink.waitFor(5);
    sink.answers.push(500, 200);
    queue.push(delivery(4));
    await queue.stop(10_000);
    const place = { receiver: 'webhook', address: sink.url };
    const warning = (number: number, problem: string) => ({
      ...place,
      problem,
      level: 'warn',
      message: `alerts.webhooks[0] (${sink.url}) could not be told that message ${number} exists: ${problem}; it will be tried again`,
    });
    const info = { ...place, level: 'info', message: 'alerts.webhooks[0] can be told again' };
    const lost = {
      ...place,
      tries: 2,
      problem: 'HTTP 503',
      level: 'warn',
      message: 'alerts.webhooks[0] could not be told that message 1 exists: HTTP 503',
    };
    assert.deepEqual(context.book.lines, [warning(1, 'HTTP 500'), lost, info, warning(4, 'HTTP 500'), info]);
  });

  test('that nobody takes are told the log while they are still tried', async () => {
    await using stage = await startStage({ alertRetryDelayMs: hour, alertRetryDelayMsMax: hour });
    stage.sink.answers.push(500);
    stage.queue.push(delivery(1));
    await waitFor('the warning', () => stage.context.book.lines.length > 0 || undefined);
    assert.deepEqual(stage.context.counts, {});
    await stage.queue.stop(10_000);
  });

  test('are given up after their last try, and the next one goes out', async () => {
    await using stage = await startStage({ alertSendTriesMax: 3 });
    stage.sink.answers.push(500, 500, 500);
    stage.queue.push(delivery(1));
    stage.queue.push(delivery(2));
    await stage.queue.stop(10_000);
    assert.deepEqual(stage.sink.bodies, [1, 1, 1, 2]);
    assert.deepEqual(stage.context.counts, { failed: 1, sent: 1 });
    const [, line] = stage.context.book.lines;
    assert.deepEqual([line?.tries, line?.problem, line?.address], [3, 'HTTP 500', stage.sink.url]);
  });

  test('are not tried again where the receiver does not want them', async () => {
    for (const answer of [400, 401, 404, 410, 422]) {
      await using stage = await startStage();
      stage.sink.answers.push(answer);
      stage.queue.push(delivery(1));
      await stage.queue.stop(10_000);
      assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1], { failed: 1 }]);
    }
  });

  test('follow no redirect', async () => {
    await using elsewhere = await WebhookSink.start();
    for (const status of [301, 302, 303, 307, 308]) {
      await using stage = await startStage();
      stage.sink.answers.push({ status, headers: { location: elsewhere.url } });
      stage.queue.push(delivery(1));
      await stage.queue.stop(10_000);
      assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1], { failed: 1 }]);
    }
    assert.deepEqual(elsewhere.received, []);
  });

  test('are tried again where nobody answers in time', async () => {
    await using stage = await startStage({ alertSendTimeoutMs: 50 });
    stage.sink.answers.push('hang');
    stage.queue.push(delivery(1));
    await stage.sink.waitFor(2);
    await stage.queue.stop(10_000);
    assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1, 1], { sent: 1 }]);
  });

  test('are tried again where nobody is there', async () => {
    const context = new TestDeliveryContext();
    const url = new URL('http://127.0.0.1:1/T0/B0/the-path?key=the-query');
    const target = { url, headers: { authorization: 'Bearer let-me-in' } };
    const queue = new DeliveryQueue({ ...context, receiver: 'webhook', name: 'one', target });
    queue.push(delivery(1));
    await queue.stop(10_000);
    assert.deepEqual(context.counts, { failed: 1 });
    const [, line] = context.book.lines;
    assert.deepEqual(
      [line?.tries, line?.problem, line?.address],
      [context.limits.alertSendTriesMax, 'ECONNREFUSED', 'http://127.0.0.1:1'],
    );
    assert.doesNotMatch(context.book.text, /let-me-in|the-path|the-query/);
  });

  test('wait as long as the receiver asks for', async () => {
    await using stage = await startStage({ alertSendTriesMax: 2 });
    stage.sink.answers.push({ status: 429, headers: { 'retry-after': '3600' } });
    stage.queue.push(delivery(1));
    await stage.sink.waitFor(1);
    stage.queue.push(delivery(2));
    // Only the end of the service cuts the hour short.
    await stage.queue.stop(10_000);
    assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1, 1, 2], { sent: 2 }]);
  });

  test('wait no longer than the limit', async () => {
    await using stage = await startStage({ alertRetryDelayMsMax: 1 });
    stage.sink.answers.push({ status: 503, headers: { 'retry-after': '3600' } });
    stage.queue.push(delivery(1));
    await stage.sink.waitFor(2);
    await stage.queue.stop(10_000);
    assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1, 1], { sent: 1 }]);
  });

  test('are dropped and counted where too many wait, the oldest first', async () => {
    await using stage = await startStage({ alertQueueMax: 2 });
    stage.sink.answers.push({ status: 429, headers: { 'retry-after': '3600' } });
    for (const number of [1, 2, 3, 4, 5]) stage.queue.push(delivery(number));
    await stage.sink.waitFor(1);
    await stage.queue.stop(10_000);
    assert.deepEqual(stage.sink.bodies, [1, 1, 4, 5]);
    assert.deepEqual(stage.context.counts, { dropped: 2, sent: 3 });
    assert.match(stage.context.book.text, /was not told that message 2 exists.*message 3 exists/);
  });
});

describe('the end of the service', () => {
  test('sends what waits', async () => {
    await using stage = await startStage();
    for (const number of [1, 2, 3]) stage.queue.push(delivery(number));
    await Promise.all([stage.queue.stop(10_000), stage.queue.stop(10_000)]);
    assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1, 2, 3], { sent: 3 }]);
    assert.ok(stage.queue.isIdle);
  });

  test('gives up at the deadline, and counts what is lost', async () => {
    await using stage = await startStage({ alertSendTimeoutMs: hour });
    stage.sink.answers.push('hang');
    for (const number of [1, 2, 3]) stage.queue.push(delivery(number));
    await stage.sink.waitFor(1);
    await stage.queue.stop(20);
    assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1], { dropped: 3 }]);
    assert.equal(stage.context.book.lines.length, 3);
  });

  test('gives up at the deadline between two tries, too', async () => {
    await using stage = await startStage({ alertRetryDelayMs: hour, alertRetryDelayMsMax: hour });
    stage.sink.answers.push(500, 500);
    stage.queue.push(delivery(1));
    await stage.sink.waitFor(1);
    await stage.queue.stop(100);
    assert.deepEqual([stage.sink.bodies, stage.context.counts], [[1, 1], { dropped: 1 }]);
  });

  test('takes nothing more, and is over at once where nothing waits', async () => {
    await using stage = await startStage();
    await stage.queue.stop(hour);
    stage.queue.push(delivery(1));
    assert.deepEqual([stage.sink.received, stage.context.counts], [[], { dropped: 1 }]);
  });
});
