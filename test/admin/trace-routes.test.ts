import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { TraceSpan, TraceView } from '../../src/admin/api/traces.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { readToEnd, readUntil, sendChat } from '../support/chat-client.ts';
import { SessionScene } from '../telemetry/session-scene.ts';
import { only, type Stage, startStage } from '../telemetry/stage.ts';

async function viewOf(stage: Stage, traceId: string | undefined): Promise<TraceView> {
  const { status, body } = await stage.json<TraceView>(`/api/traces/${traceId}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** Of the exchange that ended last. */
const newestTrace = ({ service }: Stage) => {
  const { recent } = service.telemetry;
  return recent.rows[(recent.newest - 1) % recent.rows.length]?.traceId;
};

const traceIdOf = ({ headers }: http.IncomingMessage) => String(headers.traceresponse).split('-')[1];

const idsOf = (spans: readonly TraceSpan[]) =>
  spans.map(({ name, spanId, parentSpanId }) => [name, spanId, parentSpanId]);

const eventsOf = ({ events }: TraceSpan) => events.map(({ name }) => name);

/** As if it were under way, until what is returned is called. */
function run({ service }: Stage, exchange: Exchange): () => void {
  const seat = service.inFlight.add({ exchange, fail: () => undefined });
  return () => service.inFlight.delete(seat);
}

/** A backend that says a word when it is told to. */
async function startSpeaker() {
  let response: http.ServerResponse | undefined;
  const server = http.createServer((request, reply) => {
    response = reply;
    request.resume();
    reply.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const send = (data: string) => response?.write(`data: ${data}\n\n`);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    say: (content: string) =>
      send(JSON.stringify({ model: 'spoken', choices: [{ index: 0, delta: { content } }] })),
    stop: () => {
      send('[DONE]');
      response?.end();
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('the trace of a stream that runs', () => {
  test('grows, and becomes the one that has ended, with the same ids', async () => {
    await using speaker = await startSpeaker();
    await using stage = await startStage({ upstreams: { speaker: speaker.url } });
    const { head } = sendChat(stage.service, 'spoken', 'gpt-4o', true, '/speaker/v1/chat/completions');
    const response = await head;
    const traceId = traceIdOf(response);

    const silent = await viewOf(stage, traceId);
    const [server, client] = silent.spans;
    assert.ok(server && client);
    assert.deepEqual([silent.isRunning, silent.spans.length, silent.droppedSpans], [true, 2, 0]);
    assert.deepEqual([server.name, client.name], ['POST /speaker/v1/chat/completions', 'chat gpt-4o']);
    assert.deepEqual([server.kind, client.kind], ['SERVER', 'CLIENT']);
    assert.equal(client.parentSpanId, server.spanId);
    for (const span of silent.spans) {
      assert.deepEqual(span.status, { code: 'UNSET' });
      assert.ok(!('endMs' in span) && !('chunks' in span));
      assert.ok(!('error.type' in span.attributes) && !('sightline.outcome' in span.attributes));
    }
    assert.equal(eventsOf(client).includes('sightline.first_chunk'), false);

    for (let words = 1; words <= 3; words += 1) {
      speaker.say(`word${words}`);
      await readUntil(response, `word${words}`);
      const { spans } = await viewOf(stage, traceId);
      assert.deepEqual(idsOf(spans), idsOf(silent.spans));
      const chunks = spans[1]?.chunks;
      assert.deepEqual([chunks?.count, chunks?.times.length], [words, words]);
      assert.equal(spans[1]?.attributes['sightline.output.chunks'], words);
      assert.deepEqual(
        eventsOf(only(spans.slice(1))).filter((name) => name.endsWith('first_chunk')),
        ['sightline.first_chunk'],
      );
    }
    const running = await viewOf(stage, traceId);
    assert.deepEqual(
      running.exchanges.map(({ id, seq, outcome, outputChunks }) => [id, seq, outcome, outputChunks]),
      [['spoken', undefined, undefined, 3]],
    );

    speaker.stop();
    await readToEnd(response);
    await stage.service.inFlight.empty();
    const ended = await viewOf(stage, traceId);
    assert.equal(ended.isRunning, false);
    assert.deepEqual(idsOf(ended.spans), idsOf(silent.spans));
    for (const [i, span] of ended.spans.entries()) {
      const before = running.spans[i];
      assert.ok(before && span.endMs !== undefined && span.endMs > span.startMs);
      assert.deepEqual([span.startMs, span.kind, span.links], [before.startMs, before.kind, before.links]);
      // Looking has left nothing behind.
      assert.deepEqual(span.events, before.events);
      assert.deepEqual(span.chunks, before.chunks);
      assert.equal(span.attributes['sightline.outcome'], 'completed');
      for (const key of Object.keys(before.attributes)) assert.ok(key in span.attributes, key);
    }
    assert.deepEqual(
      ended.exchanges.map(({ id, seq, outcome }) => [id, seq, outcome]),
      [['spoken', 1, 'completed']],
    );
    const exported = await stage.spansOf('spoken');
    assert.deepEqual([exported.server.spanId, only(exported.clients).spanId], [server.spanId, client.spanId]);
    assert.equal(JSON.stringify(stage.sink.spans()).includes('chunks":{"count'), false);
  });

  test('shows what middleware has cost, and which is under way, with the ids that they keep', async () => {
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const middleware: Middleware[] = [
      { name: 'quick', beforeQuery: () => undefined },
      {
        name: 'slow',
        async beforeQuery() {
          reached.resolve();
          await held.promise;
        },
      },
    ];
    await using stage = await startStage({ middleware, config: { telemetry: { spanThresholdMs: 0 } } });
    const { head } = sendChat(stage.service, 'held', 'gpt-4o', true);
    await reached.promise;
    const traceId = only(stage.service.inFlight.exchanges()).trace?.traceId;
    const running = await viewOf(stage, traceId);
    assert.deepEqual(
      running.spans.map(({ name, kind, endMs }) => [name, kind, endMs !== undefined]),
      [
        ['POST /v1/chat/completions', 'SERVER', false],
        ['middleware quick before_query', 'INTERNAL', true],
        ['middleware slow before_query', 'INTERNAL', false],
      ],
    );
    assert.deepEqual(idsOf((await viewOf(stage, traceId)).spans), idsOf(running.spans));
    held.resolve();
    await readToEnd(await head);
    await stage.service.inFlight.empty();
    const ended = await viewOf(stage, traceId);
    assert.deepEqual(idsOf(ended.spans).slice(0, 3), idsOf(running.spans));
    assert.ok(ended.spans.every(({ endMs }) => endMs !== undefined));
    assert.equal(new Set(ended.spans.map(({ spanId }) => spanId)).size, ended.spans.length);
  });
});

describe('the marks of chunks', async () => {
  test('are as many as the upstream has sent, up to their bound', async () => {
    await using stage = await startStage({ config: { limits: { chunkMarksMax: 16 } } });
    for (const [tokens, marks] of [
      [1, 1],
      [5, 5],
      [16, 16],
      [300, 16],
    ] as const) {
      await stage.chat({ model: `sim-tokens-${tokens}`, stream: true });
      const { spans } = await viewOf(stage, newestTrace(stage));
      const [server, client] = spans;
      assert.equal(server?.chunks, undefined);
      const { count, times = [] } = client?.chunks ?? {};
      assert.deepEqual([count, times.length], [tokens, marks]);
      assert.equal(times[0], client?.events.find(({ name }) => name === 'sightline.first_chunk')?.timeMs);
      assert.ok(times.every((time, i) => time >= (times[i - 1] ?? 0) && time <= (client?.endMs ?? 0)));
    }
  });

  test('are none of a whole reply', async () => {
    await using stage = await startStage();
    await stage.chat({ model: 'sim-tokens-5' });
    const { spans } = await viewOf(stage, newestTrace(stage));
    assert.ok(spans.every((span) => !('chunks' in span)));
  });
});

describe('the trace of a session', () => {
  test('shows its turns, those that ended and those that run', async () => {
    await using stage = await startStage();
    const scene = new SessionScene(stage.service, { id: 'session' });
    scene.connect();
    const first = scene.turn();
    const firstAttempt = scene.attempt(first);
    for (let n = 0; n < 3; n += 1) firstAttempt.noteOutput(firstAttempt.startedAt + n);
    scene.endTurn(first);
    const second = scene.turn({ model: 'gpt-other' });
    const attempt = scene.attempt(second);
    attempt.noteOutput(attempt.startedAt + 5);
    const stops = [run(stage, scene.session), run(stage, second)];
    const traceId = scene.session.trace?.traceId;

    const running = await viewOf(stage, traceId);
    assert.equal(running.isRunning, true);
    const told = ({ name, kind, endMs, chunks }: TraceSpan) => [
      name,
      kind,
      endMs !== undefined,
      chunks?.count,
    ];
    assert.deepEqual(running.spans.map(told).sort(), [
      ['chat gpt-other', 'CLIENT', false, 1],
      ['chat gpt-realtime', 'CLIENT', true, 3],
      ['connect realtime', 'CLIENT', false, undefined],
      ['websocket /realtime/v1/realtime', 'SERVER', false, undefined],
    ]);
    assert.deepEqual(running.exchanges.map(({ id, kind, outcome }) => [id, kind, outcome]).sort(), [
      ['session', 'session', undefined],
      ['session.1', 'turn', 'completed'],
      ['session.2', 'turn', undefined],
    ]);
    const root = running.spans.find(({ kind }) => kind === 'SERVER');
    assert.equal(root?.attributes['sightline.session.turns'], 2);

    scene.endTurn(second);
    scene.end('completed');
    for (const stop of stops) stop();
    const ended = await viewOf(stage, traceId);
    const sorted = ({ spans }: TraceView) => idsOf(spans).map(String).sort();
    assert.deepEqual(sorted(ended), sorted(running));
    assert.ok(ended.spans.every(({ endMs }) => endMs !== undefined));
    assert.equal(ended.exchanges.length, 3);
  });
});

describe('a trace', () => {
  test('has an id: what is none is no list of all of them either', async () => {
    await using stage = await startStage({});
    for (const id of ['.', '..', '', '%2e', 'x', '__proto__', '%00'])
      assert.equal((await stage.json(`/api/traces/${id}`)).status, 404, id);
  });

  test('of many exchanges in flight shows those that began last', async () => {
    await using stage = await startStage({ config: { limits: { spansPerTraceMax: 3 } } });
    const scene = new SessionScene(stage.service, { id: 'session' });
    const turns = Array.from({ length: 5 }, () => scene.turn());
    const stops = [scene.session, ...turns].map((one) => run(stage, one));
    const { spans, droppedSpans, exchanges } = await viewOf(stage, scene.session.trace?.traceId);
    assert.deepEqual([spans.length, droppedSpans, exchanges.length], [3, 3, 6]);
    for (const stop of stops) stop();
  });

  test('that has made room for newer ones still has its exchanges', async () => {
    await using stage = await startStage({ config: { limits: { tracesMax: 1 } } });
    await stage.chat();
    const first = newestTrace(stage);
    await stage.chat();
    const { spans, exchanges, isRunning } = await viewOf(stage, first);
    assert.deepEqual([spans, isRunning, only(exchanges).id], [[], false, 'query-1']);
  });

  test('of an exchange that failed keeps its spans while good ones come and go', async () => {
    await using stage = await startStage({ config: { limits: { tracesMax: 1 } } });
    await stage.chat({ model: 'sim-truncate-2', stream: true }).catch(() => undefined);
    const failed = newestTrace(stage);
    for (let i = 0; i < 3; i += 1) await stage.chat();
    const { spans, exchanges } = await viewOf(stage, failed);
    assert.deepEqual([spans.length, only(exchanges).outcome], [2, 'upstream_truncated']);
    const { body } = await stage.json<{ traces: { traceId: string }[] }>('/api/traces');
    assert.deepEqual(
      body.traces.map(({ traceId }) => traceId),
      [newestTrace(stage), failed],
      'newest first',
    );
  });

  test('that is not sampled has its exchanges alone, also while it runs', async () => {
    await using stage = await startStage({ otel: { OTEL_TRACES_SAMPLER: 'always_off' } });
    const { request, head } = sendChat(stage.service, 'stalls', 'sim-stall-1');
    const traceId = traceIdOf(await head);
    const running = await viewOf(stage, traceId);
    assert.deepEqual([running.spans, running.isRunning, only(running.exchanges).id], [[], true, 'stalls']);
    request.destroy();
    await stage.service.inFlight.empty();
    const ended = await viewOf(stage, traceId);
    assert.deepEqual(
      [ended.spans, ended.isRunning, only(ended.exchanges).outcome],
      [[], false, 'client_aborted'],
    );
  });

  test('has what a plugin says in structures as text', async () => {
    await using stage = await startStage();
    const tracer = stage.service.telemetry.pluginTracer('structured');
    const span = tracer.startSpan('look up', {
      attributes: { list: ['a', 'b'], map: { a: [1, { b: '<b>' }] } },
    });
    span.end();
    const { spans } = await viewOf(stage, span.spanContext().traceId);
    assert.deepEqual(only(spans).attributes, { list: ['a', 'b'], map: '{"a":[1,{"b":"<b>"}]}' });
  });
});
