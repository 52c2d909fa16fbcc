import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { only, startStage } from '../stage.ts';

const traceId = 'ab'.repeat(16);
const parentId = 'cd'.repeat(8);
const traceparent = `00-${traceId}-${parentId}-01`;

describe("a client's trace", () => {
  const sent = { traceparent, tracestate: ['one=1', 'two=2'], baggage: 'user=1' };

  test('is ours too, as configured by default', async () => {
    await using stage = await startStage();
    const { received } = await stage.forwarded('parent', sent);
    const { server, clients } = await stage.spansOf('parent');
    const client = only(clients);
    assert.deepEqual([server.traceId, server.parentSpanId], [traceId, parentId]);
    assert.deepEqual(server.links, []);
    assert.equal(server.traceState, 'one=1,two=2');
    assert.deepEqual(received('traceparent'), [`00-${traceId}-${client.spanId}-01`]);
    assert.deepEqual(received('tracestate'), ['one=1,two=2']);
    assert.deepEqual(received('baggage'), ['user=1']);
  });

  test('is linked to', async () => {
    await using stage = await startStage({ config: { telemetry: { clientTrace: 'link' } } });
    const { received } = await stage.forwarded('link', sent);
    const { server, clients } = await stage.spansOf('link');
    assert.notEqual(server.traceId, traceId);
    assert.equal(server.parentSpanId, undefined);
    assert.deepEqual(server.links, [{ traceId, spanId: parentId, attributes: {} }]);
    assert.deepEqual(received('traceparent'), [`00-${server.traceId}-${only(clients).spanId}-01`]);
    assert.deepEqual(received('tracestate'), [], 'it belongs to a trace that this is not');
    assert.deepEqual(received('baggage'), ['user=1']);
  });

  test('is ignored', async () => {
    await using stage = await startStage({ config: { telemetry: { clientTrace: 'ignore' } } });
    const { received } = await stage.forwarded('ignore', sent);
    const { server, clients } = await stage.spansOf('ignore');
    assert.notEqual(server.traceId, traceId);
    assert.deepEqual([server.parentSpanId, server.links], [undefined, []]);
    assert.deepEqual(received('traceparent'), [`00-${server.traceId}-${only(clients).spanId}-01`]);
    assert.deepEqual(received('tracestate'), []);
  });

  test('that makes no sense is none', async () => {
    await using stage = await startStage();
    const broken = ['00-0-0-01', `00-${'0'.repeat(32)}-${parentId}-01`, `ff-${traceId}-${parentId}-01`, ''];
    for (const [i, value] of broken.entries()) {
      const { received } = await stage.forwarded(`broken-${i}`, { traceparent: value, tracestate: 'one=1' });
      const { server, clients } = await stage.spansOf(`broken-${i}`);
      assert.equal(server.parentSpanId, undefined, value);
      assert.deepEqual(received('traceparent'), [`00-${server.traceId}-${only(clients).spanId}-01`]);
      assert.deepEqual(received('tracestate'), []);
    }
  });
});
