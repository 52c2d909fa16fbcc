import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startProxy } from '../../middleware/proxy.ts';
import { ask, failure, type LogRecord, source, Workshop } from './workshop.ts';

/** Does what the query's `act` says; without one it counts. */
const harmful = source(`
  let count = 0;
  const acts = {
    hang() { for (;;); },
    never: () => new Promise(() => {}),
    async microtasks() { for (;;) await null; },
    backtrack: () => /^(a+)+$/.test('a'.repeat(60) + 'b'),
    sleep() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); },
    exit() { process.exit(7); },
    crash() { setImmediate(() => { throw new RangeError('out of its depth'); }); return new Promise(() => {}); },
    reject() { void Promise.reject(new Error('nobody listens')); return new Promise(() => {}); },
    memory() { const all = []; for (;;) all.push({ text: 'x'.repeat(100) + all.length }); },
    bigArrays() { const all = []; for (;;) all.push(new Array(1_000_000).fill(all.length)); },
    growingArray() { const all = []; for (let i = 0; ; i++) all[i] = i; },
    manyBuffers: async () => { const all = []; for (;;) { all.push(Buffer.alloc(1e6, 1)); await new Promise(setImmediate); } },
    bigMap() { const all = new Map(); for (let i = 0; ; i++) all.set({ i }, [i]); },
    abort() { process.abort(); },
    portClose() { return import('node:worker_threads').then(({ parentPort }) => { parentPort.close(); return acts.never(); }); },
    garbage() { return import('node:worker_threads').then(({ parentPort }) => { parentPort.postMessage('garbage'); parentPort.postMessage({ kind: 'answer', id: 999 }); parentPort.postMessage({ kind: 'log' }); }); },
    slow: () => new Promise((resolve) => setTimeout(resolve, 20)),
  };
  registerMiddleware({ name: 'm', async beforeQuery(query) {
    const { act } = query.payload;
    if (act) { await acts[act](); return; }
    count += 1;
    return Reply.json(200, { count });
  } });`);

const limits = { pluginWorkerTimeoutMs: 30_000, pluginWorkerHeapBytesMax: 32 * 1024 * 1024 };
/** For those that miss it. */
const shortly = { ...limits, pluginWorkerTimeoutMs: 300 };

const hasEnded = ({ msg }: LogRecord) => /^the worker of plugin 'sample' has ended/.test(msg);

