import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeLine } from '../../../src/admin/api/exchanges.ts';
import type { TraceView } from '../../../src/admin/api/traces.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import type { ReceivedSpan } from '../../support/otlp-sink.ts';
import { Random } from '../../support/random.ts';
import { checkAgainstSpan, checkLines } from './lines.ts';
import { endedSince, Follower, getFrom, Watcher } from './onlooker.ts';
import { checkGrowth, checkRunning } from './progress.ts';
import { startTruthStage } from './stage.ts';
import { sendTraffic } from './traffic.ts';

const seed = 20261123;

/** What of a span both sides have to say alike. */
const essence = ({
  spanId,
  parentSpanId,
  name,
  kind,
  attributes,
}: ReceivedSpan | TraceView['spans'][number]) => ({
  spanId,
  parentSpanId,
  name,
  kind,
  outcome: attributes[attribute.outcome],
});
const bySpanId = (a: { spanId: string }, b: { spanId: string }) => (a.spanId < b.spanId ? -1 : 1);

test(`what the console is told of random traffic is what happened (seed ${seed})`, async () => {
  await using stage = await startTruthStage();
  const { adminUrl, hooks } = stage.service;
  const ended: string[] = [];
  hooks.registerHook('exchange.ended', ({ exchange: { kind, id } }) => void ended.push(`${kind} ${id}`));
  const get = getFrom(adminUrl);
  const follower = new Follower(adminUrl, new Random(seed));
  const watcher = new Watcher(adminUrl, new Random(seed));
  const onlookers = [follower.run(), watcher.run()];
  const traffic = await sendTraffic(stage, new Random(seed));
  watcher.stop();
  await follower.stop();
  await Promise.all(onlookers);

  const { lines } = follower;
  assert.ok(follower.cuts > 2, 'the stream was cut off');
  assert.deepEqual(
    lines.map(({ seq }) => seq),
    ended.map((_, i) => i + 1),
    'each once, in order',
  );
  assert.deepEqual(
    lines.map(({ kind, id }) => `${kind} ${id}`),
    ended,
  );
  assert.deepEqual(await endedSince(get, 0, 37), lines, 'page by page, they are the same');
  checkLines(lines, traffic, stage.simulator.journal);

  const bySpan = new Map<unknown, ExchangeLine>(lines.map((line) => [line.spanId, line]));
  assert.equal(bySpan.size, lines.length, 'each has a span of its own');
  assert.ok(watcher.lines.length > 100 && watcher.traces.length > 50, 'much was seen while it ran');
  for (const line of watcher.lines) checkRunning(line, bySpan.get(line.spanId));

  const views = new Map<string, TraceView>();
  for (const { traceId = '' } of lines)
    if (!views.has(traceId)) views.set(traceId, await get(`/api/traces/${traceId}`));
  const told = [...views.values()].flatMap(({ spans }) => spans);
  const exported = await stage.sink.waitForSpans(told.length);
  assert.deepEqual(
    told.map(essence).sort(bySpanId),
    exported.map(essence).sort(bySpanId),
    'the traces have the spans that were exported',
  );
  const exportedById = new Map(exported.map((span) => [span.spanId, span]));
  for (const line of lines)
    if (line.isSampled) checkAgainstSpan(line, exportedById.get(line.spanId ?? ''));
    else assert.deepEqual(views.get(line.traceId ?? '')?.spans, [], `${line.id} is not sampled`);
  for (const view of views.values()) assert.deepEqual([view.isRunning, view.droppedSpans], [false, 0]);
  for (const view of watcher.traces) checkGrowth(view, views.get(view.traceId) ?? assert.fail(view.traceId));
});
