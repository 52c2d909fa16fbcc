import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { SightlineError } from '../../src/errors.ts';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { FlowStage } from './flow-stage.ts';

const event = (payload: object) => `data: ${JSON.stringify(payload)}\n\n`;
const delta = (content: string) => event({ choices: [{ index: 0, delta: { content } }] });
const eventStream = 'text/event-stream';
const gzip = ['content-encoding', 'gzip'];

/** Waits until zlib and whoever awaits it had their turns. */
async function settle(isThere: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !isThere(); i += 1) await turn();
}

describe('an exchange that has failed', () => {
  it('asks no upstream any more, when its query arrives late', async () => {
    for (const middleware of [[], [{ name: 'idle', beforeQuery: () => undefined }]]) {
      const stage = new FlowStage(middleware);
      stage.flow.fail(new SightlineError('request_timeout'));
      await turn();
      assert.equal(stage.sink.status, 408);
      stage.run();
      await turn();
      assert.equal(stage.asked.length, 0);
      stage.close(true);
      stage.run();
      await turn();
      assert.equal(stage.asked.length, 0);
      assert.deepEqual([stage.exchange.outcome, stage.recorded], ['timed_out', 1]);
    }
  });

  it('ends when the client takes nothing of what it is told', async () => {
    const stage = new FlowStage();
    stage.run();
    stage.upstream.onError(new SightlineError('upstream_unreachable'));
    await turn();
    assert.equal(stage.sink.status, 502);
    stage.sink.watcher?.onStall();
    assert.equal(stage.sink.brokenBy?.code, 'client_stalled');
    stage.close(false);
    assert.deepEqual([stage.exchange.outcome, stage.inFlight.size], ['upstream_unreachable', 0]);
  });

  it('ends when the client takes nothing of what repairs it', async () => {
    const stage = new FlowStage([{ name: 'fallback', onError: () => Reply.json(200, { fallback: true }) }]);
    stage.run();
    await turn();
    stage.upstream.onError(new SightlineError('upstream_unreachable'));
    await turn();
    assert.equal(stage.sink.status, 200);
    stage.sink.watcher?.onStall();
    assert.equal(stage.sink.brokenBy?.code, 'client_stalled');
    stage.close(false);
    assert.deepEqual([stage.exchange.outcome, stage.inFlight.size], ['client_aborted', 0]);
  });

  it('has spent no more time than there was, where it is repaired', async () => {
    const working: Middleware = {
      name: 'working',
      beforeQuery: () => {
        for (const until = performance.now() + 10; performance.now() < until; );
        throw new Error('broken');
      },
    };
    const repairing: Middleware = { name: 'repairing', onError: () => Reply.json(200, {}) };
    for (const middleware of [[working], [repairing, working]]) {
      const stage = new FlowStage(middleware);
      stage.run();
      await settle(() => stage.sink.hasEnded);
      stage.close(true);
      const { overheadMs, clock, endedAt = 0 } = stage.exchange;
      assert.ok(overheadMs >= 10 && overheadMs <= endedAt - clock.startedAt, String(overheadMs));
    }
  });

  it('writes nothing more of a stream that it has broken off', async () => {
    const secretive: Middleware = { name: 'secretive', onChunk: () => null };
    const stage = new FlowStage([secretive]);
    stage.run();
    await turn();
    stage.beginReply(eventStream, gzip);
    stage.upstream.onData(gzipSync(delta('secret')));
    // Before anything of it is decoded.
    stage.flow.fail(new SightlineError('stopping'));
    assert.equal(stage.sink.brokenBy?.code, 'stopping');
    for (let i = 0; i < 50; i += 1) await turn();
    assert.equal(stage.sink.textAfterBreak, '');
    assert.equal(stage.recorded, 1);
  });
});

describe('an exchange whose client goes while its reply is understood', () => {
  it('still counts the tokens of a compressed reply that came whole', async () => {
    const stage = new FlowStage();
    stage.run();
    stage.beginReply('application/json', gzip);
    stage.upstream.onData(gzipSync(JSON.stringify({ usage: { prompt_tokens: 7, completion_tokens: 5 } })));
    stage.upstream.onEnd([]);
    stage.close(false);
    await settle(() => stage.exchange.hasEnded);
    assert.equal(stage.exchange.outcome, 'client_aborted');
    assert.equal(stage.exchange.attempt?.reply.usage.output, 5);
  });
});

describe('an exchange whose stream has said all', () => {
  it('is left by one middleware after the other, though the client goes meanwhile', async () => {
    const told: string[] = [];
    const inner = Promise.withResolvers<void>();
    const stage = new FlowStage([
      { name: 'outer', afterResponse: () => void told.push('outer') },
      {
        name: 'inner',
        afterResponse: async () => {
          told.push('inner');
          await inner.promise;
          told.push('inner has done');
        },
      },
    ]);
    stage.run();
    await turn();
    stage.beginReply(eventStream);
    stage.upstream.onData(Buffer.from(`${delta('Hi')}data: [DONE]\n\n`));
    stage.upstream.onError(new SightlineError('upstream_truncated'));
    await turn();
    stage.close(false);
    await turn();
    assert.deepEqual([told, stage.exchange.hasEnded], [['inner'], false]);
    inner.resolve();
    await settle(() => stage.exchange.hasEnded);
    assert.deepEqual(told, ['inner', 'inner has done', 'outer']);
    assert.deepEqual([stage.exchange.outcome, stage.recorded], ['completed', 1]);
  });
});