/** Asks until the new thread answers. */
async function untilItAnswers(loaded: Parameters<typeof ask>[0]): Promise<unknown> {
  for (;;) {
    try {
      return await ask(loaded);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const fatal: Readonly<Record<string, RegExp>> = {
  hang: /beforeQuery of 'm' gave no answer within 300 ms/,
  never: /beforeQuery of 'm' gave no answer within 300 ms/,
  microtasks: /beforeQuery of 'm' gave no answer within 300 ms/,
  backtrack: /beforeQuery of 'm' gave no answer within 300 ms/,
  sleep: /beforeQuery of 'm' gave no answer within 300 ms/,
  portClose: /ended itself with code 0|gave no answer/,
  exit: /it ended itself with code 7/,
  crash: /nobody caught: out of its depth/,
  reject: /nobody caught: nobody listens/,
  memory: /^.* it uses \d+ MiB of memory, and 32 are allowed/,
  bigArrays: /MiB of memory/,
  growingArray: /MiB of memory/,
  manyBuffers: /MiB of memory/,
  bigMap: /MiB of memory/,
};

describe('the hard stop of a worker', () => {
  for (const [act, reason] of Object.entries(fatal)) {
    it(`ends the thread, and only that, where a callback does '${act}'`, async (test) => {
      const workshop = await Workshop.open(test);
      const loaded = await workshop.inWorker(harmful, {
        limits: reason.source.includes('no answer') ? shortly : limits,
      });
      const innocent = failure(ask(loaded, { act: 'never' }));
      const { message } = await failure(ask(loaded, { act }));
      assert.match(message, /^plugin 'sample' 1\.2\.3: its thread was ended, as /);
      assert.match(message, reason);
      assert.match((await innocent).message, /^plugin 'sample' 1\.2\.3: its thread was ended, as /);

      const record = await loaded.book.find(hasEnded);
      assert.equal(record.level, 40);
      assert.equal(record.plugin, 'sample');
      assert.match(record.msg, /a new one starts at once, without its state$/);
      // It waits for the new thread.
      await ask(loaded);
      assert.equal(loaded.plugin.restarts, 1);
    });
  }

  it('tells where an error came from that nobody caught', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(harmful, { limits });
    await failure(ask(loaded, { act: 'crash' }));
    const { stack } = await loaded.book.find(hasEnded);
    assert.match(String(stack), /^RangeError: out of its depth\n\s+at .*sample\.plugin\.ts:18:\d+/);
  });

  for (const act of ['abort', 'garbage']) {
    it(`goes on where a callback does '${act}'`, async (test) => {
      const workshop = await Workshop.open(test);
      const loaded = await workshop.inWorker(harmful, {
        limits,
      });
      await ask(loaded, { act }).catch(() => undefined);
      await ask(loaded);
      assert.equal(loaded.plugin.restarts, 0);
    });
  }

  it('loses the state of the thread, which begins anew', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(harmful, { limits });
    const count = (reply: unknown) => (reply as { payload: { count: number } }).payload.count;
    assert.equal(count(await ask(loaded)), 1);
    assert.equal(count(await ask(loaded)), 2);
    await failure(ask(loaded, { act: 'exit' }));
    assert.equal(count(await untilItAnswers(loaded)), 1);
  });

  it('waits longer between threads that end again and again', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(harmful, { limits });
    for (const when of ['at once', 'in 100 ms', 'in 200 ms']) {
      await failure(ask(loaded, { act: 'exit' }));
      await loaded.book.find(({ msg }) => msg.includes(`a new one starts ${when}`));
      await untilItAnswers(loaded);
    }
    assert.equal(loaded.plugin.restarts, 3);
  });

  it('tries again where there is no new thread to be had', async (test) => {
    const workshop = await Workshop.open(test);
    const build = await workshop.build(harmful);
    const loaded = await workshop.start(build, { limits });
    const noThread = Object.assign(build, { notCloneable() {} });
    await failure(ask(loaded, { act: 'exit' }));
    const told = await loaded.book.find(({ msg }) => msg.includes('a new one starts in 100 ms'));
    assert.match(String(told.reason), /Its thread was not started: .*could not be cloned/);
    Reflect.deleteProperty(noThread, 'notCloneable');
    await untilItAnswers(loaded);
  });

  it('tries again where the new thread cannot be initialized, or is another plugin', async (test) => {
    const workshop = await Workshop.open(test);
    const flag = workshop.folder.path('flag');
    const loaded = await workshop.inWorker(
      source(`
        const turn = fs.existsSync('${flag}') ? Number(fs.readFileSync('${flag}', 'utf8')) : 0;
        fs.writeFileSync('${flag}', String(turn + 1));
        if (turn === 1) throw new Error('not yet');
        registerMiddleware({ name: turn === 2 ? 'another' : 'm', beforeQuery(query) {
          if (query.payload.act) process.exit();
        } });`).replace('import {', "import fs from 'node:fs';\nimport {"),
      { limits },
    );
    await failure(ask(loaded, { act: 'exit' }));
    await untilItAnswers(loaded);
    assert.equal(loaded.plugin.restarts, 3);
    const reasons = loaded.book.records.filter(hasEnded).map(({ reason }) => reason);
    assert.deepEqual(reasons, [
      'it ended itself with code 0',
      "initialize of 'sample' failed: not yet",
      'it registered something else than when it was loaded',
    ]);
  });

  it('is none of much traffic: calls that wait in the queue have their time still to come', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery() {
        const end = performance.now() + 10;
        while (performance.now() < end);
      } });`),
      { limits: shortly },
    );
    await Promise.all(Array.from({ length: 60 }, () => ask(loaded)));
    assert.equal(loaded.plugin.restarts, 0);
  });

  it('fails calls at once when too many wait', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(harmful, { limits: { ...limits, pluginWorkerCallsMax: 3 } });
    const waiting = Array.from({ length: 3 }, () => ask(loaded, { act: 'slow' }));
    const { message } = await failure(ask(loaded));
    assert.equal(message, "plugin 'sample' 1.2.3: 3 calls of its worker are under way already");
    await Promise.all(waiting);
    await ask(loaded);
    assert.equal(loaded.plugin.restarts, 0);
  });

  it('leaves other requests alone while a callback loops for ever, and the plugin recovers', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(harmful, { limits: { ...limits, pluginWorkerTimeoutMs: 500 } });
    const [hanging] = loaded.middleware;
    assert.ok(hanging?.beforeQuery);
    const beforeQuery = hanging.beforeQuery.bind(hanging);
    const onlyWhereAsked = {
      name: 'm',
      beforeQuery: (...args: Parameters<typeof beforeQuery>) =>
        args[1].header('x-plugin') ? beforeQuery(...args) : undefined,
    };
    await using proxy = await startProxy({ middleware: [onlyWhereAsked] });
    const payload = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] };
    const headers = { 'x-plugin': 'yes' };
    let hasEndedYet = false;
    const stuck = proxy.ask({ ...payload, act: 'hang' }, { headers }).finally(() => {
      hasEndedYet = true;
    });
    let answered = 0;
    for (; !hasEndedYet; answered += 1) assert.equal((await proxy.ask(payload)).status, 200);
    // The last may have been answered behind it.
    assert.ok(answered > 1);
    assert.equal((await stuck).status, 500);
    await untilItAnswers(loaded);
    assert.equal((await proxy.ask(payload, { headers })).status, 200);
  });
});
