import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { type Outcome, outcomes } from '../../../src/exchange/outcome.ts';
import { TraceStore, type TraceStoreLimits } from '../../../src/telemetry/spans/trace-store.ts';

function createStore(limits: Partial<TraceStoreLimits> = {}) {
  const store = new TraceStore({
    tracesMax: 3,
    troubledTracesMax: 2,
    spansPerTraceMax: 5,
    tracesTextCharsMax: 100,
    markedStreamsMax: 4,
    chunkMarksMax: 8,
    ...limits,
  });
  const tracer = new TracerProvider({ spanProcessors: [store] }).getTracer('tests');
  return { store, tracer };
}

/** A trace of a root and its children; the root ends last, as ours do. */
function record(tracer: Tracer, name: string, children = 0, parent: Context = ROOT_CONTEXT): string {
  const root = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent);
  const below = trace.setSpan(ROOT_CONTEXT, root);
  for (let i = 0; i < children; i += 1) tracer.startSpan(`${name}.${i}`, {}, below).end();
  root.end();
  return root.spanContext().traceId;
}

/** A trace of one span, whose outcome it tells, and so many characters. */
function recordOutcome(tracer: Tracer, name: string, outcome: Outcome, chars = 0): void {
  const attributes = { 'sightline.outcome': outcome, 'url.path': 'x'.repeat(chars) };
  tracer.startSpan(name, { attributes }).end();
}

/** The context of a client's span. */
function remote(traceId: string, flags = TraceFlags.SAMPLED): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: 'cd'.repeat(8),
    traceFlags: flags,
    isRemote: true,
  });
}

const names = (store: TraceStore, countMax = 100) => store.list(countMax).map(({ name }) => name);

test('the newest trace comes first', () => {
  const { store, tracer } = createStore();
  for (const name of ['a', 'b', 'c']) record(tracer, name);
  assert.deepEqual(names(store), ['c', 'b', 'a']);
  assert.deepEqual(names(store, 2), ['c', 'b']);
});

test('the oldest trace goes when there are too many', () => {
  const { store, tracer } = createStore();
  const first = record(tracer, 'a');
  for (const name of ['b', 'c', 'd', 'e']) record(tracer, name);
  assert.deepEqual(names(store), ['e', 'd', 'c']);
  assert.equal(store.get(first), undefined);
});

for (const outcome of Object.keys(outcomes) as Outcome[]) {
  const isTrouble = outcome !== 'completed' && outcome !== 'client_aborted';
  test(`a trace that ended as ${outcome} ${isTrouble ? 'outlives' : 'goes with'} those in which all is well`, () => {
    const { store, tracer } = createStore();
    recordOutcome(tracer, outcome, outcome);
    for (const name of ['a', 'b', 'c', 'd']) record(tracer, name);
    assert.deepEqual(names(store), ['d', 'c', 'b', ...(isTrouble ? [outcome] : [])]);
  });
}

test('a trace with an error below its root outlives those in which all is well, with all of its spans', () => {
  const { store, tracer } = createStore();
  const root = tracer.startSpan('retried', { attributes: { 'url.path': 'x'.repeat(60) } });
  const below = trace.setSpan(ROOT_CONTEXT, root);
  tracer.startSpan('plugin', {}, below).end();
  const failed = tracer.startSpan('attempt 1', {}, below);
  failed.setStatus({ code: SpanStatusCode.ERROR });
  failed.end();
  tracer.startSpan('attempt 2', { attributes: { 'sightline.outcome': 'completed' } }, below).end();
  root.end();
  for (const name of ['a', 'b', 'c', 'd']) record(tracer, name);
  assert.deepEqual(names(store), ['d', 'c', 'b', 'retried']);
  assert.deepEqual(
    store
      .get(root.spanContext().traceId)
      ?.spans.map(({ name }) => name)
      .sort(),
    ['attempt 1', 'attempt 2', 'plugin', 'retried'],
  );
});

test('of traces with trouble the oldest goes as well, and none that has no trouble', () => {
  const { store, tracer } = createStore();
  for (const name of ['a', 'b']) record(tracer, name);
  for (const name of ['x', 'y', 'z']) recordOutcome(tracer, name, 'timed_out');
  record(tracer, 'c');
  assert.deepEqual(names(store), ['c', 'z', 'y', 'b', 'a']);
  assert.deepEqual(names(store, 2), ['c', 'z']);
});

