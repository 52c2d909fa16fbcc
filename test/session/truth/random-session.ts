import { textOnly } from '../../simulator/realtime-client.ts';
import { Random } from '../../support/random.ts';
import { aside, ask, says, second } from './messages.ts';
import type { Ending, TruthStage } from './stage.ts';

/** What happens between two pauses of a session. */
type Round = 'ask' | 'cancel' | 'ask twice' | 'ask beside' | 'speak' | 'mistakes';

/** One session as a test plans it, with what must become of it. */
export interface SessionPlan {
  readonly id: string;
  /** For what is chosen while it runs: sessions that run beside each other must not choose for each other. */
  readonly seed: number;
  readonly model: string;
  readonly isWritten: boolean;
  readonly rounds: readonly Round[];
  /** When the client leaves, and how; undefined: the upstream ends it. */
  readonly leaves: 'when all is said' | 'in a turn' | 'in a turn, without a word' | undefined;
  readonly ending: Ending;
}

const rounds: readonly Round[] = ['ask', 'ask', 'cancel', 'ask twice', 'ask beside', 'speak', 'mistakes'];

const models: readonly ((random: Random) => string)[] = [
  () => 'gpt-realtime',
  () => 'gpt-4o-realtime-preview',
  (random) => `sim-tokens-${random.integer(1, 60)}`,
  () => 'sim-slow-token-2',
  () => 'sim-slow-start-20',
  () => 'sim-malformed-sse',
  (random) => `sim-error-event-${random.integer(1, 9)}`,
];

/** What ends a session in its first turn. */
const faults: readonly { readonly model: (random: Random) => string; readonly ending: Ending }[] = [
  {
    model: (random) => `sim-truncate-${random.integer(0, 9)}`,
    ending: { session: 'upstream_truncated', unbegun: 'upstream_unreachable' },
  },
  { model: (random) => `sim-clean-cut-${random.integer(0, 9)}`, ending: { session: 'upstream_error' } },
  { model: (random) => `sim-stall-${random.integer(0, 9)}`, ending: { session: 'timed_out' } },
  { model: () => 'sim-never-ends', ending: { session: 'timed_out' } },
];

const leavings = {
  'when all is said': { session: 'completed' },
  'in a turn': { session: 'completed', turn: 'client_aborted' },
  'in a turn, without a word': { session: 'client_aborted', isLossy: true },
} as const satisfies Record<string, Ending>;

export function planSession(random: Random, n: number): SessionPlan {
  const common = { id: `session-${n}`, seed: random.integer(1, 1e9), isWritten: random.chance(0.5) };
  if (random.chance(0.3)) {
    const { model, ending } = random.pick(faults);
    const round = random.pick(['ask', 'ask beside', 'speak'] as const);
    return { ...common, model: model(random), rounds: [round], leaves: undefined, ending };
  }
  const leaves = random.pick(Object.keys(leavings) as (keyof typeof leavings)[]);
  return {
    ...common,
    model: random.pick(models)(random),
    rounds: Array.from({ length: random.integer(0, 6) }, () => random.pick(rounds)),
    leaves,
    ending: leavings[leaves],
  };
}

/** It ends by a deadline of the service, and waits for it. */
export function waits({ ending }: SessionPlan): boolean {
  return ending.session === 'timed_out';
}

/** Resolves when the client knows of the session's end. */
export async function playSession(
  { id, seed, model, isWritten, rounds, leaves, ending }: SessionPlan,
  stage: Pick<TruthStage, 'open'>,
): Promise<void> {
  const random = new Random(seed);
  const { client, witness } = await stage.open(id, model, ending);
  let asked = 0;
  const nextAsk = (response: object = {}) => {
    asked += 1;
    const most = random.chance(0.5) ? { max_output_tokens: random.integer(1, 99) } : {};
    // Some clients give their messages names, some do not.
    const { event_id, ...unnamed } = ask(`ask ${asked}`, {
      metadata: { n: `${asked}` },
      ...most,
      ...response,
    });
    return random.chance(0.5) ? { event_id, ...unnamed } : unnamed;
  };
  const done = async (count = 1) => {
    for (let i = 0; i < count; i += 1) await client.next('response.done');
  };
  const play: Record<Round, () => Promise<void>> = {
    ask() {
      witness.say(says('Hello'), nextAsk());
      return done();
    },
    async cancel() {
      witness.say(nextAsk());
      await client.next('response.created');
      witness.say({ type: 'response.cancel' });
      await done();
    },
    'ask twice'() {
      witness.say(nextAsk(), nextAsk());
      return done();
    },
    'ask beside'() {
      witness.say(nextAsk(), nextAsk(aside), nextAsk(aside));
      return done(3);
    },
    speak() {
      witness.say(second);
      return done();
    },
    mistakes() {
      const nonsense = [{ type: 'input_audio_buffer.commit' }, { type: 'no such thing', event_id: 'x' }];
      witness.say(...nonsense, { type: 'response.cancel' }, nextAsk());
      return done();
    },
  };
  if (isWritten) witness.say(textOnly);
  try {
    for (const round of rounds) await play[round]();
    if (leaves === 'when all is said') await client.close();
    if (!leaves?.startsWith('in a turn')) return;
    witness.say(nextAsk());
    await client.next(random.pick(['response.created', 'rate_limits.updated']));
    client.socket[leaves === 'in a turn' ? 'close' : 'terminate']();
  } catch (thrown) {
    if (leaves !== undefined) throw thrown;
  } finally {
    await client.closed;
  }
}
