import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { SessionFacts } from '../../src/exchange/session-facts.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Service } from '../../src/service.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { type ReceivedSpan, startOtlpSink } from '../support/otlp-sink.ts';
import { Random } from '../support/random.ts';
import { startService } from '../support/service.ts';
import { chat, type Sent, StreamClient } from './stream-client.ts';

const connections = 8;
const queriesEach = 20;

const models = [
  'sim-tokens-3',
  'sim-tokens-40',
  'sim-gzip',
  'sim-status-429',
  'sim-truncate-3',
  'sim-clean-cut-3',
  'sim-error-event-3',
  'sim-malformed-sse',
  'sim-close',
  'sim-stall-2',
  'sim-no-head',
];

/** How a client goes: when everything has been answered, or with queries under way. */
const ways = ['answered', 'answered', 'closes', 'goes', 'floods', 'breaks'] as const;
type Way = (typeof ways)[number];

const watching: Middleware = {
  name: 'watching',
  beforeQuery: () => setImmediate(),
  onChunk: (chunk) => chunk,
  afterResponse: () => setImmediate(),
  onError: () => setImmediate(),
};

/** One client, from its first query to its end. */
class Run {
  readonly client: StreamClient;
  readonly facts: SessionFacts;
  readonly way: Way;
  /** The ids of the exchanges by those of the queries. */
  readonly asked = new Map<number, string>();
  readonly #random: Random;
  readonly #number: number;

  constructor(client: StreamClient, service: Service, random: Random, number: number) {
    this.client = client;
    const session = service.inFlight.exchanges().find(({ id }) => id === `session-${number}`);
    assert.ok(session?.place.kind === 'session');
    this.facts = session.place.facts;
    this.way = random.pick(ways);
    this.#random = random;
    this.#number = number;
  }

  async go(): Promise<void> {
    const random = this.#random;
    for (let n = 0; n < queriesEach; n += 1) {
      this.client.send(this.#query(n));
      if (random.chance(0.2)) this.client.send({ type: 'cancel', id: random.integer(0, n) });
      if (random.chance(0.3)) await setImmediate();
    }
    await this.#end();
    await this.client.closed;
  }

  #query(n: number): Sent {
    const random = this.#random;
    const id = `${this.#number}-${n}`;
    this.asked.set(n, id);
    return chat(n, random.pick(models), {
      headers: { 'x-request-id': id, 'accept-encoding': 'gzip' },
      reply: random.pick(['events', 'bytes']),
      body: { stream: random.chance(0.7) },
      // What nobody grants ends, too.
      ...(random.chance(0.2) && { window: random.integer(1, 500) }),
    });
  }

  async #end(): Promise<void> {
    const { client, way } = this;
    const { raw, socket } = client;
    if (way === 'answered') await Promise.all([...this.asked.keys()].map((n) => client.answer(n)));
    // On a busy machine all of them can have failed by then.
    else
      await client.until(
        ({ type }) =>
          type === 'chunk' || type === 'response' || client.messages.filter(isLast).length === queriesEach,
      );
    if (way === 'goes') raw.resetAndDestroy();
    else if (way === 'floods') for (let n = 0; n < 1_200; n += 1) socket.ping();
    else if (way === 'breaks') raw.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    else socket.close(1000);
  }
}

const isLast = ({ type }: { readonly type: string }) => type === 'response' || type === 'error';

for (const [seed, middleware] of [
  [7, []],
  [20261123, [watching]],
] as const) {
  test(`each query of random clients is told once, and its telemetry is what the client was told (seed ${seed})`, async () => {
    const simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: Number.POSITIVE_INFINITY,
    });
    await using sink = await startOtlpSink();
    await using service = await startService({
      config: {
        upstreams: { default: simulator.url },
        limits: {
          replyHeadTimeoutMs: 300,
          replyIdleTimeoutMs: 300,
          clientStallTimeoutMs: 300,
          clientMessagesPerSecondMax: 500,
        },
      },
      middleware,
      otel: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
    });
    const begun = new Set<string>();
    const ended: string[] = [];
    service.hooks.registerHook('exchange.started', ({ exchange }) => void begun.add(exchange.id));
    service.hooks.registerHook('exchange.ended', ({ exchange }) => void ended.push(exchange.id));
    try {
      const runs: Run[] = [];
      for (let number = 0; number < connections; number += 1) {
        const headers = { 'x-request-id': `session-${number}` };
        const client = await StreamClient.open(service, { headers });
        runs.push(new Run(client, service, new Random(seed + number), number));
      }
      await Promise.all(runs.map((run) => run.go()));
      await service.inFlight.empty();
      const entries = await simulator.journal.settled();
      assert.deepEqual(ended.toSorted(), [...begun].sort(), 'each has begun and ended once');

      const spans = await sink.waitForSpans((all) => {
        const told = new Set(all.map(({ attributes }) => attributes[attribute.exchangeId]));
        return [...begun].every((id) => told.has(id));
      });
      const byId = Map.groupBy(spans, ({ attributes }) => String(attributes[attribute.exchangeId]));
      for (const id of begun) assert.equal(byId.get(id)?.length, 1, `one span of ${id}`);
      const attempts = new Set(spans.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
      for (const { traceparent, requestId } of entries)
        assert.ok(attempts.has(String(traceparent)), `a span of the attempt of ${requestId}`);
      for (const run of runs) checkRun(run, byId, begun);

      const page = await service.telemetry.page.render();
      const total = (name: string) => {
        const lines = page.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)`, 'gm'));
        return lines.reduce((sum, [, value]) => sum + Number(value), 0);
      };
      assert.equal(total('sightline_exchange_outcomes_total'), begun.size - connections);
      assert.equal(total('http_server_request_duration_seconds_count'), begun.size - connections);
      assert.equal(total('sightline_session_duration_seconds_count'), connections);
      assert.equal(total('http_server_active_requests'), 0);
      assert.equal(total('sightline_session_active'), 0);
    } finally {
      await simulator.close();
    }
  });
}

function checkRun(
  { client, facts, way, asked }: Run,
  spans: ReadonlyMap<string, ReceivedSpan[]>,
  begun: ReadonlySet<string>,
): void {
  const outcomes: Record<string, number> = {};
  for (const [n, exchange] of asked) {
    const what = `${exchange} (${way})`;
    const own = client.messages.filter(({ id }) => id === n);
    const last = own.filter(isLast);
    assert.ok(last.length <= 1, `${what} was told once`);
    if (!begun.has(exchange)) continue;
    // Whoever breaks the protocol, or is gone, can be told nothing.
    if (way === 'answered' || way === 'floods') assert.equal(last.length, 1, `${what} was told`);
    if (last.length === 1) assert.equal(own.at(-1), last[0], `${what}: nothing comes behind it`);
    const outcome = String(spans.get(exchange)?.[0]?.attributes[attribute.outcome]);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const { response, error } = client.of(n);
    if (response || error) assert.equal(response?.outcome ?? error?.outcome, outcome, what);
  }
  assert.deepEqual({ ...facts.outcomes }, outcomes, way);
  if (way === 'answered') assert.equal(facts.received.upstream.messages, client.messages.length);
}
