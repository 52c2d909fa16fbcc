import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { ConnectTry } from '../../../src/exchange/attempt.ts';
import type { Owner } from '../../../src/exchange/owner.ts';
import { PluginRecorder } from '../../../src/telemetry/plugin-recorder.ts';
import { Random } from '../../support/random.ts';
import { type Page, samplesOf, total } from '../prometheus-text.ts';
import { closedBy, SessionScene } from '../session-scene.ts';
import { startStage } from '../stage.ts';

const duration = 'sightline_session_duration_seconds';
const active = 'sightline_session_active';
const messages = 'sightline_session_messages_total';
const bytes = 'sightline_session_bytes_total';
const refused = 'sightline_session_refused_messages_total';
const outcomes = 'sightline_exchange_outcomes_total';
const operation = 'gen_ai_client_operation_duration_seconds';
const connects = 'sightline_upstream_connects_total';
const handled = 'sightline_message_handled_total';

/** The samples of a metric, as one reads them on the page. */
const shown = (page: Page, name: string) =>
  samplesOf(page)
    .filter((sample) => sample.name === name)
    .map(({ labels, value }) => ({ ...labels, value }));

const realtime = { sightline_session_protocol: 'openai.realtime', sightline_upstream: 'realtime' };

describe('a session', () => {
  test('is measured by protocol, upstream and outcome, and is no request', async () => {
    await using stage = await startStage();
    const scene = new SessionScene(stage.service);
    scene.connect();
    assert.deepEqual(shown(await stage.page(), active), [{ ...realtime, value: 1 }]);
    scene.session.labels.set('tenant', 'acme');
    scene.end('upstream_truncated', closedBy('upstream', 1006), undefined, 90_000);
    const page = await stage.page();
    const labels = { ...realtime, sightline_outcome: 'upstream_truncated', sightline_tag_tenant: 'acme' };
    assert.deepEqual(shown(page, `${duration}_sum`), [{ ...labels, value: 90 }]);
    assert.equal(total(page, `${duration}_bucket`, { le: '60.0' }), 0);
    assert.equal(total(page, `${duration}_bucket`, { le: '300.0' }), 1);
    assert.deepEqual(shown(page, active), [{ ...realtime, value: 0 }]);
    for (const name of [outcomes, `${operation}_count`, 'sightline_overhead_duration_seconds_count'])
      assert.equal(total(page, name), 0, name);
    assert.ok(![...page.keys()].some((name) => name.startsWith('http_server_')));
  });

  test('that was refused is counted, and has no duration', async () => {
    await using stage = await startStage();
    const scene = new SessionScene(stage.service, { protocol: 'unknown', upstream: undefined });
    scene.session.status = 404;
    scene.end('blocked', undefined, new SightlineError('route_unknown'), 100);
    const page = await stage.page();
    const labels = { sightline_session_protocol: 'unknown', sightline_outcome: 'blocked' };
    assert.deepEqual(shown(page, 'sightline_session_refused_total'), [{ ...labels, value: 1 }]);
    assert.equal(total(page, `${duration}_count`), 0);
    assert.equal(total(page, active), 0);
  });

  test('counts turns that nobody told apart as telemetry that was lost', async () => {
    await using stage = await startStage();
    const scene = new SessionScene(stage.service);
    scene.facts.turnsDropped = 3;
    scene.end('completed', closedBy('client'));
    const lost = { sightline_signal: 'turns', sightline_reason: 'bound' };
    assert.equal(total(await stage.page(), 'sightline_telemetry_dropped_total', lost), 3);
  });

  test('makes no series of what its client invents', async () => {
    await using stage = await startStage();
    for (let i = 0; i < 50; i += 1) {
      const offered = ['sec-websocket-protocol', `invented-${i}`];
      const scene = new SessionScene(stage.service, { headers: offered, id: `session-${i}` });
      scene.connect();
      scene.facts.subprotocol = `invented-${i}`;
      scene.receive('client', 1, 1, 10);
      scene.end('completed', closedBy('client', 3_000 + i, `reason-${i}`));
    }
    const page = await stage.page();
    assert.equal(shown(page, `${duration}_count`).length, 1);
    assert.deepEqual(shown(page, messages), [
      { ...realtime, sightline_direction: 'client', value: 50 },
      { ...realtime, sightline_direction: 'upstream', value: 0 },
    ]);
    assert.doesNotMatch(JSON.stringify(samplesOf(page)), /invented|reason-/);
  });
});

