import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import { Reply } from '../../../src/exchange/reply.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { seededRandom } from '../../dialects/recordings.ts';
import { ReaderStage, settled } from './reader-stage.ts';

type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

const soon = async () => {
  for (let i = 0; i < 3; i += 1) await null;
};

/** What became of one turn at one middleware. */
interface Visit {
  /** It was called in or with a message, so it was entered. */
  isEntered: boolean;
  left: number;
}

/** Does something of all that it may, and writes down who was entered and who was left. */
function restless(name: string, random: Random, visits: Map<string, Visit>): Middleware {
  const visit = (id: string): Visit => {
    const known = visits.get(`${name} ${id}`) ?? { isEntered: false, left: 0 };
    visits.set(`${name} ${id}`, known);
    return known;
  };
  const act = () => {
    if (random() < 0.06) throw random() < 0.5 ? new Error('broken') : new SightlineError('blocked');
    return random() < 0.3 ? soon() : undefined;
  };
  return {
    name,
    beforeQuery(_query, { id, kind }) {
      const doing = act();
      if (kind === 'turn') visit(id).isEntered = true;
      return random() < 0.1 ? Reply.json(200, { answer: true }) : doing;
    },
    onChunk(chunk, { id, kind }) {
      if (kind === 'turn') {
        visit(id).isEntered = true;
        if (random() < 0.02) throw new Error('broken');
      }
      return random() < 0.1 ? null : random() < 0.1 ? [chunk, chunk.with({ data: '{}' })] : undefined;
    },
    afterResponse(_reply, { id, kind }) {
      if (kind === 'turn') visit(id).left += 1;
      return random() < 0.3 ? soon() : undefined;
    },
    onError(_error, { id, kind }) {
      if (kind === 'turn') visit(id).left += 1;
    },
  };
}

/** One session, with everything that client, upstream, middleware and network may do, in any order. */
async function live(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const visits = new Map<string, Visit>();
  const middleware = Array.from({ length: Math.floor(random() * 3) }, (_, i) =>
    restless(`m${i}`, random, visits),
  );
  const stage = new ReaderStage({ middleware, limits: { turnsOpenMax: 4 } });
  const hooked = { started: 0, ended: 0, attempts: 0 };
  stage.hooks.registerHook('exchange.started', ({ exchange }) => {
    if (exchange.kind === 'turn') hooked.started += 1;
  });
  stage.hooks.registerHook('exchange.ended', ({ exchange }) => {
    if (exchange.kind === 'turn') hooked.ended += 1;
  });
  stage.hooks.registerHook('attempt.started', () => (hooked.attempts += 1));
  stage.hooks.registerHook('attempt.ended', () => (hooked.attempts -= 1));
  const names = Array.from({ length: 6 }, (_, i) => `t${i}`);
  const turn = () => pick(random, [...names, undefined]);
  let last: Promise<void> | undefined;
  const deeds = {
    async ask() {
      // The relay holds a side up while one of its messages is not decided.
      await last;
      last = stage.client({ type: 'ask', id: pick(random, ['q1', 'q2', undefined]) });
    },
    async say() {
      await last;
      last = stage.client({ type: 'other' });
    },
    begin: () => stage.upstream({ type: 'begin', turn: turn() }),
    part: () => stage.upstream({ type: 'text', turn: turn(), text: 'word' }),
    end: () =>
      stage.upstream({
        type: 'end',
        turn: turn(),
        tokens: 1,
        outcome: pick(random, ['completed', 'client_aborted', 'upstream_error']),
      }),
    refuse: () =>
      stage.upstream({
        type: 'refused',
        id: pick(random, ['q1', 'q2', undefined]),
        error: 'busy',
        isQuery: random() < 0.8,
      }),
    wait: settled,
    plugins: () => stage.reload({ stack: random() < 0.5 ? stage.stack([]) : stage.services.stack }),
  };
  const kinds = Object.keys(deeds) as (keyof typeof deeds)[];
  for (let i = 0; i < 60; i += 1) {
    await deeds[pick(random, kinds)]();
    assert.ok(stage.reader.openTurns <= 4);
  }
  const endings = [
    () => stage.close('client'),
    () => stage.close('upstream'),
    () => stage.end(new SightlineError('upstream_truncated')),
    () => stage.end(new SightlineError('stopping')),
  ];
  pick(random, endings)();
  await last;
  await settled();
  await settled();

  assert.equal(stage.reader.openTurns, 0);
  assert.equal(stage.inFlight.size, 0, 'in flight');
  assert.equal(stage.lease.acquired, stage.lease.released, 'leases');
  const ended = stage.told.ended.filter(({ place }) => place.kind === 'turn');
  assert.deepEqual(new Set(ended), new Set(stage.turns));
  assert.equal(ended.length, stage.turns.length);
  assert.equal(stage.facts.turns, ended.length);
  assert.deepEqual(hooked, { started: ended.length, ended: ended.length, attempts: 0 });
  const counted = Object.values(stage.facts.outcomes).reduce((sum, count) => sum + count, 0);
  assert.equal(counted, ended.length, 'outcomes');
  for (const { outcome, attempt, endedAt } of ended) {
    assert.ok(outcome !== undefined && endedAt !== undefined);
    assert.ok(!attempt || attempt.outcome !== undefined);
  }
  for (const [who, { isEntered, left }] of visits) {
    assert.ok(left === 1 || (left === 0 && !isEntered), `${who}: left ${left} times`);
  }
}

describe('turns in any order of events', () => {
  it('begin and end exactly once, and leave nothing behind', async () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      await live(seed).catch((thrown: unknown) => {
        throw new Error(`seed ${seed}`, { cause: thrown });
      });
    }
  });
});
