import { setTimeout as delay } from 'node:timers/promises';
import { SightlineError } from '../../../src/errors.ts';
import { Reply } from '../../../src/exchange/reply.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import type { Service } from '../../../src/service.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { type OtlpSink, startOtlpSink } from '../../support/otlp-sink.ts';
import { startService } from '../../support/service.ts';

/** What a client asks of the middleware `gate` by its header. */
export const gateHeader = 'x-gate';

/** Refuses, answers, or takes its time, as a client wants it to. */
const gate: Middleware = {
  name: 'gate',
  async beforeQuery(_query, exchange) {
    if (exchange.kind === 'turn') await delay(2);
    switch (exchange.header(gateHeader)) {
      case 'refuse':
        throw new SightlineError('blocked');
      case 'answer':
        return Reply.json(200, { from: 'gate' });
      case 'wait':
        await delay(5);
    }
    return undefined;
  },
};

/** A service with half of its traces sampled, before a simulator that writes down what it really did. */
export interface TruthStage extends AsyncDisposable {
  readonly service: Service;
  readonly simulator: Simulator;
  readonly sink: OtlpSink;
}

export async function startTruthStage(): Promise<TruthStage> {
  const simulator = await startSimulator({ timeToFirstTokenMs: 2, tokensPerSecond: 2_000 });
  const sink = await startOtlpSink();
  const service = await startService({
    config: {
      upstreams: { default: simulator.url, anthropic: simulator.url },
      limits: {
        replyHeadTimeoutMs: 5_000,
        replyIdleTimeoutMs: 5_000,
        tracesMax: 5_000,
        troubledTracesMax: 5_000,
        spansPerTraceMax: 5_000,
      },
    },
    middleware: [gate],
    otel: {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    },
  });
  return {
    service,
    simulator,
    sink,
    async [Symbol.asyncDispose]() {
      await service.stop();
      await simulator.close();
      await sink.close();
    },
  };
}
