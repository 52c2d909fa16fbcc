import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { Exchange } from '../../../src/exchange/exchange.ts';
import type { Outcome } from '../../../src/exchange/outcome.ts';
import type { SessionClose } from '../../../src/exchange/session-facts.ts';
import type { ReceivedSpan } from '../../support/otlp-sink.ts';
import { Random } from '../../support/random.ts';
import { closedBy, SessionScene } from '../session-scene.ts';
import { only, type Stage, startStage } from '../stage.ts';

const clientTraceId = 'ab'.repeat(16);
const clientSpanId = 'cd'.repeat(8);
const traceparent = ['traceparent', `00-${clientTraceId}-${clientSpanId}-01`];

/** What the collector got of one exchange: its own span. */
async function spanOf({ sink }: Stage, { id }: Exchange): Promise<ReceivedSpan> {
  const isIt = (span: ReceivedSpan) => span.attributes['sightline.exchange.id'] === id;
  const spans = await sink.waitForSpans((all) => all.some(isIt));
  return only(spans.filter(isIt));
}

const childrenOf = ({ sink }: Stage, { spanId }: ReceivedSpan) =>
  sink.spans().filter((span) => span.parentSpanId === spanId);

const exceptions = ({ events }: ReceivedSpan) =>
  events.filter(({ name }) => name === 'exception').map(({ attributes }) => attributes['exception.type']);

/** Ms to a whole one: the collector has nanoseconds. */
const lastedMs = ({ startMs, endMs }: ReceivedSpan) => Math.round(endMs - startMs);

