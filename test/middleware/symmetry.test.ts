import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asSightlineError, SightlineError } from '../../src/errors.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Passage } from '../../src/middleware/passage.ts';
import { MiddlewareStack, stackEntry } from '../../src/middleware/stack.ts';
import { seededRandom } from '../dialects/recordings.ts';
import { sampleExchange, sampleQuery } from '../exchange/samples.ts';

/** What a callback can do. What is later comes before any timer: only those that hang miss a deadline. */
const behaviours = {
  nothing: () => undefined,
  nothingLater: async () => {
    for (let i = 0; i < 5; i += 1) await null;
  },
  change: (given: unknown) => (given instanceof Reply ? given.with({ status: given.status + 1 }) : undefined),
  answer: () => Reply.json(200, {}),
  answerLater: async () => Reply.json(200, {}),
  throw: () => {
    throw new Error('broken');
  },
  reject: () => Promise.reject(new Error('broken')),
  block: () => {
    throw new SightlineError('blocked');
  },
  hang: () => new Promise<never>(() => undefined),
  nonsense: () => 'nonsense',
} as const satisfies Record<string, (given: unknown) => unknown>;

type Behaviour = keyof typeof behaviours;
const failing: ReadonlySet<Behaviour> = new Set(['throw', 'reject', 'block', 'hang', 'nonsense']);

interface Plan {
  readonly name: string;
  readonly onFailure: 'fail' | 'continue';
  readonly in: Behaviour;
  readonly out: Behaviour;
  readonly error: Behaviour;
}

interface Run {
  readonly plans: readonly Plan[];
  readonly upstream: 'reply' | 'stream' | 'error';
  /** The client goes when the so-manieth callback begins. */
  readonly abortAt: number;
}

/** Half of them do nothing: in a stack where everything breaks nothing gets far. */
function randomRun(random: () => number): Run {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const behaviour = () => (random() < 0.5 ? 'nothing' : pick(Object.keys(behaviours) as Behaviour[]));
  const plans = Array.from(
    { length: 1 + Math.floor(random() * 6) },
    (_, i): Plan => ({
      name: String.fromCharCode(97 + i),
      onFailure: pick(['fail', 'continue'] as const),
      in: behaviour(),
      out: behaviour(),
      error: behaviour(),
    }),
  );
  const abortAt = random() < 0.3 ? 1 + Math.floor(random() * 8) : 0;
  return { plans, upstream: pick(['reply', 'stream', 'error'] as const), abortAt };
}

const aborted = new SightlineError('client_aborted');

/** What was seen, in order: `in:a`, `out:a`, `error:a`. */
async function watch({ plans, upstream, abortAt }: Run): Promise<string[]> {
  const seen: string[] = [];
  const exchange = sampleExchange();
  let abandoned: Promise<void> | undefined;
  const act = (phase: 'in' | 'out' | 'error', plan: Plan) => (given: unknown) => {
    seen.push(`${phase}:${plan.name}`);
    if (seen.length === abortAt) {
      queueMicrotask(() => {
        exchange.end('client_aborted', aborted);
        abandoned = passage?.abandon(aborted);
      });
    }
    return behaviours[plan[phase]](given);
  };
  const list = plans.map((plan) => ({
    name: plan.name,
    onFailure: plan.onFailure,
    beforeQuery: act('in', plan),
    afterResponse: act('out', plan),
    onError: act('error', plan),
  })) as readonly Middleware[];
  const stack = new MiddlewareStack(list.map(stackEntry), { timeoutMs: 1, onFailure: () => undefined });
  const passage = stack.enter(exchange);
  assert.ok(passage);
  await drive(passage, exchange, upstream);
  await abandoned;
  return seen;
}

/** As a flow does: in, the upstream's reply or error, out; and whoever is still entered is left at the end. */
async function drive(passage: Passage, exchange: Exchange, upstream: Run['upstream']): Promise<void> {
  try {
    const answer = await passage.beforeQuery(sampleQuery());
    if (!(answer instanceof Reply) && upstream === 'error') throw new SightlineError('upstream_timeout');
    const streamed = new Reply({ status: 200, headers: [], isSent: true });
    const reply = upstream === 'stream' ? streamed : Reply.json(200, {});
    if (exchange.hasEnded) await passage.abandon(aborted);
    else await passage.afterResponse(answer instanceof Reply ? answer : reply);
  } catch (thrown) {
    const error = asSightlineError(thrown);
    const repair = await passage.onError(error);
    if (repair && !exchange.hasEnded) await passage.afterResponse(repair).catch(() => undefined);
    await passage.abandon(error);
  }
}

describe('symmetry of the stack', () => {
  it('leaves each middleware that was entered exactly once, in reverse order, and nobody else', async () => {
    const runs = Array.from({ length: 600 }, (_, seed) => randomRun(seededRandom(seed)));
    await Promise.all(
      runs.map(async (run, seed) => {
        const seen = await watch(run);
        const begun = seen.filter((one) => one.startsWith('in:')).map((one) => one.slice(3));
        const left = seen.filter((one) => !one.startsWith('in:')).map((one) => one.replace(/^\w+:/, ''));
        const entered = begun.filter((name) => {
          const plan = run.plans.find((one) => one.name === name);
          return plan && !failing.has(plan.in);
        });
        const story = `seed ${seed}: ${JSON.stringify(run)}\n${seen.join(' ')}`;
        assert.deepEqual(left, entered.toReversed(), story);
        assert.deepEqual(
          begun,
          run.plans.slice(0, begun.length).map(({ name }) => name),
          story,
        );
        const firstLeft = seen.findIndex((one) => !one.startsWith('in:'));
        const lastBegun = seen.findLastIndex((one) => one.startsWith('in:'));
        if (firstLeft >= 0) assert.ok(firstLeft > lastBegun, story);
      }),
    );
  });
});
