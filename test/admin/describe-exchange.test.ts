import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeExchange } from '../../src/admin/describe-exchange.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { SessionScene } from '../telemetry/session-scene.ts';
import { type Stage, startStage } from '../telemetry/stage.ts';

/** As it is in JSON, without what depends on the clock. */
function told({ service }: Stage, exchange: Exchange): Record<string, unknown> {
  const row = service.telemetry.recent.running(exchange);
  const { startedAt, durationMs, traceId, spanId, ...rest } = describeExchange(row);
  assert.ok(Date.parse(startedAt) <= Date.now() && durationMs >= 0);
  assert.match(`${traceId} ${spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
  return JSON.parse(JSON.stringify(rest));
}

test('a session is shown with what has happened on it, and its turns with their number', async () => {
  await using stage = await startStage();
  const scene = new SessionScene(stage.service, { id: 'session' });
  scene.connect();
  scene.endTurn(scene.turn(), { outcome: 'blocked' });
  const turn = scene.turn();
  scene.attempt(turn);
  scene.receive('client', 3, 4, 500);
  scene.receive('upstream', 30, 30, 9_000);
  scene.facts.subprotocol = 'SECRET';

  const common = {
    sessionId: 'session',
    method: 'GET',
    path: '/realtime/v1/realtime',
    upstream: 'realtime',
    dialect: 'openai.chat',
    isSampled: true,
    replyBytes: 0,
    outputChunks: 0,
  };
  assert.deepEqual(told(stage, scene.session), {
    ...common,
    id: 'session',
    kind: 'session',
    isStream: false,
    attempts: 1,
    status: 101,
    session: {
      protocol: 'openai.realtime',
      turns: 2,
      outcomes: { blocked: 1 },
      messages: { client: 3, upstream: 30 },
      bytes: { client: 500, upstream: 9_000 },
    },
  });
  assert.deepEqual(told(stage, turn), {
    ...common,
    id: 'session.2',
    kind: 'turn',
    turn: 2,
    model: 'gpt-realtime',
    isStream: true,
    attempts: 1,
    status: 200,
  });
});

test('a query of the stream protocol is shown with its session', async () => {
  await using stage = await startStage();
  const scene = new SessionScene(stage.service, { id: 'session', protocol: 'stream' });
  const { kind, sessionId, ...rest } = told(stage, scene.query());
  assert.deepEqual([kind, sessionId], ['request', 'session']);
  assert.ok(!('session' in rest) && !('turn' in rest));
});