describe('a session', async () => {
  const stage = await startStage();
  after(() => stage[Symbol.asyncDispose]());

  test('is a SERVER span from its upgrade to its close, and a CLIENT span of its connection', async () => {
    const scene = new SessionScene(stage.service, { id: 'whole' });
    const headers = scene.connect();
    const { facts } = scene;
    facts.subprotocol = 'realtime';
    facts.refused = 1;
    facts.swallowed = 4;
    facts.turnsDropped = 2;
    scene.receive('client', 5, 7, 1_000);
    scene.receive('upstream', 40, 44, 20_000);
    const usage = { input: 100, output: 20, cacheRead: 30, cacheCreation: 4, reasoning: 5 };
    for (let i = 0; i < 2; i += 1) {
      const turn = scene.turn();
      scene.attempt(turn);
      scene.endTurn(turn, { usage });
    }
    scene.session.attributes.set('tenant', 'acme');
    scene.session.overheadMs = 3;
    scene.end('completed', closedBy('client', 1000, 'bye'));

    const server = await spanOf(stage, scene.session);
    assert.equal(server.name, 'websocket /realtime/v1/realtime');
    assert.equal(server.kind, 'SERVER');
    assert.equal(server.parentSpanId, undefined);
    assert.equal(lastedMs(server), 3_000);
    assert.equal(server.status.code, 'UNSET');
    assert.deepEqual(server.attributes, {
      'http.request.method': 'GET',
      'url.path': '/realtime/v1/realtime',
      'url.scheme': 'http',
      'http.route': '/realtime/v1/realtime',
      'network.protocol.name': 'websocket',
      'sightline.session.id': 'whole',
      'sightline.exchange.id': 'whole',
      'sightline.upstream': 'realtime',
      'sightline.dialect': 'openai.chat',
      'sightline.session.protocol': 'openai.realtime',
      'sightline.tag.tenant': 'acme',
      'http.response.status_code': 101,
      'sightline.session.subprotocol': 'realtime',
      'sightline.session.turns': 2,
      'sightline.session.turns_dropped': 2,
      'sightline.session.refused_messages': 1,
      'sightline.session.swallowed_messages': 4,
      'sightline.session.client.messages': 5,
      'sightline.session.client.frames': 7,
      'sightline.session.client.bytes': 1_000,
      'sightline.session.upstream.messages': 40,
      'sightline.session.upstream.frames': 44,
      'sightline.session.upstream.bytes': 20_000,
      'sightline.session.usage.input_tokens': 200,
      'sightline.session.usage.output_tokens': 40,
      'sightline.session.usage.cache_read.input_tokens': 60,
      'sightline.session.usage.cache_creation.input_tokens': 8,
      'sightline.session.usage.reasoning.output_tokens': 10,
      'sightline.session.close.code': 1000,
      'sightline.session.close.reason': 'bye',
      'sightline.session.close.by': 'client',
      'sightline.overhead': 0.003,
      'sightline.outcome': 'completed',
    });
    const connection = only(childrenOf(stage, server).filter(({ name }) => name === 'connect realtime'));
    assert.equal(connection.kind, 'CLIENT');
    assert.deepEqual(connection.attributes, {
      'network.protocol.name': 'websocket',
      'sightline.session.id': 'whole',
      'server.address': 'api.example',
      'server.port': 443,
      'http.request.method': 'GET',
      'sightline.upstream': 'realtime',
      'sightline.dialect': 'openai.chat',
      'sightline.attempt': 1,
      'http.response.status_code': 101,
      'sightline.outcome': 'completed',
    });
    assert.deepEqual(headers, ['traceparent', `00-${server.traceId}-${connection.spanId}-01`]);
    assert.deepEqual([server.events, connection.events], [[], []]);
  });

  test('that was refused says by what, and nothing of messages', async () => {
    const scene = new SessionScene(stage.service, { id: 'refused', upstream: undefined });
    scene.session.status = 404;
    scene.end('blocked', undefined, new SightlineError('route_unknown'));
    const server = await spanOf(stage, scene.session);
    assert.deepEqual(childrenOf(stage, server), []);
    assert.equal(server.status.code, 'UNSET');
    assert.deepEqual(exceptions(server), ['route_unknown']);
    const { attributes } = server;
    assert.deepEqual(
      [attributes['http.response.status_code'], attributes['sightline.outcome']],
      [404, 'blocked'],
    );
    const ofSession = Object.keys(attributes).filter((key) => key.startsWith('sightline.session.'));
    assert.deepEqual(ofSession, ['sightline.session.id', 'sightline.session.protocol']);
  });

  const fine = ['UNSET', undefined] as const;
  const failed = (type: string) => ['ERROR', type] as const;
  interface Ending {
    readonly outcome: Outcome;
    readonly status?: number | undefined;
    readonly close?: SessionClose;
    readonly error?: SightlineError;
    readonly server: readonly [code: string, type: string | undefined];
    readonly client: readonly [code: string, type: string | undefined];
  }
  const endings: Record<string, Ending> = {
    'the client leaves without a word': {
      outcome: 'client_aborted',
      close: closedBy('client', 1006),
      error: new SightlineError('client_aborted'),
      server: fine,
      client: fine,
    },
    'the upstream breaks off': {
      outcome: 'upstream_truncated',
      close: closedBy('upstream', 1006),
      error: new SightlineError('upstream_truncated'),
      server: failed('upstream_truncated'),
      client: failed('upstream_truncated'),
    },
    'the upstream closes for a fault of its own': {
      outcome: 'upstream_error',
      close: closedBy('upstream', 1011),
      error: new SightlineError('upstream_close_code'),
      server: failed('upstream_close_code'),
      client: failed('upstream_close_code'),
    },
    'the upstream closes for a fault of the client': {
      outcome: 'upstream_error',
      close: closedBy('upstream', 1008),
      error: new SightlineError('upstream_close_code'),
      server: fine,
      client: failed('upstream_close_code'),
    },
    'the upstream closes with a code of its own': {
      outcome: 'upstream_error',
      close: closedBy('upstream', 4001),
      error: new SightlineError('upstream_close_code'),
      server: fine,
      client: failed('upstream_close_code'),
    },
    'the upstream breaks the protocol': {
      outcome: 'upstream_error',
      close: closedBy('sightline', 1002),
      error: new SightlineError('upstream_bad_frame'),
      server: failed('upstream_bad_frame'),
      client: failed('upstream_bad_frame'),
    },
    'the upstream refuses the upgrade': {
      outcome: 'upstream_error',
      status: 401,
      server: fine,
      client: failed('401'),
    },
    'the upstream cannot take the upgrade': {
      outcome: 'upstream_error',
      status: 503,
      server: failed('503'),
      client: failed('503'),
    },
    'no answer comes to the upgrade': {
      outcome: 'upstream_unreachable',
      status: undefined,
      error: new SightlineError('upstream_unreachable'),
      server: failed('upstream_unreachable'),
      client: failed('upstream_unreachable'),
    },
    'Sightline stops': {
      outcome: 'failed',
      close: closedBy('sightline', 1012),
      error: new SightlineError('stopping'),
      server: failed('stopping'),
      client: failed('stopping'),
    },
  };
  for (const [name, { outcome, close, error, ...ending }] of Object.entries(endings)) {
    test(`has its status: ${name}`, async () => {
      const scene = new SessionScene(stage.service, { id: name });
      scene.connect('status' in ending ? { status: ending.status } : undefined);
      scene.end(outcome, close, error);
      const server = await spanOf(stage, scene.session);
      const client = only(childrenOf(stage, server));
      const told = ({ status, attributes }: ReceivedSpan) => [status.code, attributes['error.type']];
      assert.deepEqual([told(server), told(client)], [ending.server, ending.client]);
      assert.equal(server.attributes['sightline.session.close.code'], close?.code);
      assert.deepEqual(exceptions(server), error && outcome !== 'client_aborted' ? [error.code] : []);
    });
  }

  test('that never had an answer has a connection without status', async () => {
    const scene = new SessionScene(stage.service, { id: 'unanswered' });
    scene.connect({ status: undefined });
    scene.session.status = 504;
    scene.end('timed_out', undefined, new SightlineError('upstream_timeout'));
    const server = await spanOf(stage, scene.session);
    assert.equal(server.attributes['http.response.status_code'], 504);
    const connection = only(childrenOf(stage, server));
    assert.ok(!('http.response.status_code' in connection.attributes));
    assert.equal(connection.status.message, 'upstream_timeout');
  });
});