test('traces that tell much leave room for those with trouble, and the other way round', () => {
  const { store, tracer } = createStore({ tracesMax: 10, troubledTracesMax: 10 });
  for (const name of ['x', 'y']) recordOutcome(tracer, name, 'failed', 20);
  for (const name of ['a', 'b', 'c', 'd']) recordOutcome(tracer, name, 'completed', 25);
  assert.deepEqual(names(store), ['d', 'c', 'y', 'x']);
  for (const name of ['p', 'q', 'r']) recordOutcome(tracer, name, 'failed', 25);
  assert.deepEqual(names(store), ['r', 'q', 'd', 'c']);
  recordOutcome(tracer, 'e', 'completed', 90);
  assert.deepEqual(names(store), ['e'], 'the newest, however long');
});

test('what a trace tells counts once, also where trouble comes late', () => {
  const { store, tracer } = createStore({ troubledTracesMax: 10 });
  const root = tracer.startSpan('late', { attributes: { 'sightline.outcome': 'failed' } });
  const attributes = { 'url.path': 'x'.repeat(40) };
  tracer.startSpan('attempt', { attributes }, trace.setSpan(ROOT_CONTEXT, root)).end();
  root.end();
  recordOutcome(tracer, 'a', 'completed', 30);
  recordOutcome(tracer, 'x', 'failed', 30);
  assert.deepEqual(names(store), ['x', 'a', 'late']);
  recordOutcome(tracer, 'y', 'failed', 1);
  assert.deepEqual(names(store), ['y', 'x', 'a']);
});

for (const [what, attributesOf] of Object.entries({
  'of prompts and replies': (text: string) => ({ 'gen_ai.input.messages': text }),
  'in their paths': (text: string) => ({ 'url.path': text, 'url.scheme': 'http' }),
  'of where to stop': (text: string) => ({
    'gen_ai.request.stop_sequences': [text.slice(10), text.slice(0, 10)],
  }),
}))
  test(`the oldest traces go when those that are kept tell too much ${what}`, () => {
    const { store, tracer } = createStore({ tracesMax: 10 });
    const say = (name: string, chars: number) =>
      tracer.startSpan(name, { attributes: attributesOf('x'.repeat(chars)) }).end();
    for (const name of ['a', 'b', 'c', 'd']) say(name, 30);
    assert.deepEqual(names(store), ['d', 'c', 'b']);
    say('e', 90);
    assert.deepEqual(names(store), ['e']);
    say('f', 200);
    assert.deepEqual(names(store), ['f']);
    for (const name of ['g', 'h']) say(name, 0);
    assert.deepEqual(names(store), ['h', 'g']);
  });

test('spans that a trace has lost count no more', () => {
  const { store, tracer } = createStore({ spansPerTraceMax: 2 });
  for (let i = 0; i < 20; i += 1)
    tracer
      .startSpan(
        `s${i}`,
        { attributes: { 'gen_ai.output.messages': 'x'.repeat(20) } },
        remote('ab'.repeat(16)),
      )
      .end();
  record(tracer, 'another');
  assert.equal(store.list(10).length, 2);
});

test('a trace is shown while it runs, and is finished when its root has ended', () => {
  const { store, tracer } = createStore();
  const root = tracer.startSpan('session', { startTime: 1_700_000_000_000 });
  const { traceId } = root.spanContext();
  for (const second of [1, 3]) {
    const options = { startTime: 1_700_000_000_000 + second * 1_000, attributes: { turn: second } };
    tracer
      .startSpan(`turn at ${second}`, options, trace.setSpan(ROOT_CONTEXT, root))
      .end(1_700_000_000_500 + second * 1_000);
  }
  assert.deepEqual(store.list(1), [
    {
      traceId,
      name: 'turn at 1',
      isRunning: true,
      startMs: 1_700_000_001_000,
      durationMs: 2_500,
      spans: 2,
      attributes: { turn: 1 },
    },
  ]);
  assert.equal(store.get(traceId)?.spans.length, 2);
  root.end(1_700_000_010_000);
  const [{ name, isRunning, startMs, durationMs } = {}] = store.list(1);
  assert.deepEqual(
    { name, isRunning, startMs, durationMs },
    {
      name: 'session',
      isRunning: false,
      startMs: 1_700_000_000_000,
      durationMs: 10_000,
    },
  );
});

test('a trace is as new as its last span', () => {
  const { store, tracer } = createStore();
  const root = tracer.startSpan('long');
  const below = trace.setSpan(ROOT_CONTEXT, root);
  tracer.startSpan('long.0', {}, below).end();
  record(tracer, 'short');
  assert.deepEqual(names(store), ['short', 'long.0']);
  tracer.startSpan('long.1', {}, below).end();
  assert.deepEqual(names(store), ['long.0', 'short']);
  record(tracer, 'shorter');
  root.end();
  assert.deepEqual(names(store), ['long', 'shorter', 'short']);
});

