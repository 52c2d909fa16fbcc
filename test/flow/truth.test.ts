import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntry } from '../../src/simulator/recorder.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { inParallel } from '../support/in-parallel.ts';
import { type ReceivedSpan, startOtlpSink } from '../support/otlp-sink.ts';
import { Random } from '../support/random.ts';
import { type Plan, planExchange, sendExchange, waits } from '../support/random-exchange.ts';
import { startService } from '../support/service.ts';

const exchangesEach = 150;
const concurrency = 16;

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** What a span says of a reply, in the terms of the journal, which has finish reasons in the order of their end. */
function told(span: ReceivedSpan) {
  const at = (key: string) => span.attributes[key];
  return {
    status: at(attribute.httpResponseStatusCode),
    responseId: at(attribute.genAiResponseId),
    model: at(attribute.genAiResponseModel),
    finishReasons: list(at(attribute.genAiResponseFinishReasons)).toSorted(),
    tokens: {
      input: at(attribute.genAiUsageInputTokens),
      output: at(attribute.genAiUsageOutputTokens),
      cacheRead: at(attribute.genAiUsageCacheReadInputTokens),
      cacheCreation: at(attribute.genAiUsageCacheCreationInputTokens),
      reasoning: at(attribute.genAiUsageReasoningOutputTokens),
    },
    outputChunks: at(attribute.outputChunks) ?? 0,
    replyBytes: at(attribute.httpResponseBodySize),
  };
}

/** The words of the responses API for what the others call so. */
const responsesReasons: Readonly<Record<string, string>> = { completed: 'stop', max_output_tokens: 'length' };

/** What the simulator really did. A whole reply of broken JSON says nothing that could be read. */
function truth(entry: JournalEntry, plan: Plan) {
  const isBroken =
    !plan.stream && (plan.model === 'sim-malformed-sse' || plan.model.startsWith('sim-clean-cut'));
  const isError = (entry.status ?? 0) >= 400;
  const said = isBroken || isError ? undefined : entry;
  return {
    status: entry.status,
    responseId: said?.responseId,
    model:
      said?.modelAnswered === undefined ||
      (said.responseId === undefined && plan.operation !== 'openai.embeddings')
        ? undefined
        : said.modelAnswered,
    finishReasons: (said?.finishReasons ?? []).map((reason) => responsesReasons[reason] ?? reason).toSorted(),
    tokens: {
      input: said?.tokens.input,
      output: said?.tokens.output,
      cacheRead: said?.tokens.cacheRead,
      cacheCreation: said?.tokens.cacheCreation,
      reasoning: said?.tokens.reasoning,
    },
    outputChunks: entry.outputEvents,
    replyBytes: entry.status === undefined ? undefined : entry.replyBytes,
  };
}

for (const protocol of ['http/json', 'http/protobuf']) {
  test(`what telemetry tells of ${exchangesEach} random exchanges is what happened (${protocol})`, async () => {
    const seed = protocol === 'http/json' ? 20261122 : 7;
    const random = new Random(seed);
    const plans = Array.from({ length: exchangesEach }, (_, n) => planExchange(random, n));
    const simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: Number.POSITIVE_INFINITY,
    });
    await using sink = await startOtlpSink();
    await using service = await startService({
      config: {
        upstreams: { default: simulator.url, anthropic: simulator.url },
        // Only what the simulator holds back for ever may miss them.
        limits: { replyHeadTimeoutMs: 3_000, replyIdleTimeoutMs: 3_000 },
      },
      otel: {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
    });
    try {
      await inParallel(plans, { concurrency, waits }, (plan) =>
        sendExchange(plan, service.dataUrl, simulator.journal),
      );
      await service.inFlight.empty();
      await simulator.journal.settled();
      const spans = await sink.waitForSpans(2 * exchangesEach);
      const page = await service.telemetry.page.render();

      assert.equal(spans.length, 2 * exchangesEach, 'one span for each exchange and each attempt, no more');
      let tokens = 0;
      for (const plan of plans) {
        const what = `seed ${seed}: ${plan.id} ${plan.operation} ${plan.model} ${plan.stream ? 'stream' : 'whole'}`;
        const entry = simulator.journal.find(plan.id);
        assert.ok(entry, `${what}: in the journal`);
        const [server, ...more] = spans.filter((span) => span.attributes[attribute.exchangeId] === plan.id);
        assert.ok(server && more.length === 0, `${what}: one SERVER span`);
        const [client, ...others] = spans.filter((span) => span.parentSpanId === server.spanId);
        assert.ok(client && others.length === 0, `${what}: one CLIENT span`);
        assert.equal(client.traceId, server.traceId, what);
        assert.equal(
          entry.traceparent,
          `00-${client.traceId}-${client.spanId}-01`,
          `${what}: the upstream's parent`,
        );
        if (plan.traceparent) {
          assert.equal(
            `00-${server.traceId}-${server.parentSpanId}-01`,
            plan.traceparent,
            `${what}: the client's trace`,
          );
        } else {
          assert.equal(server.parentSpanId, undefined, what);
        }
        assert.deepEqual([server.kind, client.kind], ['SERVER', 'CLIENT'], what);
        assert.equal(server.attributes[attribute.outcome], plan.outcome, `${what}: outcome of the exchange`);
        assert.equal(client.attributes[attribute.outcome], plan.outcome, `${what}: outcome of the attempt`);
        assert.equal(client.attributes[attribute.genAiRequestModel], plan.model, what);
        assert.equal(client.attributes[attribute.dialect], plan.operation, what);
        assert.deepEqual(told(client), truth(entry, plan), what);
        assert.ok(client.startMs >= server.startMs && client.endMs <= server.endMs + 0.01, `${what}: within`);
        tokens += entry.status === 200 ? (truth(entry, plan).tokens.output ?? 0) : 0;
      }
      const counted = [
        ...page.matchAll(/^gen_ai_client_token_usage_sum\{.*gen_ai_token_type="output".*\} (\S+)$/gm),
      ];
      assert.equal(
        counted.reduce((sum, [, value]) => sum + Number(value), 0),
        tokens,
        'the metric counts the same tokens',
      );
      for (const outcome of new Set(plans.map((plan) => plan.outcome))) {
        const lines = [
          ...page.matchAll(
            new RegExp(
              `^sightline_exchange_outcomes_total\\{.*sightline_outcome="${outcome}".*\\} (\\d+)$`,
              'gm',
            ),
          ),
        ];
        const count = plans.filter((plan) => plan.outcome === outcome).length;
        assert.equal(
          lines.reduce((sum, [, value]) => sum + Number(value), 0),
          count,
          outcome,
        );
      }
      assert.match(page, /^http_server_active_requests\{.*\} 0$/m);
    } finally {
      await simulator.close();
    }
  });
}