describe('a turn', async () => {
  const stage = await startStage({ config: { telemetry: { spanThresholdMs: 0 } } });
  after(() => stage[Symbol.asyncDispose]());

  test('is one CLIENT span below its session, with all that an attempt has', async () => {
    const scene = new SessionScene(stage.service, { id: 'turns' });
    scene.connect();
    const turn = scene.turn();
    const attempt = scene.attempt(turn);
    assert.deepEqual(scene.headers, [], 'frames have no headers');
    turn.attributes.set('tenant', 'acme');
    turn.overheadMs = 2;
    turn.query = { model: 'gpt-realtime', stream: true, temperature: 0.5, maxTokens: 50 };
    Object.assign(attempt.reply, { id: 'resp_1', model: 'gpt-realtime-2025', finishReasons: ['stop'] });
    for (const at of [20, 30, 50]) attempt.noteOutput(attempt.startedAt + at);
    scene.endTurn(turn, { usage: { input: 7, output: 3 } });
    scene.end('completed', closedBy('client'));

    const span = await spanOf(stage, turn);
    const session = await spanOf(stage, scene.session);
    assert.equal(span.name, 'chat gpt-realtime');
    assert.equal(span.kind, 'CLIENT');
    assert.deepEqual([span.traceId, span.parentSpanId], [session.traceId, session.spanId]);
    assert.deepEqual(turn.trace, { traceId: span.traceId, spanId: span.spanId, flags: 1 });
    assert.equal(lastedMs(span), 100);
    assert.deepEqual(span.links, []);
    assert.deepEqual(childrenOf(stage, span), [], 'no span of an attempt');
    assert.deepEqual(span.attributes, {
      'gen_ai.operation.name': 'chat',
      'network.protocol.name': 'websocket',
      'sightline.session.id': 'turns',
      'sightline.session.turn': 1,
      'sightline.exchange.id': 'turns.1',
      'sightline.upstream': 'realtime',
      'sightline.dialect': 'openai.chat',
      'sightline.tag.tenant': 'acme',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-realtime',
      'gen_ai.request.stream': true,
      'gen_ai.request.max_tokens': 50,
      'gen_ai.request.temperature': 0.5,
      'server.address': 'api.example',
      'server.port': 443,
      'gen_ai.response.id': 'resp_1',
      'gen_ai.response.model': 'gpt-realtime-2025',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.time_to_first_chunk': 0.02,
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 3,
      'sightline.output.chunks': 3,
      'sightline.overhead': 0.002,
      'sightline.outcome': 'completed',
    });
    const event = only(span.events);
    assert.equal(event.name, 'sightline.first_chunk');
    assert.equal(span.status.code, 'UNSET');
  });

  test('is named by the model that became known in its course', async () => {
    const scene = new SessionScene(stage.service, { id: 'late' });
    scene.connect();
    const turn = scene.turn({ model: 'asked' });
    turn.query = { model: 'changed', stream: true };
    scene.attempt(turn);
    scene.endTurn(turn);
    assert.equal((await spanOf(stage, turn)).name, 'chat changed');
  });

  test('that a middleware refused has no attempt, and is no error of the upstream', async () => {
    const scene = new SessionScene(stage.service, { id: 'blocked' });
    scene.connect();
    const turn = scene.turn();
    const error = new SightlineError('blocked');
    turn.noteRun({
      middleware: 'gate',
      owner: undefined,
      phase: 'before_query',
      startedAt: turn.clock.startedAt,
      durationMs: 1,
      calls: 1,
      isUnderWay: false,
      error,
    });
    scene.endTurn(turn, { outcome: 'blocked', error });
    const span = await spanOf(stage, turn);
    assert.equal(span.status.code, 'UNSET');
    assert.deepEqual(exceptions(span), ['blocked']);
    assert.equal(span.attributes['sightline.outcome'], 'blocked');
    assert.ok(!('server.address' in span.attributes));
    const run = only(childrenOf(stage, span));
    assert.deepEqual([run.kind, run.name], ['INTERNAL', 'middleware gate before_query']);
  });

  const endings: Record<string, [Outcome, SightlineError | undefined, string | undefined, string?]> = {
    'the upstream fails it': ['upstream_error', undefined, 'server_error', 'server_error'],
    'the session breaks off': [
      'upstream_truncated',
      new SightlineError('upstream_truncated'),
      'upstream_truncated',
    ],
    'the client cancels it': ['client_aborted', undefined, undefined],
    'the client has gone': ['client_aborted', new SightlineError('client_aborted'), undefined],
    'a middleware fails': ['failed', new SightlineError('middleware_failed'), 'middleware_failed'],
  };
  for (const [name, [outcome, error, type, replyError]] of Object.entries(endings)) {
    test(`has its status: ${name}`, async () => {
      const scene = new SessionScene(stage.service, { id: name });
      scene.connect();
      const turn = scene.turn();
      const attempt = scene.attempt(turn);
      if (replyError !== undefined) attempt.reply.error = replyError;
      scene.endTurn(turn, { outcome, ...(error && { error }) });
      const span = await spanOf(stage, turn);
      assert.equal(span.attributes['error.type'], type);
      assert.deepEqual(span.status, { code: type === undefined ? 'UNSET' : 'ERROR', message: type ?? '' });
      assert.deepEqual(exceptions(span), error && type !== undefined ? [error.code] : []);
    });
  }

  test('may end after its session', async () => {
    const scene = new SessionScene(stage.service, { id: 'before' });
    scene.connect();
    const turn = scene.turn();
    scene.attempt(turn);
    scene.end('completed', closedBy('client'));
    scene.endTurn(turn);
    const session = await spanOf(stage, scene.session);
    assert.equal((await spanOf(stage, turn)).parentSpanId, session.spanId);
  });
});

