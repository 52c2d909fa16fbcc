import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { SightlineError } from '../../../src/errors.ts';
import type { Exchange } from '../../../src/exchange/exchange.ts';
import type { Outcome } from '../../../src/exchange/outcome.ts';
import { createLog } from '../../../src/log.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { ExchangeLog } from '../../../src/telemetry/logs/exchange-log.ts';
import { LogLines } from '../../../src/telemetry/logs/log-lines.ts';
import { attribute, lineKey, logEvent, tagPrefix } from '../../../src/telemetry/names.ts';
import { inParallel } from '../../support/in-parallel.ts';
import { type ReceivedSpan, startOtlpSink } from '../../support/otlp-sink.ts';
import { Random } from '../../support/random.ts';
import { planExchange, sendExchange, waits } from '../../support/random-exchange.ts';
import { startService } from '../../support/service.ts';
import { closedBy, SessionScene } from '../session-scene.ts';
import { only, startStage } from '../stage.ts';
import { CapturedLog, type LogRecord } from './captured-log.ts';

const exchanges = 150;
const concurrency = 16;

/** What the record says by itself; all else of it stands on spans. */
const ownKeys = new Set<string>([
  ...Object.values(lineKey),
  attribute.duration,
  // Spans of requests have none where a client is at fault, and those of attempts their own.
  attribute.errorType,
  attribute.exceptionMessage,
]);

/** Every attribute of the record that is not on a span of its exchange as it is in the record. */
function differences(record: LogRecord, spans: readonly ReceivedSpan[]): string[] {
  const isEqual = (told: unknown, span: unknown) =>
    typeof told === 'number' && typeof span === 'number'
      ? Math.abs(told - span) <= 0.5e-6
      : JSON.stringify(told) === JSON.stringify(span);
  return Object.entries(record)
    .filter(([key]) => !ownKeys.has(key))
    .filter(([key, value]) => !spans.some(({ attributes }) => isEqual(value, attributes[key])))
    .map(([key, value]) => `${key}: ${value} but ${spans.map(({ attributes }) => attributes[key])}`);
}

const seconds = ({ startMs, endMs }: ReceivedSpan) => (endMs - startMs) / 1_000;

