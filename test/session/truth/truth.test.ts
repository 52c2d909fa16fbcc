import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import type { ResponseDoneEvent } from 'openai/resources/realtime/realtime';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { objectOf } from '../../../src/simulator/json.ts';
import { plainly, textOnly } from '../../simulator/realtime-client.ts';
import { inParallel } from '../../support/in-parallel.ts';
import { Random } from '../../support/random.ts';
import { parsePage, total } from '../../telemetry/prometheus-text.ts';
import { aside, ask, says, second } from './messages.ts';
import { planSession, playSession, waits } from './random-session.ts';
import { TruthStage } from './stage.ts';
import { Witness } from './witness.ts';

const sessionsEach = 80;
const concurrency = 10;
/** Longer than any pause of a busy machine, where the upstream says something; what is silent is waited for so long. */
const replyIdleTimeoutMs = 2_500;
const none = () => undefined;
const idle: Middleware = {
  name: 'idle',
  beforeQuery: none,
  onChunk: none,
  afterResponse: none,
  onError: none,
};
const tools = [
  {
    type: 'function',
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
];
for (const middleware of [[], [idle]]) {
  const how = middleware.length > 0 ? 'through middleware' : 'looked at';

  describe(`what telemetry tells of realtime sessions ${how} is what happened:`, {
    concurrency: true,
  }, () => {
    let stage: TruthStage;

    before(async () => {
      const limits = { replyIdleTimeoutMs, clientStallTimeoutMs: 300 };
      stage = await TruthStage.start({ limits, middleware });
    });
    after(async () => {
      try {
        await stage.check();
      } finally {
        await stage[Symbol.asyncDispose]();
      }
    });

    it("twenty turns of openai's client", async () => {
      const { client, options } = plainly(stage.port);
      const headers = { 'x-request-id': 'twenty' };
      const realtime = new OpenAIRealtimeWS(
        { model: 'gpt-realtime', options: { ...options, headers } },
        client,
      );
      realtime.on('error', none);
      const witness = new Witness(realtime.socket as never);
      stage.watch(witness, 'twenty', 'gpt-realtime', { session: 'completed', turn: 'client_aborted' });
      await realtime.emitted('session.created');
      for (let turn = 0; turn < 20; turn += 1) {
        if (turn === 5) witness.say(textOnly);
        if (turn === 10) witness.say({ type: 'session.update', session: { type: 'realtime', tools } });
        witness.say(says(turn === 10 ? 'The weather?' : `Question ${turn}`));
        const tool_choice = turn === 10 ? 'auto' : 'none';
        const most = turn % 4 === 3 ? { max_output_tokens: 5 } : {};
        const isCancelled = turn === 13;
        // Not `emitted`: a cancel that comes too late is an error, and of no concern here.
        const text = new Promise((resolve) => realtime.once('response.output_text.delta', resolve));
        const done = new Promise<ResponseDoneEvent>((resolve) => realtime.once('response.done', resolve));
        witness.say(ask(`ask ${turn}`, { tool_choice, ...most }));
        if (isCancelled) {
          await text;
          witness.say({ type: 'response.cancel' });
        }
        const { response } = await done;
        if (turn === 10) assert.equal(response.output?.[0]?.type, 'function_call');
      }
      realtime.close();
      await once(realtime.socket, 'close');
    });

    it('the client leaves in the middle of a turn, with a close frame', async () => {
      const ending = { session: 'completed', turn: 'client_aborted' } as const;
      const { client, witness } = await stage.open('leaves', 'sim-slow-token-5', ending);
      witness.say(textOnly, says('Hello'), ask('ask'));
      for (let i = 0; i < 3; i += 1) await client.next('response.output_text.delta');
      await client.close();
    });

    it('the client is gone in the middle of a turn', async () => {
      const ending = { session: 'client_aborted', isLossy: true } as const;
      const { client, witness } = await stage.open('gone', 'sim-slow-token-5', ending);
      witness.say(ask('ask'));
      await client.next('response.output_audio.delta');
      client.socket.terminate();
    });

    it('the upstream breaks off in the middle of a turn', async () => {
      const { client, witness } = await stage.open('truncated', 'sim-truncate-7', {
        session: 'upstream_truncated',
      });
      witness.say(textOnly, ask('ask'));
      await client.closed;
    });

    it('the upstream closes in the middle of a turn', async () => {
      const { client, witness } = await stage.open('closed', 'sim-clean-cut-4', {
        session: 'upstream_error',
      });
      witness.say(ask('ask'));
      assert.equal(await client.closed, 1011);
    });

    it('the upstream fails turns', async () => {
      const { client, witness } = await stage.open('fails', 'sim-error-event-3', { session: 'completed' });
      for (const id of ['one', 'two']) {
        witness.say(ask(id));
        assert.equal(objectOf((await client.next('response.done')).response).status, 'failed');
      }
      await client.close();
    });

    for (const model of ['sim-stall-5', 'sim-never-ends']) {
      it(`the upstream says no more (${model})`, async () => {
        const { client, witness } = await stage.open(model, model, { session: 'timed_out' });
        witness.say(textOnly, ask('ask'));
        await client.closed;
      });
    }

    it('the client reads no more', async () => {
      const ending = { session: 'client_aborted', isLossy: true } as const;
      const { client, witness } = await stage.open('stalls', 'sim-tokens-1000000', ending);
      witness.say(ask('ask'));
      await client.next('response.output_audio.delta');
      client.socket.pause();
      await stage.simulator.journal.waitFor(({ requestId }) => requestId === 'stalls');
    });

    it('a turn is refused while another runs', async () => {
      const ending = { session: 'completed' } as const;
      const { client, witness } = await stage.open('refused', 'sim-slow-token-2', ending);
      witness.say(textOnly, ask('one'), ask('two'), { type: 'response.create' });
      await client.next('error');
      await client.next('response.done');
      witness.say(ask('three', { max_output_tokens: 2 }));
      await client.next('response.done');
      await client.close();
      assert.equal(witness.refusals, 2);
    });

    it('the upstream begins turns by itself, and breaks them off where somebody speaks', async () => {
      const { client, witness } = await stage.open('spoken', 'sim-slow-token-10', { session: 'completed' });
      const session = { ...textOnly.session, max_output_tokens: 30 };
      witness.say({ ...textOnly, session }, second);
      await client.next('response.output_text.delta');
      witness.say(second);
      for (let i = 0; i < 2; i += 1) await client.next('response.done');
      await client.close();
    });

    it('turns run beside each other', async () => {
      const { client, witness } = await stage.open('beside', 'sim-slow-token-2', { session: 'completed' });
      witness.say(textOnly, ask('main'));
      for (const id of ['a', 'b', 'c']) witness.say(ask(id, aside));
      for (let i = 0; i < 4; i += 1) await client.next('response.done');
      await client.close();
    });
  });
}

describe('what telemetry tells of a realtime session whose', () => {
  it('upstream goes before it has begun what was asked for', async () => {
    await using stage = await TruthStage.start();
    const ending = { session: 'upstream_truncated', unbegun: 'upstream_unreachable' } as const;
    const { client, witness } = await stage.open('unanswered', 'sim-slow-start-60000', ending);
    witness.say(ask('ask'), ask('aside', aside));
    await stage.simulator.journal.waitForReceived(({ turn }) => turn === 2);
    stage.simulator.killConnections();
    await client.closed;
    await stage.check();
  });

  it('messages are more than are kept of what middleware cost, is what each cost', async () => {
    await using stage = await TruthStage.start({ middleware: [idle], limits: { middlewareRunsMax: 8 } });
    const { client, witness } = await stage.open('many', 'gpt-realtime', { session: 'completed' });
    for (let n = 0; n < 100; n += 1) {
      witness.say(says(`${n}`));
      await client.next('conversation.item.done');
    }
    await client.close();
    await stage.check();
    const page = parsePage(await stage.service.telemetry.page.render());
    const runs = (sightline_phase: string) =>
      total(page, 'sightline_middleware_duration_seconds_count', { sightline_phase });
    // The upgrade goes through it too.
    assert.equal(runs('before_query'), witness.said + 1);
    assert.equal(runs('on_chunk'), witness.got);
    assert.equal(
      total(page, 'sightline_telemetry_dropped_total', { sightline_signal: 'middleware_runs' }),
      0,
    );
  });

  it('client is slower than its upstream may be silent, is that it completed', async () => {
    const limits = { replyIdleTimeoutMs: 1_000, clientStallTimeoutMs: 30_000 };
    await using stage = await TruthStage.start({ limits, tokensPerSecond: Number.POSITIVE_INFINITY });
    const { client, witness } = await stage.open('slow', 'sim-tokens-6000', { session: 'completed' });
    witness.say(ask('ask'));
    await client.next('response.output_audio.delta');
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 2 * limits.replyIdleTimeoutMs));
    client.socket.resume();
    await client.next('response.done');
    await client.close();
    await stage.check();
  });
});

describe('what telemetry tells of random realtime sessions is what happened', () => {
  for (const [seed, middleware] of [
    [20261123, []],
    [7, [idle]],
  ] as const) {
    it(`(seed ${seed}, ${middleware.length} middleware)`, async () => {
      const random = new Random(seed);
      const plans = Array.from({ length: sessionsEach }, (_, n) => planSession(random, n));
      await using stage = await TruthStage.start({ limits: { replyIdleTimeoutMs }, middleware });
      await inParallel(plans, { concurrency, waits }, (plan) => playSession(plan, stage));
      await stage.check();
    });
  }
});
