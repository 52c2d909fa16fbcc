import assert from 'node:assert/strict';
import type { ExchangeLine } from '../../../src/admin/api/exchanges.ts';
import type { TraceSpan, TraceView } from '../../../src/admin/api/traces.ts';
import { attribute } from '../../../src/telemetry/names.ts';

/** Times go through nanoseconds since 1970, and figures have six digits, ms. */
const rounding = 0.02;

const isUpTo = (now = 0, then = 0) => now <= then + rounding + then * 1e-5;

/** A line of one that ran, beside what it was when it had ended. */
export function checkRunning(now: ExchangeLine, then: ExchangeLine | undefined): void {
  const what = `${now.id} while it ran`;
  assert.ok(then, `${what}: it ends`);
  assert.deepEqual([now.seq, now.outcome, now.error], [undefined, undefined, undefined], what);
  for (const key of [
    'id',
    'kind',
    'sessionId',
    'turn',
    'traceId',
    'spanId',
    'isSampled',
    'method',
    'path',
  ] as const)
    assert.equal(now[key], then[key], `${what}: ${key}`);
  for (const key of ['startedAt', 'upstream', 'dialect', 'model', 'status', 'firstTokenMs'] as const)
    if (now[key] !== undefined) assert.equal(now[key], then[key], `${what}: ${key}`);
  // Not the duration: it has ended when its last word came, which can be known a moment later.
  for (const key of ['attempts', 'replyBytes', 'outputChunks', 'outputTokens'] as const)
    assert.ok(isUpTo(now[key], then[key]), `${what}: ${key} was ${now[key]}, is ${then[key]}`);
  assert.ok((now.session?.turns ?? 0) <= (then.session?.turns ?? 0), `${what}: turns`);
}

/** What was told of a trace while it ran, beside what it is now that nothing of it does. */
export function checkGrowth(before: TraceView, after: TraceView): void {
  const byId = new Map(after.spans.map((span) => [span.spanId, span]));
  for (const now of before.spans) checkSpan(now, byId.get(now.spanId));
  const running = new Set(
    before.exchanges.filter(({ seq }) => seq === undefined).map(({ spanId }) => spanId),
  );
  assert.equal(before.isRunning, running.size > 0, before.traceId);
  for (const { spanId, endMs } of before.spans)
    if (running.has(spanId)) assert.equal(endMs, undefined, 'the span of what runs has no end');
}

function checkSpan(now: TraceSpan, then: TraceSpan | undefined): void {
  const what = `${now.name} of ${now.traceId} while it ran`;
  assert.ok(then, `${what}: is there with the same id`);
  for (const key of ['traceId', 'parentSpanId', 'kind', 'startMs'] as const)
    assert.equal(now[key], then[key], `${what}: ${key}`);
  assert.deepEqual(now.links, then.links, what);
  if (now.endMs === undefined) {
    assert.equal(now.attributes[attribute.outcome], undefined, `${what}: no outcome yet`);
    assert.notEqual(now.status.code, 'ERROR', what);
  } else {
    assert.ok(Math.abs(now.endMs - (then.endMs ?? 0)) <= rounding, `${what}: ended once`);
    assert.equal(now.attributes[attribute.outcome], then.attributes[attribute.outcome], what);
    assert.equal(now.status.code, then.status.code, what);
  }
  assert.ok((now.endMs ?? now.startMs) >= now.startMs - rounding, `${what}: ends behind its beginning`);
  checkAttributes(now, then, what);
  for (const { name, timeMs } of now.events) {
    const isThere = then.events.some((one) => one.name === name && Math.abs(one.timeMs - timeMs) <= rounding);
    assert.ok(isThere, `${what}: ${name} has happened`);
  }
  checkMarks(now, then, what);
}

function checkAttributes(now: TraceSpan, then: TraceSpan, what: string): void {
  for (const [key, value] of Object.entries(now.attributes)) {
    const last = then.attributes[key];
    if (typeof value === 'number' && typeof last === 'number')
      assert.ok(isUpTo(value, last), `${what}: ${key} was ${value}, is ${last}`);
    else if (!Array.isArray(value)) assert.equal(value, last, `${what}: ${key}`);
  }
}

function checkMarks({ chunks: now }: TraceSpan, { chunks: then, ...span }: TraceSpan, what: string): void {
  if (!now) return;
  assert.ok(then && now.count <= then.count, `${what}: chunks`);
  assert.equal(now.times[0], then.times[0], `${what}: the first chunk`);
  const isRising = (times: readonly number[]) => times.every((time, i) => time >= (times[i - 1] ?? 0));
  assert.ok(isRising(now.times) && isRising(then.times), `${what}: chunks in order`);
  assert.ok((now.times.at(-1) ?? 0) <= (then.times.at(-1) ?? 0) + rounding, `${what}: the last chunk`);
  assert.ok((then.times.at(-1) ?? 0) <= (span.endMs ?? 0) + rounding, `${what}: chunks before the end`);
}
