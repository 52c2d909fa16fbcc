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
import { TraceStore } from '../../src/telemetry/trace-store.ts';

function createStore(limits: { tracesMax?: number; spansPerTraceMax?: number } = {}) {
  const store = new TraceStore({ tracesMax: 3, spansPerTraceMax: 5, ...limits });
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

test('a trace is finished when its root has ended, and is as new as that', () => {
  const { store, tracer } = createStore();
  const root = tracer.startSpan('long');
  tracer.startSpan('long.0', {}, trace.setSpan(ROOT_CONTEXT, root)).end();
  record(tracer, 'short');
  assert.deepEqual(names(store), ['short']);
  assert.equal(store.get(root.spanContext().traceId)?.spans.length, 1);
  root.end();
  assert.deepEqual(names(store), ['long', 'short']);
});

test('traces that never finish do not pile up', () => {
  const { store, tracer } = createStore();
  const kept = record(tracer, 'kept');
  for (let i = 0; i < 100; i += 1) {
    tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, tracer.startSpan('open'))).end();
  }
  assert.deepEqual(names(store), []);
  assert.equal(store.get(kept), undefined);
});

test('a trace keeps so many spans, counts the others, and has its root all the same', () => {
  const { store, tracer } = createStore();
  const id = record(tracer, 'wide', 10);
  const kept = store.get(id);
  assert.equal(kept?.spans.length, 5);
  assert.equal(kept?.droppedSpans, 6);
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
  await store.forceFlush();
  assert.deepEqual(names(store), ['a']);
  await store.shutdown();
  assert.deepEqual(names(store), []);
});