describe('messages and bytes', () => {
  test('are told while their session runs, and once', async () => {
    await using stage = await startStage();
    const scene = new SessionScene(stage.service);
    scene.connect();
    const seat = stage.service.inFlight.add({ exchange: scene.session, fail: () => undefined });
    scene.receive('client', 2, 3, 100);
    scene.receive('upstream', 20, 30, 5_000);
    scene.facts.refused = 1;
    const early = await stage.page();
    assert.deepEqual(shown(early, messages), [
      { ...realtime, sightline_direction: 'client', value: 2 },
      { ...realtime, sightline_direction: 'upstream', value: 20 },
    ]);
    assert.deepEqual(shown(early, bytes), [
      { ...realtime, sightline_direction: 'client', value: 100 },
      { ...realtime, sightline_direction: 'upstream', value: 5_000 },
    ]);
    assert.deepEqual(shown(early, refused), [{ ...realtime, value: 1 }]);

    scene.receive('client', 1, 1, 11);
    scene.end('completed', closedBy('client'));
    // It has ended, and has not left its seat: also then it counts once.
    const late = await stage.page();
    stage.service.inFlight.delete(seat);
    for (const page of [late, await stage.page()]) {
      assert.equal(total(page, messages, { sightline_direction: 'client' }), 3);
      assert.equal(total(page, bytes, { sightline_direction: 'client' }), 111);
      assert.equal(total(page, bytes, { sightline_direction: 'upstream' }), 5_000);
      assert.equal(total(page, refused), 1);
    }
  });

  test('of all sessions never go down, and add up', async () => {
    await using stage = await startStage();
    const random = new Random(11);
    const open: { scene: SessionScene; seat: number }[] = [];
    const sent = { client: 0, upstream: 0 };
    let last = 0;
    for (let i = 0; i < 200; i += 1) {
      if (random.chance(0.3)) {
        const protocol = random.pick(['openai.realtime', 'stream', 'unknown']);
        const scene = new SessionScene(stage.service, { id: `session-${i}`, protocol });
        scene.connect();
        const seat = stage.service.inFlight.add({ exchange: scene.session, fail: () => undefined });
        open.push({ scene, seat });
      }
      const one = open[random.integer(0, open.length - 1)];
      if (!one) continue;
      const from = random.pick(['client', 'upstream'] as const);
      const count = random.integer(0, 9);
      one.scene.receive(from, count, count, count * 10);
      sent[from] += count;
      if (random.chance(0.2)) {
        open.splice(open.indexOf(one), 1);
        one.scene.end('completed', closedBy('upstream'));
        stage.service.inFlight.delete(one.seat);
      }
      if (i % 10 === 0) {
        const now = total(await stage.page(), messages);
        assert.ok(now >= last);
        last = now;
      }
    }
    const page = await stage.page();
    for (const from of ['client', 'upstream'] as const) {
      assert.equal(total(page, messages, { sightline_direction: from }), sent[from]);
      assert.equal(total(page, bytes, { sightline_direction: from }), sent[from] * 10);
    }
    assert.equal(total(page, active), open.length);
    for (const { scene, seat } of open) {
      scene.end('completed', closedBy('client'));
      stage.service.inFlight.delete(seat);
    }
  });
});

test('a turn is measured as an attempt is, and is no request over HTTP', async () => {
  await using stage = await startStage();
  const scene = new SessionScene(stage.service);
  scene.connect();
  const turn = scene.turn();
  const attempt = scene.attempt(turn);
  attempt.reply.model = 'gpt-realtime';
  turn.labels.set('tenant', 'acme');
  turn.overheadMs = 2;
  for (const at of [20, 30, 50]) attempt.noteOutput(attempt.startedAt + at);
  scene.endTurn(turn, { usage: { input: 7, output: 3 } });
  scene.endTurn(scene.turn(), { outcome: 'blocked', error: new SightlineError('blocked') });
  scene.end('completed', closedBy('client'));
  const page = await stage.page();
  const asked = {
    gen_ai_operation_name: 'chat',
    gen_ai_provider_name: 'openai',
    gen_ai_request_model: 'gpt-realtime',
    sightline_upstream: 'realtime',
    sightline_tag_tenant: 'acme',
  };
  const answered = { ...asked, gen_ai_response_model: 'gpt-realtime' };
  const address = { server_address: 'api.example', server_port: '443' };
  assert.deepEqual(shown(page, `${operation}_count`), [
    { ...answered, ...address, sightline_outcome: 'completed', value: 1 },
  ]);
  assert.deepEqual(shown(page, 'gen_ai_client_token_usage_sum'), [
    { ...answered, gen_ai_token_type: 'input', value: 7 },
    { ...answered, gen_ai_token_type: 'output', value: 3 },
  ]);
  const toFirst = shown(page, 'gen_ai_client_operation_time_to_first_chunk_seconds_sum');
  // The difference of two times of the clock.
  assert.deepEqual(
    toFirst.map((series) => ({ ...series, value: Math.round(series.value * 1e6) / 1e6 })),
    [{ ...asked, value: 0.02 }],
  );
  assert.deepEqual(shown(page, 'gen_ai_client_operation_time_per_output_chunk_seconds_count'), [
    { ...asked, value: 2 },
  ]);
  // Those of upstreams that got nothing are told too.
  const ended = shown(page, outcomes).filter(({ value }) => value > 0);
  assert.deepEqual(ended, [
    { sightline_upstream: 'realtime', sightline_outcome: 'completed', value: 1 },
    { sightline_upstream: 'realtime', sightline_outcome: 'blocked', value: 1 },
  ]);
  assert.equal(total(page, 'sightline_overhead_duration_seconds_sum'), 0.002);
  assert.ok(![...page.keys()].some((name) => name.startsWith('http_server_')));
});