test('the turns of a session add up to what its span says', async () => {
  await using stage = await startStage();
  const random = new Random(7);
  const kinds = ['input', 'output', 'cacheRead', 'cacheCreation', 'reasoning'] as const;
  const names = [
    'input_tokens',
    'output_tokens',
    'cache_read.input_tokens',
    'cache_creation.input_tokens',
    'reasoning.output_tokens',
  ];
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  for (let round = 0; round < 20; round += 1) {
    const scene = new SessionScene(stage.service, { id: `sum-${round}` });
    scene.connect();
    const count = random.integer(0, 12);
    const turns: Exchange[] = [];
    for (let i = 0; i < count; i += 1) {
      const turn = scene.turn();
      turns.push(turn);
      if (random.chance(0.8)) scene.attempt(turn);
    }
    for (const turn of turns) {
      const told = kinds.filter(() => random.chance(0.7)).map((kind) => [kind, random.integer(0, 500)]);
      const outcome = random.pick(['completed', 'client_aborted', 'upstream_error'] as const);
      scene.endTurn(turn, { outcome, usage: turn.attempt ? Object.fromEntries(told) : {} });
    }
    scene.end('completed', closedBy('client'));
    const { attributes } = await spanOf(stage, scene.session);
    const spans = await Promise.all(turns.map((turn) => spanOf(stage, turn)));
    for (const name of names) {
      const sum = spans.reduce((all, span) => all + number(span.attributes[`gen_ai.usage.${name}`]), 0);
      assert.equal(number(attributes[`sightline.session.usage.${name}`]), sum, `${name} in round ${round}`);
    }
    assert.equal(attributes['sightline.session.turns'], spans.length);
    assert.ok(!Object.keys(attributes).some((key) => key.startsWith('gen_ai.')), 'no token counts twice');
  }
});