/** Without the keys of a line. */
function attributesOf(record: LogRecord): LogRecord {
  const keys: readonly string[] = Object.values(lineKey);
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

describe('the record of an exchange', () => {
  test('is one for each, whatever becomes of it, and says what its spans say', async () => {
    const seed = 20_261_123;
    const random = new Random(seed);
    const stdout = new CapturedLog();
    await using sink = await startOtlpSink();
    const simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: Number.POSITIVE_INFINITY,
    });
    const service = await startService({
      config: {
        upstreams: { default: simulator.url, anthropic: simulator.url },
        limits: { replyHeadTimeoutMs: 3_000, replyIdleTimeoutMs: 3_000 },
        log: { level: 'info' },
      },
      otel: {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_LOGS_EXPORTER: 'otlp',
        OTEL_BSP_SCHEDULE_DELAY: '20',
      },
      stdout,
    });
    const plans = Array.from({ length: exchanges }, (_, i) => planExchange(random, i));
    await inParallel(plans, { concurrency, waits }, (plan) =>
      sendExchange(plan, service.dataUrl, simulator.journal),
    );
    await service.inFlight.empty();
    await service.stop();
    await simulator.close();

    const spans = sink.spans();
    assert.equal(stdout.exchanges.length, plans.length);
    for (const plan of plans) {
      const context = `seed ${seed}, ${JSON.stringify(plan)}`;
      const record = only(stdout.of(plan.id));
      const own = spans.filter(({ traceId }) => traceId === record[lineKey.traceId]);
      const server = only(own.filter(({ spanId }) => spanId === record[lineKey.spanId]));
      assert.equal(server.kind, 'SERVER', context);
      assert.equal(record[attribute.outcome], plan.outcome, context);
      assert.deepEqual(differences(record, own), [], context);
      const duration = Number(record[attribute.duration]);
      assert.ok(Math.abs(duration - seconds(server)) < 2e-6, `${duration} ${seconds(server)} ${context}`);
      const errorTypes = own.map(({ attributes }) => attributes[attribute.errorType]);
      if (plan.outcome !== 'completed' && plan.outcome !== 'client_aborted')
        assert.ok(errorTypes.includes(record[attribute.errorType] as string), context);

      const exported = only(
        sink.logs().filter(({ attributes }) => attributes[attribute.exchangeId] === plan.id),
      );
      const { traceId, spanId, eventName, body, attributes } = exported;
      assert.deepEqual(
        [traceId, spanId, eventName, body, exported.severityText.toLowerCase()],
        [server.traceId, server.spanId, logEvent.exchange, record[lineKey.message], record[lineKey.level]],
      );
      assert.deepEqual(attributes, attributesOf(record), context);
    }
  });

  test('of a session, and of what came over it, says the same too', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({ stdout });
    const scene = new SessionScene(stage.service);
    scene.connect();
    Object.assign(scene.facts, { subprotocol: 'realtime', turnsDropped: 1, refused: 2, swallowed: 3 });
    scene.receive('client', 1, 2, 30);
    const turn = scene.turn();
    const attempt = scene.attempt(turn);
    attempt.noteOutput(attempt.startedAt + 5);
    attempt.reply.finishReasons.push('stop');
    scene.endTurn(turn, { usage: { input: 5, output: 7, reasoning: 2 }, afterMs: 1_700 });
    const query = scene.query();
    scene.attemptQuery(query);
    scene.endQuery(query);
    scene.end('completed', closedBy('upstream', 1000, 'bye'), undefined, 35_000);
    await stage.spansOf('session-1');
    await stage.service.stop();

    const spans = stage.sink.spans();
    const records = stdout.exchanges;
    assert.deepEqual(
      records.map((record) => record[lineKey.message]),
      [
        'turn 1 of /realtime/v1/realtime gpt-realtime -> completed, 12 tokens, 1.7 s',
        'POST /v1/chat/completions -> completed 200, 1 ms',
        'websocket /realtime/v1/realtime -> completed 101, 2 turns, 12 tokens, 35 s',
      ],
    );
    for (const record of records) {
      const own = only(spans.filter(({ spanId }) => spanId === record[lineKey.spanId]));
      const children = spans.filter(({ parentSpanId }) => parentSpanId === own.spanId);
      // A turn has no span above it that is its own, so what its record says of HTTP stands on its session's.
      const session = spans.filter(({ kind, name }) => kind === 'SERVER' && name.startsWith('websocket'));
      assert.deepEqual(differences(record, [own, ...children, ...session]), []);
      assert.equal(record[attribute.sessionId], 'session-1');
      assert.ok(Math.abs(Number(record[attribute.duration]) - seconds(own)) < 2e-6);
    }
    assert.equal(records[2]?.[attribute.sessionOutputTokens], 7);
  });

  test('tells of WebSockets that did not come about, here and at the upstream', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({ stdout });
    const upgrade = (path: string, headers: http.OutgoingHttpHeaders) =>
      stage.send(path, {
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
          ...headers,
        },
      });
    assert.equal((await upgrade('/stream?key=SECRET', { origin: 'https://evil.example' })).status, 403);
    assert.equal((await upgrade('/v1/nothing-here', {})).status, 404);
    await stage.service.inFlight.empty();
    await stage.service.stop();
    assert.deepEqual(
      stdout.exchanges.map((record) => [record.level, String(record.msg).replace(/\d+ ms/, 'N ms')]),
      [
        [
          'warn',
          "websocket /stream -> blocked 403, N ms: Pages of 'https://evil.example' may not open WebSockets here; name it in data.origins.",
        ],
        ['warn', 'websocket /* -> upstream_error 404, N ms'],
      ],
    );
  });

  test('tells of requests that were lost with the connection that they shared', async () => {
    const hub = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    hub.on('connection', (socket) => socket.once('message', () => socket.terminate()));
    await once(hub, 'listening');
    const { port } = hub.address() as AddressInfo;
    const stdout = new CapturedLog();
    await using stage = await startStage({
      stdout,
      upstreams: { hub: `ws://127.0.0.1:${port}/stream` },
      config: { limits: { reconnectAttemptsMax: 1 } },
    });
    await stage.query({ model: 'm' }, { path: '/hub/v1/chat/completions' });
    await stage.service.stop();
    hub.close();
    const record = only(stdout.exchanges);
    assert.equal(record[attribute.outcome], 'upstream_unreachable');
    assert.match(
      String(record[lineKey.message]),
      /^POST \/hub\/v1\/chat\/completions m -> upstream_unreachable 502, \d+ ms: The upstream closed the connection/,
    );
  });

  test('has a level by the outcome', async () => {
    const levels: Readonly<Record<Outcome, string>> = {
      completed: 'info',
      client_aborted: 'info',
      upstream_error: 'warn',
      upstream_truncated: 'warn',
      upstream_unreachable: 'warn',
      timed_out: 'warn',
      blocked: 'warn',
      failed: 'error',
    };
    const stdout = new CapturedLog();
    await using stage = await startStage({ stdout });
    const scene = new SessionScene(stage.service);
    for (const outcome of Object.keys(levels) as Outcome[]) scene.endQuery(scene.query(), outcome);
    await stage.service.stop();
    assert.deepEqual(
      Object.fromEntries(stdout.exchanges.map((one) => [one[attribute.outcome], one[lineKey.level]])),
      levels,
    );
  });

  test('says why, without what looks like a key', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({
      stdout,
      upstreams: { gone: 'http://127.0.0.1:1' },
      config: { limits: { attributeCharsMax: 100 } },
    });
    await stage.query({ model: 'm' }, { path: '/gone/v1/chat/completions' });
    const scene = new SessionScene(stage.service);
    const message = `the key sk-abc123 of /v1/chat/completions ${'x '.repeat(100)}`;
    scene.endQuery(scene.query(), 'failed', new SightlineError('internal', { message }));
    await stage.service.stop();
    const [gone, failed] = stdout.exchanges;
    assert.match(
      String(gone?.[lineKey.message]),
      /^POST \/gone\/v1\/chat\/completions m -> upstream_unreachable 502, \d+ ms: The upstream cannot be reached: .*\.$/,
    );
    assert.equal(gone?.[attribute.errorType], 'upstream_unreachable');
    assert.match(String(gone?.[attribute.exceptionMessage]), /^The upstream cannot be reached/);
    const told = 'the key REDACTED of /v1/chat/completions ';
    assert.equal(failed?.[attribute.exceptionMessage], told + 'x '.repeat(100).slice(0, 100 - told.length));
    assert.doesNotMatch(stdout.text, /sk-abc123/);
  });

  test('names the model that was asked for, shortened, and what middleware added', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({
      stdout,
      config: { limits: { attributeCharsMax: 100 } },
      middleware: [
        {
          name: 'tagger',
          beforeQuery: (_query, exchange) => {
            exchange.setAttribute('tier', 'gold');
            exchange.setAttribute('long', 'x'.repeat(200));
            exchange.setLabel('tenant', 'blue');
            exchange.setLabel('tier', 'overruled');
          },
        },
      ],
    });
    await stage.chat({ model: 'm'.repeat(5_000) });
    await stage.service.stop();
    const record = only(stdout.exchanges);
    assert.equal(record[attribute.genAiRequestModel], 'm'.repeat(100));
    assert.ok(String(record[lineKey.message]).length < 200);
    assert.deepEqual(
      ['tier', 'long', 'tenant'].map((name) => record[tagPrefix + name]),
      ['gold', 'x'.repeat(100), 'blue'],
    );
  });

  test('knows the trace also where it is not sampled, and needs none', async () => {
    const unsampled = new CapturedLog();
    await using stage = await startStage({ stdout: unsampled, otel: { OTEL_TRACES_SAMPLER: 'always_off' } });
    const { headers } = await stage.chat();
    await stage.service.stop();
    const record = only(unsampled.exchanges);
    const [, traceId, spanId, flags] = String(headers.traceresponse).split('-');
    assert.deepEqual(
      [record[lineKey.traceId], record[lineKey.spanId], record[lineKey.traceFlags]],
      [traceId, spanId, flags],
    );

    const disabled = new CapturedLog();
    await using other = await startStage({ stdout: disabled, otel: { OTEL_SDK_DISABLED: 'true' } });
    await other.chat();
    await other.service.stop();
    const untraced = only(disabled.exchanges);
    assert.equal(untraced[attribute.outcome], 'completed');
    assert.ok(!(lineKey.traceId in untraced));
  });
});

