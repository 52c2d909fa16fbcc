import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { SightlineError } from '../../src/errors.ts';
import { Chunk } from '../../src/exchange/chunk.ts';
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
    assert.equal(stage.sink.textTooLate, '');
    assert.equal(stage.recorded, 1);
  });
});

describe('an exchange that fails while its query is on its way in', () => {
  const noted = (told: string[], name: string): Middleware => ({
    name,
    beforeQuery: () => void told.push(`${name} in`),
    onError: ({ code }) => void told.push(`${name} ${code}`),
  });

  it('is left in reverse order, by whoever was entered meanwhile too, and enters nobody else', async () => {
    const told: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow: Middleware = { ...noted(told, 'slow'), beforeQuery: () => promise };
    const stage = new FlowStage([noted(told, 'outer'), slow, noted(told, 'inner')]);
    stage.run();
    await turn();
    stage.flow.fail(new SightlineError('body_too_large'));
    await turn();
    resolve();
    await settle(() => stage.sink.hasEnded);
    assert.deepEqual(told, ['outer in', 'slow body_too_large', 'outer body_too_large']);
    assert.equal(stage.asked.length, 0);
    stage.close(true);
    assert.deepEqual([stage.exchange.outcome, stage.recorded], ['blocked', 1]);
  });
});

describe('an exchange whose client has everything, when the service stops', () => {
  const stop = Buffer.from(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
  const done = Buffer.from('data: [DONE]\n\n');
  const slow: Middleware = {
    name: 'slow',
    onChunk: () => undefined,
    afterResponse: () => new Promise(() => undefined),
  };

  it('waits for no middleware any more, and ends as its reply did', async () => {
    for (const last of [stop, done]) {
      const stage = new FlowStage([slow]);
      stage.run();
      await turn();
      stage.beginReply(eventStream);
      stage.upstream.onData(last);
      stage.upstream.onEnd([]);
      stage.close(true);
      await turn();
      assert.equal(stage.exchange.hasEnded, false);
      stage.flow.fail(new SightlineError('stopping'));
      assert.deepEqual([stage.exchange.outcome, stage.recorded], ['completed', 1]);
    }
  });

  it('waits for none either where it failed after all had been said', async () => {
    const stage = new FlowStage([slow]);
    stage.run();
    await turn();
    stage.beginReply(eventStream);
    stage.upstream.onData(done);
    stage.upstream.onError(new SightlineError('upstream_truncated'));
    stage.close(false);
    await turn();
    assert.equal(stage.exchange.hasEnded, false);
    stage.flow.fail(new SightlineError('stopping'));
    assert.deepEqual([stage.exchange.outcome, stage.recorded], ['completed', 1]);
  });

  it('is told nothing after the end of its reply, though it has not taken all of that', async () => {
    const stage = new FlowStage([slow]);
    stage.run();
    await turn();
    stage.beginReply(eventStream);
    stage.upstream.onData(stop);
    stage.upstream.onEnd([]);
    await turn();
    assert.equal(stage.sink.hasEnded, true);
    stage.flow.fail(new SightlineError('stopping'));
    assert.equal(stage.sink.textTooLate, '');
    assert.equal(stage.exchange.outcome, 'failed');
  });
});

describe('an exchange whose stream comes compressed', () => {
  it('counts what middleware does with its events as our own time', async () => {
    const busy: Middleware = {
      name: 'busy',
      onChunk: () => {
        for (const until = performance.now() + 10; performance.now() < until; );
      },
    };
    const stage = new FlowStage([busy]);
    stage.run();
    await turn();
    stage.beginReply(eventStream, gzip);
    stage.upstream.onData(gzipSync(`${delta('Hi')}data: [DONE]\n\n`));
    stage.upstream.onEnd([]);
    await settle(() => stage.sink.hasEnded);
    stage.close(true);
    assert.ok(stage.exchange.overheadMs >= 20, String(stage.exchange.overheadMs));
  });
});

describe('an exchange whose compressed stream breaks off', () => {
  const whole = `${delta('Hi')}data: [DONE]\n\n`;
  const breaking = async (bytes: Buffer): Promise<FlowStage> => {
    const stage = new FlowStage([{ name: 'reading', onChunk: () => undefined }]);
    stage.run();
    await turn();
    stage.beginReply(eventStream, gzip);
    stage.upstream.onData(bytes);
    // Before anything of it is decoded.
    stage.upstream.onError(new SightlineError('upstream_truncated'));
    await settle(() => stage.exchange.hasEnded);
    return stage;
  };

  it('is completed where everything had been said', async () => {
    const { exchange, sink, recorded } = await breaking(gzipSync(whole));
    assert.equal(sink.text, whole);
    assert.deepEqual([exchange.outcome, exchange.attempt?.outputChunks, recorded], ['completed', 1, 1]);
  });

  it('is truncated where not, and its client has what came', async () => {
    const gzipped = createGzip();
    gzipped.write(delta('Hi'));
    await new Promise<void>((resolve) => gzipped.flush(() => resolve()));
    const { exchange, sink, recorded } = await breaking(gzipped.read());
    assert.ok(sink.text.startsWith(delta('Hi')), sink.text);
    assert.deepEqual([exchange.outcome, exchange.error?.code], ['upstream_truncated', 'upstream_truncated']);
    assert.deepEqual([exchange.attempt?.outputChunks, recorded], [1, 1]);
  });
});

describe('an exchange whose reply has gone to the client already', () => {
  it('is not changed by what middleware makes of it, neither for the client nor for the next middleware', async () => {
    const told: boolean[] = [];
    const stage = new FlowStage([
      {
        name: 'outer',
        afterResponse: ({ isSent }) => {
          told.push(isSent);
          throw new Error('broken');
        },
      },
      { name: 'inner', onChunk: () => undefined, afterResponse: () => Reply.json(200, {}) },
    ]);
    stage.run();
    await turn();
    stage.beginReply(eventStream);
    stage.upstream.onData(
      Buffer.from(`${delta('Hi')}${event({ choices: [{ index: 0, finish_reason: 'stop' }] })}`),
    );
    stage.upstream.onEnd([]);
    await turn();
    stage.close(true);
    assert.deepEqual(told, [true]);
    assert.deepEqual([stage.exchange.outcome, stage.sink.brokenBy], ['completed', undefined]);
  });
});

describe('an exchange whose reply a middleware makes a stream of', () => {
  it('tells the watchers what has gone to the client, and nothing of what has not', async () => {
    const chunks = ['a', 'b'].map((data) => new Chunk({ event: '', data }));
    const stage = new FlowStage([{ name: 'streaming', afterResponse: () => Reply.events(chunks) }]);
    const told: Buffer[] = [];
    stage.hooks.registerHook('reply.chunk', ({ bytes }) => told.push(bytes));
    stage.run();
    await turn();
    stage.beginReply('application/json');
    stage.upstream.onData(Buffer.from('{"secret":true}'));
    stage.upstream.onEnd([]);
    await settle(() => stage.sink.hasEnded);
    assert.equal(stage.sink.text, 'data: a\n\ndata: b\n\n');
    assert.equal(Buffer.concat(told).toString(), stage.sink.text);
    stage.close(true);
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