describe('the trace of what belongs to a session', () => {
  const begin = {
    turn(scene: SessionScene, headers: readonly string[]) {
      const turn = scene.turn({ headers });
      scene.attempt(turn);
      scene.endTurn(turn);
      return turn;
    },
    query(scene: SessionScene, headers: readonly string[]) {
      const query = scene.query(headers);
      scene.attemptQuery(query);
      scene.endQuery(query);
      return query;
    },
  };

  for (const kind of ['turn', 'query'] as const) {
    const run = async (clientTrace: string, headers: readonly string[]) => {
      await using stage = await startStage({ config: { telemetry: { clientTrace } } });
      const scene = new SessionScene(stage.service, {
        protocol: kind === 'turn' ? 'openai.realtime' : 'stream',
      });
      scene.connect();
      const span = await spanOf(stage, begin[kind](scene, headers));
      scene.end('completed', closedBy('client'));
      return { span, session: await spanOf(stage, scene.session) };
    };

    for (const clientTrace of ['parent', 'link', 'ignore']) {
      test(`a ${kind} stands below the session (${clientTrace})`, async () => {
        const { span, session } = await run(clientTrace, []);
        assert.deepEqual([span.traceId, span.parentSpanId], [session.traceId, session.spanId]);
        assert.deepEqual(span.links, []);
      });
    }

    test(`a ${kind} stands below the client's span, linked to the session`, async () => {
      const { span, session } = await run('parent', [...traceparent, 'tracestate', 'one=1']);
      assert.deepEqual([span.traceId, span.parentSpanId], [clientTraceId, clientSpanId]);
      assert.equal(span.traceState, 'one=1');
      const { traceId, spanId } = session;
      assert.deepEqual(span.links, [{ traceId, spanId, attributes: {} }]);
    });

    test(`a ${kind} is linked to the client's span, below the session`, async () => {
      const { span, session } = await run('link', traceparent);
      assert.deepEqual([span.traceId, span.parentSpanId], [session.traceId, session.spanId]);
      assert.deepEqual(span.links, [{ traceId: clientTraceId, spanId: clientSpanId, attributes: {} }]);
    });

    test(`a ${kind} has nothing of the client's span`, async () => {
      const { span, session } = await run('ignore', traceparent);
      assert.deepEqual([span.traceId, span.parentSpanId], [session.traceId, session.spanId]);
      assert.deepEqual(span.links, []);
    });

    test(`a ${kind} with a context that makes no sense stands below the session`, async () => {
      const { span, session } = await run('parent', ['traceparent', '00-0-0-01']);
      assert.equal(span.parentSpanId, session.spanId);
      assert.deepEqual(span.links, []);
    });
  }

  test("a session stands below the client's span, as a request does", async () => {
    await using stage = await startStage();
    const scene = new SessionScene(stage.service, { headers: traceparent });
    scene.connect();
    const turn = begin.turn(scene, []);
    scene.end('completed', closedBy('client'));
    const session = await spanOf(stage, scene.session);
    assert.deepEqual([session.traceId, session.parentSpanId], [clientTraceId, clientSpanId]);
    assert.equal((await spanOf(stage, turn)).parentSpanId, session.spanId);
  });
});