test('a trace that runs for long is kept as long as it has something to say', () => {
  const { store, tracer } = createStore();
  const root = tracer.startSpan('session');
  for (let i = 0; i < 20; i += 1) {
    tracer.startSpan(`turn ${i}`, {}, trace.setSpan(ROOT_CONTEXT, root)).end();
    record(tracer, `request ${i}`);
    record(tracer, `another ${i}`);
  }
  const { traceId } = root.spanContext();
  const kept = store.get(traceId);
  assert.deepEqual(
    kept?.spans.map(({ name }) => name),
    [15, 16, 17, 18, 19].map((i) => `turn ${i}`),
    'its newest turns',
  );
  assert.equal(kept?.droppedSpans, 15);
  for (let i = 0; i < 3; i += 1) record(tracer, `last ${i}`);
  assert.equal(store.get(traceId), undefined);
});

test('traces that never finish do not pile up', () => {
  const { store, tracer } = createStore();
  const kept = record(tracer, 'kept');
  for (let i = 0; i < 100; i += 1) {
    tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, tracer.startSpan('open'))).end();
  }
  assert.deepEqual(names(store), ['child', 'child', 'child']);
  assert.equal(store.get(kept), undefined);
});

test('a trace keeps so many spans, counts the others, and has its root all the same', () => {
  const { store, tracer } = createStore();
  const id = record(tracer, 'wide', 10);
  const kept = store.get(id);
  assert.equal(kept?.spans.length, 5);
  assert.equal(kept?.droppedSpans, 6);
  assert.ok(
    kept?.spans.some(({ name }) => name === 'wide'),
    'its root is one of them',
  );
  assert.deepEqual(names(store), ['wide']);
});

test('several exchanges of one trace of a client are one trace, told by the newest', () => {
  const { store, tracer } = createStore();
  const client = remote('ab'.repeat(16));
  record(tracer, 'first', 1, client);
  record(tracer, 'between');
  record(tracer, 'second', 1, client);
  assert.deepEqual(names(store), ['second', 'between']);
  assert.equal(store.list(1)[0]?.spans, 4);
  assert.equal(store.get('ab'.repeat(16))?.spans.length, 4);
});

test('what is not sampled is not kept', () => {
  const { store, tracer } = createStore();
  record(tracer, 'unsampled', 1, remote('ab'.repeat(16), TraceFlags.NONE));
  assert.deepEqual(names(store), []);
});

test('a span is shown with all that it says, in the order in which they began', () => {
  const { store, tracer } = createStore();
  const linked = { traceId: 'ef'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: TraceFlags.SAMPLED };
  const root = tracer.startSpan('root', {
    kind: SpanKind.SERVER,
    startTime: 1_700_000_000_000,
    attributes: { key: 'value' },
    links: [{ context: linked }],
  });
  const child = tracer.startSpan(
    'child',
    { kind: SpanKind.CLIENT, startTime: 1_700_000_000_010 },
    trace.setSpan(ROOT_CONTEXT, root),
  );
  child.addEvent('happened', { count: 1 }, 1_700_000_000_015);
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'broken' });
  child.end(1_700_000_000_020);
  root.end(1_700_000_000_030);
  const { traceId, spanId } = root.spanContext();
  assert.deepEqual(store.get(traceId), {
    spans: [
      {
        traceId,
        spanId,
        parentSpanId: undefined,
        name: 'root',
        kind: 'SERVER',
        startMs: 1_700_000_000_000,
        endMs: 1_700_000_000_030,
        status: { code: 'UNSET', message: undefined },
        attributes: { key: 'value' },
        events: [],
        links: [{ traceId: linked.traceId, spanId: linked.spanId }],
      },
      {
        traceId,
        spanId: child.spanContext().spanId,
        parentSpanId: spanId,
        name: 'child',
        kind: 'CLIENT',
        startMs: 1_700_000_000_010,
        endMs: 1_700_000_000_020,
        status: { code: 'ERROR', message: 'broken' },
        attributes: {},
        events: [{ name: 'happened', timeMs: 1_700_000_000_015, attributes: { count: 1 } }],
        links: [],
      },
    ],
    droppedSpans: 0,
  });
  assert.deepEqual(store.list(1), [
    {
      traceId,
      name: 'root',
      isRunning: false,
      startMs: 1_700_000_000_000,
      durationMs: 30,
      spans: 2,
      attributes: { key: 'value' },
    },
  ]);
});

test('a store that is shut down has forgotten everything', async () => {
  const { store, tracer } = createStore();
  record(tracer, 'a');
  recordOutcome(tracer, 'b', 'failed');
  await store.forceFlush();
  assert.deepEqual(names(store), ['b', 'a']);
  await store.shutdown();
  assert.deepEqual(names(store), []);
});
