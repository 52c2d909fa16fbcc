import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { createNoopMeter } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createLog } from '../../../src/log.ts';
import { Losses } from '../../../src/telemetry/sdk/losses.ts';
import { spanPipelines } from '../../../src/telemetry/sdk/pipelines.ts';
import { readVariables } from '../../../src/telemetry/sdk/variables.ts';

const status = { now: 500 };
const collector = http.createServer((request, response) => {
  request.resume();
  response.writeHead(status.now, { 'content-type': 'application/json' }).end('{}');
});
collector.listen(0, '127.0.0.1');
await once(collector, 'listening');
after(() => collector.close());

function spans(count: number) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  for (let i = 0; i < count; i += 1) provider.getTracer('tests').startSpan('one').end();
  return exporter.getFinishedSpans();
}

/** What the losses are counted as, in order; `env` says who was asked for, whoever is really there. */
async function pipeline(env: Record<string, string>) {
  const counted: unknown[] = [];
  const losses = new Losses({ add: (count, labels) => count > 0 && counted.push([count, labels]) });
  const before = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const options = { meterProvider: { getMeter: createNoopMeter }, log: createLog('silent'), losses };
  const { traces, content } = readVariables(env);
  const [one] = await spanPipelines(traces, { ...options, env, content });
  if (before === undefined) delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  else process.env.OTEL_EXPORTER_OTLP_ENDPOINT = before;
  assert.ok(one);
  const send = (count: number) =>
    new Promise<void>((resolve) => one.exporter.export(spans(count), () => resolve()));
  return { counted, send };
}

const lost = (count: number, reason: string) => [
  count,
  { 'sightline.signal': 'spans', 'sightline.reason': reason },
];

test('spans that the collector which was named does not take are lost', async () => {
  const { counted, send } = await pipeline({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' });
  status.now = 400;
  await send(2);
  assert.deepEqual(counted, [lost(2, 'export')]);
});

test('where nobody has named a collector and none is there, that is no fault', async () => {
  const { counted, send } = await pipeline({});
  status.now = 400;
  await send(2);
  assert.deepEqual(counted, [lost(2, 'no_collector')]);
});

test('one that has taken spans is waited for, whether it was named or not', async () => {
  const { counted, send } = await pipeline({});
  status.now = 200;
  await send(1);
  status.now = 400;
  await send(3);
  assert.deepEqual(counted, [lost(3, 'export')]);
});