describe('a query of the stream protocol', async () => {
  const stage = await startStage();
  after(() => stage[Symbol.asyncDispose]());

  test('is a request that came over a WebSocket', async () => {
    const scene = new SessionScene(stage.service, { id: 'stream', protocol: 'stream', upstream: undefined });
    scene.session.status = 101;
    const query = scene.query();
    query.query = { model: 'gpt-4o', stream: true };
    scene.attemptQuery(query);
    scene.endQuery(query);
    scene.end('completed', closedBy('client'));
    const server = await spanOf(stage, query);
    assert.deepEqual([server.kind, server.name], ['SERVER', 'POST /v1/chat/completions']);
    assert.equal(server.attributes['network.protocol.name'], 'websocket');
    assert.ok(!('network.protocol.version' in server.attributes));
    assert.equal(server.attributes['sightline.session.id'], 'stream');
    const client = only(childrenOf(stage, server));
    assert.equal(client.name, 'chat gpt-4o');
    assert.deepEqual(scene.headers, ['traceparent', `00-${client.traceId}-${client.spanId}-01`]);
    assert.equal((await spanOf(stage, scene.session)).name, 'websocket /stream');
  });

  test('shows the tries to connect that it waited for', async () => {
    const scene = new SessionScene(stage.service, { id: 'tries', protocol: 'stream' });
    const query = scene.query();
    const attempt = scene.attemptQuery(query);
    const error = new SightlineError('upstream_unreachable');
    const { startedAt } = attempt;
    attempt.connectTries.push({ number: 1, at: startedAt + 5, error, nextInMs: 250 });
    attempt.connectTries.push({ number: 2, at: startedAt + 260, error: undefined, nextInMs: undefined });
    scene.endQuery(query);
    const client = only(childrenOf(stage, await spanOf(stage, query)));
    const events = client.events.map(({ name, timeMs, attributes }) => ({
      name,
      atMs: Math.round(timeMs - client.startMs),
      attributes,
    }));
    assert.deepEqual(events, [
      {
        name: 'sightline.connect',
        atMs: 5,
        attributes: {
          'sightline.connect.number': 1,
          'error.type': 'upstream_unreachable',
          'sightline.connect.next_delay': 0.25,
        },
      },
      { name: 'sightline.connect', atMs: 260, attributes: { 'sightline.connect.number': 2 } },
    ]);
  });
});

describe('what a peer says of itself', async () => {
  const stage = await startStage();
  after(() => stage[Symbol.asyncDispose]());

  test('reaches no span where it looks like a key', async () => {
    const key = 'openai-insecure-api-key.sk-proj-SECRET-0123456789';
    const scene = new SessionScene(stage.service, {
      id: 'secret',
      headers: ['sec-websocket-protocol', `realtime, ${key}`, 'authorization', 'Bearer SECRET-token'],
    });
    scene.connect();
    scene.facts.subprotocol = key;
    scene.end(
      'upstream_error',
      closedBy('upstream', 3000, 'Incorrect API key provided: sk-SECRET-12345678.'),
    );
    const { attributes } = await spanOf(stage, scene.session);
    assert.equal(attributes['sightline.session.subprotocol'], 'REDACTED');
    assert.equal(attributes['sightline.session.close.reason'], 'Incorrect API key provided: REDACTED.');
    assert.doesNotMatch(JSON.stringify(stage.sink.spans()), /SECRET/);
  });
});

test('there is no trace where tracing is off', async () => {
  await using stage = await startStage({ otel: { OTEL_SDK_DISABLED: 'true' } });
  const scene = new SessionScene(stage.service);
  scene.connect();
  const turn = scene.turn();
  scene.attempt(turn);
  scene.endTurn(turn);
  scene.end('completed', closedBy('client'));
  assert.deepEqual([scene.session.trace, turn.trace], [undefined, undefined]);
});
