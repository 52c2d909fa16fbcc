import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type OtlpSink, type ReceivedSpan, startOtlpSink } from '../support/otlp-sink.ts';
import { type RunningProcess, runNode } from '../support/run-process.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const traceId = '0af7651916cd43dd8448eb211c80319c';
const clientSpan = 'b7ad6b7169203331';

/** Two processes, since telemetry is one for each: a sidecar before a hub before a backend. */
describe('one trace through a sidecar and a hub', () => {
  let folder: string;
  let sink: OtlpSink;
  let backend: Simulator;
  let hub: RunningProcess;
  let sidecar: RunningProcess;
  let dataUrl: string;

  function start(name: string, upstream: string): RunningProcess {
    return runNode([main], {
      cwd: folder,
      env: {
        SIGHTLINE_HOST: '127.0.0.1',
        SIGHTLINE_PORT: '0',
        SIGHTLINE_ADMIN_PORT: '0',
        SIGHTLINE_UPSTREAM: upstream,
        OTEL_SERVICE_NAME: name,
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      },
    });
  }

  async function dataUrlOf(running: RunningProcess): Promise<string> {
    const [, url = ''] = await running.waitForLine(/sightline: data (http\S+)/);
    return url;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-trace-'));
    sink = await startOtlpSink();
    backend = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
    hub = start('hub', backend.url);
    const address = (await dataUrlOf(hub)).replace('http://', 'ws://');
    sidecar = start('sidecar', address);
    dataUrl = await dataUrlOf(sidecar);
  });
  after(async () => {
    await sidecar?.[Symbol.asyncDispose]();
    await hub?.[Symbol.asyncDispose]();
    await backend?.close();
    await sink?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('each span is the parent of the next: attempt of the sidecar, exchange of the hub, its attempt', async () => {
    const reply = await fetch(`${dataUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { traceparent: `00-${traceId}-${clientSpan}-01`, tracestate: 'vendor=1' },
      body: JSON.stringify({
        model: 'sim-tokens-2',
        messages: [{ role: 'user', content: 'Hi' }],
        stream: true,
        stream_options: { include_usage: true },
      }),
    });
    assert.match(await reply.text(), /data: \[DONE\]/);
    for (const running of [sidecar, hub]) {
      running.kill('SIGTERM');
      assert.equal((await running.waitForExit()).code, 0);
    }
    const chain: ReceivedSpan[] = [];
    const spans = sink.spans().filter((span) => span.traceId === traceId);
    for (let parent: string | undefined = clientSpan; parent !== undefined; ) {
      const child = spans.find((span) => span.parentSpanId === parent);
      if (child) chain.push(child);
      parent = child?.spanId;
    }
    assert.deepEqual(
      chain.map((span) => [span.resource['service.name'], span.kind, span.attributes['sightline.outcome']]),
      [
        ['sidecar', 'SERVER', 'completed'],
        ['sidecar', 'CLIENT', 'completed'],
        ['hub', 'SERVER', 'completed'],
        ['hub', 'CLIENT', 'completed'],
      ],
    );
    assert.equal(spans.length, 4);
    const [entry] = backend.journal.entries().filter(({ method }) => method === 'POST');
    assert.equal(entry?.traceparent, `00-${traceId}-${chain[3]?.spanId}-01`);
    // What the model said is told by both, the same.
    for (const key of ['gen_ai.response.model', 'gen_ai.usage.output_tokens', 'gen_ai.response.id']) {
      assert.notEqual(chain[1]?.attributes[key], undefined);
      assert.equal(chain[1]?.attributes[key], chain[3]?.attributes[key]);
    }
  });
});