describe('lines of exchanges', () => {
  const linesWith = async (log: object) => {
    const stdout = new CapturedLog();
    await using stage = await startStage({ stdout, config: { log } });
    await stage.chat();
    await stage.chat({ model: 'sim-status-500' });
    await stage.service.stop();
    return stdout.exchanges.map((record) => record[attribute.outcome]);
  };

  test('are written from the level of the log on', async () => {
    assert.deepEqual(await linesWith({ level: 'info' }), ['completed', 'upstream_error']);
    assert.deepEqual(await linesWith({ level: 'warn' }), ['upstream_error']);
    assert.deepEqual(await linesWith({ level: 'silent' }), []);
  });

  test('can be turned off', async () => {
    assert.deepEqual(await linesWith({ level: 'info', exchanges: false }), []);
  });

  test('cost nothing where nobody wants them', async () => {
    const lines = new LogLines({ stream: new CapturedLog(), charsMax: 1_000 });
    const parts = { lines, emitter: undefined, attributeCharsMax: 100 };
    const off = new ExchangeLog({ ...parts, log: createLog('info', lines), areLinesOn: false });
    const quiet = new ExchangeLog({ ...parts, log: createLog('warn', lines), areLinesOn: true });
    const asked: unknown[] = [];
    const exchange = new Proxy({ outcome: 'completed' } as Exchange, {
      get: (target, key) => {
        asked.push(key);
        return Reflect.get(target, key);
      },
    });
    for (const log of [off, quiet]) log.ended(exchange);
    assert.deepEqual(asked, ['outcome', 'outcome']);
    await lines.close(0);
  });
});