test('a query of the stream protocol is a request with a label of its own', async () => {
  await using stage = await startStage();
  const scene = new SessionScene(stage.service, { protocol: 'stream', upstream: undefined });
  const query = scene.query();
  const websocket = { network_protocol_name: 'websocket' };
  assert.equal(total(await stage.page(), 'http_server_active_requests', websocket), 1);
  scene.attemptQuery(query);
  scene.endQuery(query);
  await stage.chat();
  const page = await stage.page();
  assert.equal(total(page, 'http_server_active_requests'), 0);
  const count = 'http_server_request_duration_seconds_count';
  assert.deepEqual([total(page, count), total(page, count, websocket)], [2, 1]);
  assert.equal(total(page, outcomes), 2);
  assert.equal(total(page, `${operation}_count`), 2);
  scene.end('completed', closedBy('client'));
});

test('a try to connect counts once, however many waited for it', async () => {
  await using stage = await startStage();
  const scene = new SessionScene(stage.service, { protocol: 'stream', upstream: undefined });
  const error = new SightlineError('upstream_unreachable');
  const shared: ConnectTry[] = [
    { number: 1, at: 0, error, nextInMs: 250 },
    { number: 2, at: 0, error, nextInMs: 500 },
    { number: 3, at: 0, error: undefined, nextInMs: undefined },
  ];
  for (const seen of [shared, shared.slice(1), shared.slice(2), []]) {
    const query = scene.query();
    scene.attemptQuery(query).connectTries.push(...seen);
    scene.endQuery(query);
  }
  assert.deepEqual(shown(await stage.page(), connects), [
    {
      sightline_upstream: 'realtime',
      sightline_result: 'failed',
      error_type: 'upstream_unreachable',
      value: 2,
    },
    { sightline_upstream: 'realtime', sightline_result: 'connected', value: 1 },
  ]);
  scene.end('completed', closedBy('client'));
});

describe('messages of registered types', () => {
  const tenant: Owner = { name: 'tenant', version: '1.2.0', frames: () => '' };
  const plain = { type: 'tool.call', owner: undefined, durationMs: 2, error: undefined };

  test('are counted by what became of them; those of plugins with their time', async () => {
    await using stage = await startStage();
    const recorder = new PluginRecorder(stage.service.telemetry);
    recorder.messageHandled({ ...plain, result: 'passed' });
    recorder.messageHandled({ ...plain, owner: tenant, result: 'changed' });
    recorder.messageHandled({
      ...plain,
      owner: tenant,
      result: 'refused',
      error: new SightlineError('message_invalid'),
    });
    const page = await stage.page();
    const type = { sightline_message_type: 'tool.call' };
    assert.deepEqual(shown(page, handled), [
      { ...type, sightline_result: 'passed', value: 1 },
      { ...type, sightline_result: 'changed', value: 1 },
      { ...type, sightline_result: 'refused', error_type: 'message_invalid', value: 1 },
    ]);
    const times = 'sightline_plugin_duration_seconds';
    const labels = {
      sightline_plugin: 'tenant',
      sightline_plugin_version: '1.2.0',
      sightline_plugin_kind: 'message',
      sightline_plugin_point: 'tool.call',
    };
    assert.equal(total(page, `${times}_count`), 2, 'none of types without a plugin');
    assert.equal(total(page, `${times}_sum`, labels), 0.004);
    assert.equal(total(page, `${times}_count`, { ...labels, error_type: 'message_invalid' }), 1);
  });

  test('have so many types, and then another one for all the rest', async () => {
    await using stage = await startStage({ config: { limits: { labelValuesMax: 2 } } });
    const recorder = new PluginRecorder(stage.service.telemetry);
    for (const type of ['a', 'b', 'c', 'd', 'a'])
      recorder.messageHandled({ ...plain, type, owner: tenant, result: 'dropped' });
    const page = await stage.page();
    assert.deepEqual(shown(page, handled), [
      { sightline_message_type: 'a', sightline_result: 'dropped', value: 2 },
      { sightline_message_type: 'b', sightline_result: 'dropped', value: 1 },
      { sightline_message_type: 'other', sightline_result: 'dropped', value: 2 },
    ]);
    const points = samplesOf(page).flatMap(({ labels }) => labels.sightline_plugin_point ?? []);
    assert.deepEqual(new Set(points), new Set(['a', 'b', 'other']));
  });
});
