import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { readToEnd, readUntil, sendChat } from '../support/chat-client.ts';
import { Endings } from '../support/endings.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { startService } from '../support/service.ts';

// Alone in its file, and so in its process: what others have open would hide what is left here.
it('a service that was cut off in every way leaves no socket, timer or exchange behind', async () => {
  const held = () =>
    process
      .getActiveResourcesInfo()
      .filter((name) => /^(TCP|Timeout|Immediate|Pipe|FSReq)/.test(name))
      .sort();
  const before = held();
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  const sink = await startOtlpSink();
  const service = await startService({
    config: {
      upstreams: { default: simulator.url, dead: 'http://127.0.0.1:9' },
      middleware: [{ redact: { patterns: ['email'] } }],
      limits: { replyIdleTimeoutMs: 900 },
    },
    otel: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_TIMEOUT: '200' },
  });
  const endings = new Endings(service);
  const left = sendChat(service, 'a', 'sim-stall-3');
  await readUntil(await left.head, '"content"');
  left.request.destroy();
  await endings.of('a');
  for (const [id, model, stream] of [
    ['b', 'sim-truncate-2', true],
    ['c', 'sim-close', false],
    ['d', 'sim-garbage', false],
    ['e', 'sim-stall-1', true],
    ['f', 'gpt-4o', true],
    ['g', 'gpt-4o', false],
  ] as const) {
    await readToEnd(await sendChat(service, id, model, stream).head);
    await endings.of(id);
  }
  await readToEnd(await sendChat(service, 'h', 'gpt-4o', false, '/dead/v1/chat/completions').head);
  const last = sendChat(service, 'i', 'sim-stall-3');
  await readUntil(await last.head, '"content"');
  await sink.close();
  simulator.killConnections({ stopListening: true });
  await endings.of('i');
  await service.stop();
  await simulator.close();
  assert.equal(service.inFlight.size, 0);
  // Handles close in the turns after their owners have let go of them.
  for (let turn = 0; turn < 100 && held().length > before.length; turn += 1) await new Promise(setImmediate);
  assert.deepEqual(held(), before);
});
