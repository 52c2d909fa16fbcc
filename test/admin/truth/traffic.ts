import {
  planSession,
  playSession,
  type SessionPlan,
  waits as waitsInTurn,
} from '../../session/truth/random-session.ts';
import type { Ending } from '../../session/truth/stage.ts';
import { Witness } from '../../session/truth/witness.ts';
import { RealtimeClient } from '../../simulator/realtime-client.ts';
import { chat, StreamClient } from '../../stream/stream-client.ts';
import { inParallel } from '../../support/in-parallel.ts';
import type { Random } from '../../support/random.ts';
import { type Plan, planExchange, sendExchange, waits } from '../../support/random-exchange.ts';
import { gateHeader, type TruthStage } from './stage.ts';

/** Of a request: who has answered it. */
export interface PlannedRequest extends Plan {
  readonly answeredBy: 'upstream' | 'gate';
}

/** A query of the stream protocol, with what its client was told became of it. */
export interface AskedQuery {
  readonly id: string;
  readonly model: string;
  /** Undefined where the client had gone. */
  outcome: string | undefined;
}

/** What was really done, and by whom. */
export interface Traffic {
  readonly requests: readonly PlannedRequest[];
  readonly sessions: readonly SessionPlan[];
  readonly queries: readonly AskedQuery[];
}

const requestsMax = 200;
const sessionsMax = 30;
const clients = 4;
const queriesEach = 15;

const queryModels = [
  'sim-tokens-3',
  'sim-tokens-40',
  'sim-gzip',
  'sim-status-429',
  'sim-truncate-3',
  'sim-error-event-3',
  'sim-close',
  'sim-stall-2',
];

function planRequest(random: Random, n: number): PlannedRequest {
  const plan = planExchange(random, n);
  if (plan.outcome !== 'completed') return { ...plan, answeredBy: 'upstream' };
  const wish = random.pick(['refuse', 'answer', 'wait', 'none', 'none', 'none']);
  const headers = { ...plan.headers, [gateHeader]: wish };
  if (wish === 'refuse') return { ...plan, headers, outcome: 'blocked', answeredBy: 'gate' };
  return { ...plan, headers, answeredBy: wish === 'answer' ? 'gate' : 'upstream' };
}

/** Requests, realtime sessions and queries of the stream protocol, all at once. Resolves when all have ended. */
export async function sendTraffic(stage: TruthStage, random: Random): Promise<Traffic> {
  const requests = Array.from({ length: requestsMax }, (_, n) => planRequest(random, n));
  const sessions = Array.from({ length: sessionsMax }, (_, n) => planSession(random, n));
  const { dataUrl } = stage.service;
  const open = async (id: string, model: string, _ending: Ending) => {
    const client = new RealtimeClient(`${dataUrl}/v1/realtime?model=${model}`, {
      headers: { 'x-request-id': id },
    });
    const witness = new Witness(client.socket);
    await client.next('session.created');
    return { client, witness };
  };
  const [queries] = await Promise.all([
    Promise.all(Array.from({ length: clients }, (_, n) => askQueries(stage, random, n))),
    inParallel(requests, { concurrency: 16, waits }, (plan) =>
      sendExchange(plan, dataUrl, stage.simulator.journal),
    ),
    inParallel(sessions, { concurrency: 10, waits: waitsInTurn }, (plan) => playSession(plan, { open })),
  ]);
  await stage.service.inFlight.empty();
  await stage.simulator.journal.settled();
  return { requests, sessions, queries: queries.flat() };
}

/** One client, which asks all at once; every other one goes before it has been told everything. */
async function askQueries({ service }: TruthStage, random: Random, number: number): Promise<AskedQuery[]> {
  const client = await StreamClient.open(service, { headers: { 'x-request-id': `stream-${number}` } });
  const asked = Array.from({ length: queriesEach }, (_, n): AskedQuery => {
    const id = `stream-${number}-${n}`;
    const model = random.pick(queryModels);
    const headers = { 'x-request-id': id, 'accept-encoding': 'gzip' };
    client.send(chat(n, model, { headers, body: { stream: random.chance(0.7) } }));
    if (random.chance(0.1)) client.send({ type: 'cancel', id: n });
    return { id, model, outcome: undefined };
  });
  if (number % 2 === 0) await Promise.all(asked.map((_, n) => client.answer(n)));
  else await client.until(() => true);
  client.socket.close(1000);
  await client.closed;
  for (const [n, query] of asked.entries()) {
    const { response, error } = client.of(n);
    query.outcome = response?.outcome ?? error?.outcome;
  }
  return asked;
}
