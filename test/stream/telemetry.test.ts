import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { Endings } from '../support/endings.ts';
import { type ReceivedSpan, startOtlpSink } from '../support/otlp-sink.ts';
import { startService } from '../support/service.ts';
import { chat, StreamClient } from './stream-client.ts';

const models = [
  'sim-tokens-3',
  'sim-status-429',
  'sim-truncate-3',
  'sim-clean-cut-3',
  'sim-error-event-3',
  'sim-malformed-sse',
  'sim-close',
];

/** What differs from one exchange to the next, and what says on which way it came. */
const passing: ReadonlySet<string> = new Set([
  attribute.exchangeId,
  attribute.overhead,
  attribute.upstreamRequestId,
  attribute.genAiResponseId,
  attribute.genAiResponseTimeToFirstChunk,
  attribute.networkProtocolName,
  attribute.networkProtocolVersion,
  attribute.sessionId,
]);

function lasting({ name, kind, status, attributes, events }: ReceivedSpan) {
  const kept = Object.entries(attributes).filter(([key]) => !passing.has(key));
  const told = events.map((event) => [event.name, event.attributes[attribute.exceptionType]]);
  return { name, kind, status, events: told, attributes: Object.fromEntries(kept) };
}

it('a query of the stream protocol leaves the telemetry of the same request', async () => {
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  try {
    await using sink = await startOtlpSink();
    await using service = await startService({
      config: { upstreams: { default: simulator.url } },
      otel: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
    });
    const endings = new Endings(service);
    await using client = await StreamClient.open(service, { headers: { 'x-request-id': 'session' } });
    const ids: string[] = [];
    for (const model of models) {
      for (const stream of [true, false]) {
        const id = `${model}-${stream}`;
        ids.push(id);
        const more = { stream, ...(stream && { stream_options: { include_usage: true } }) };
        const message = chat(id, model, { body: more, headers: { 'x-request-id': `stream-${id}` } });
        const direct = await fetch(`${service.dataUrl}/v1/chat/completions`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'x-request-id': `http-${id}`,
            'accept-encoding': 'identity',
          },
          body: JSON.stringify(message.body),
        });
        await direct.text().catch(() => undefined);
        await client.ask(message);
        await Promise.all([endings.of(`http-${id}`), endings.of(`stream-${id}`)]);
      }
    }
    const spans = await sink.waitForSpans(4 * ids.length);
    const spanOf = (id: string) => {
      const found = spans.find(({ attributes }) => attributes[attribute.exchangeId] === id);
      assert.ok(found, id);
      return found;
    };
    const sessionTrace = spans.find(({ attributes }) =>
      attributes[attribute.exchangeId]?.toString().startsWith('stream-'),
    )?.traceId;
    for (const id of ids) {
      const [request, query] = [spanOf(`http-${id}`), spanOf(`stream-${id}`)];
      const below = ({ spanId }: ReceivedSpan) =>
        spans.filter(({ parentSpanId }) => parentSpanId === spanId).map(lasting);
      assert.deepEqual(lasting(query), lasting(request), id);
      assert.deepEqual(below(query), below(request), id);
      assert.equal(query.traceId, sessionTrace, 'the trace of the session');
    }
  } finally {
    await simulator.close();
  }
});
