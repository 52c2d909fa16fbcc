import assert from 'node:assert/strict';
import { withDeadline } from '../../../src/exchange/deadline.ts';
import type { Outcome } from '../../../src/exchange/outcome.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import type { Service } from '../../../src/service.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import { RealtimeClient } from '../../simulator/realtime-client.ts';
import { type OtlpSink, type ReceivedSpan, startOtlpSink } from '../../support/otlp-sink.ts';
import { startService } from '../../support/service.ts';
import { parsePage } from '../../telemetry/prometheus-text.ts';
import { checkMetrics } from './metrics.ts';
import { checkSession, type TurnTruth } from './turns.ts';
import { Witness } from './witness.ts';

/** What must become of a session. */
export interface Ending {
  readonly session: Outcome;
  /** Of turns that the session's end breaks off. Default: the session's. */
  readonly turn?: Outcome;
  /** Of turns that had not begun then. Default: the same. */
  readonly unbegun?: Outcome;
  /** The upstream was cut off by its client's end while it spoke: what it sent at last was read by nobody. */
  readonly isLossy?: boolean;
}

export interface Played extends Ending {
  /** Its `x-request-id`. */
  readonly id: string;
  readonly model: string;
  readonly witness: Witness;
}

export interface StageOptions {
  readonly limits?: Readonly<Record<string, number>>;
  readonly middleware?: readonly Middleware[];
  /** Of the model; as fast as can be where infinite. */
  readonly tokensPerSecond?: number;
}

/** A service with telemetry, in front of a simulator that writes down what it really did. */
export class TruthStage implements AsyncDisposable {
  readonly service: Service;
  readonly simulator: Simulator;
  readonly #sink: OtlpSink;
  readonly #played: Played[] = [];

  private constructor(service: Service, simulator: Simulator, sink: OtlpSink) {
    this.service = service;
    this.simulator = simulator;
    this.#sink = sink;
  }

  static async start({
    limits = {},
    middleware = [],
    tokensPerSecond = 2_000,
  }: StageOptions = {}): Promise<TruthStage> {
    const simulator = await startSimulator({ timeToFirstTokenMs: 2, tokensPerSecond });
    const sink = await startOtlpSink();
    const service = await startService({
      config: { upstreams: { default: simulator.url }, limits },
      otel: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: '20' },
      middleware,
    });
    return new TruthStage(service, simulator, sink);
  }

  /** The port of the service. */
  get port(): number {
    return Number(new URL(this.service.dataUrl).port);
  }

  /** A session that somebody has opened, under this `x-request-id`. */
  watch(witness: Witness, id: string, model: string, ending: Ending): void {
    this.#played.push({ ...ending, id, model, witness });
  }

  /** A session that has begun, and will end so. */
  async open(
    id: string,
    model: string,
    ending: Ending,
  ): Promise<{ client: RealtimeClient; witness: Witness }> {
    const url = `${this.service.dataUrl}/v1/realtime?model=${model}`;
    const client = new RealtimeClient(url, { headers: { 'x-request-id': id } });
    const witness = new Witness(client.socket);
    this.watch(witness, id, model, ending);
    await client.next('session.created');
    return { client, witness };
  }

  /** All sessions have ended: what telemetry tells of each, and of all together, is what happened. */
  async check(): Promise<void> {
    await withDeadline(this.service.inFlight.empty(), 30_000);
    await this.simulator.journal.settled();
    const spans = await this.#spans();
    const turns: TurnTruth[] = [];
    for (const played of this.#played)
      turns.push(...checkSession(played, spans, this.simulator.journal.entries()));
    assert.equal(spans.length, turns.length + 2 * this.#played.length, 'one span for each thing, no more');
    checkMetrics(parsePage(await this.service.telemetry.page.render()), this.#played, turns);
  }

  /** As many as the sessions say that they had turns; but for middleware that took long. */
  async #spans(): Promise<ReceivedSpan[]> {
    const spans = await this.#sink.waitForSpans((all) => {
      const spans = all.filter(({ kind }) => kind !== 'INTERNAL');
      const sessions = spans.filter(({ kind }) => kind === 'SERVER');
      const turns = sessions.map((span) => Number(span.attributes[attribute.sessionTurns]));
      const wanted = turns.reduce((sum, count) => sum + count, 0) + 2 * sessions.length;
      return sessions.length === this.#played.length && spans.length >= wanted;
    });
    return spans.filter(({ kind }) => kind !== 'INTERNAL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { witness } of this.#played) witness.socket.terminate();
    await this.service.stop();
    await this.simulator.close();
    await this.#sink.close();
  }
}
