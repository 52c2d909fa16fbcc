import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { startProxy } from '../../middleware/proxy.ts';
import { runNode } from '../../support/run-process.ts';
import { ask, failure, source, Workshop } from './workshop.ts';

const middleware = `registerMiddleware({ name: 'm', beforeQuery() {} });`;

describe('the end of a worker', () => {
  it('comes after cleanup, with the signal aborted before it; once', async (test) => {
    const workshop = await Workshop.open(test);
    const { plugin, book } = await workshop.inWorker(
      source(
        `signal.addEventListener('abort', () => log.info('aborted')); globalThis.last = () => log.info('cleaned');`,
        `async cleanup() { await null; globalThis.last(); },`,
      ),
    );
    const stopped = plugin.stop();
    assert.equal(plugin.stop(), stopped);
    assert.equal(await stopped, undefined);
    assert.deepEqual(
      book.records.map(({ msg }) => msg),
      ['aborted', 'cleaned'],
    );
  });

  for (const [what, cleanup, expected] of [
    ['throws', `throw new Error('still open');`, /^still open$/],
    ['never answers', 'return new Promise(() => {});', /cleanup gave no answer within 100 ms/],
    ['loops for ever', 'for (;;);', /cleanup gave no answer within 100 ms/],
    ['ends the process', 'process.exit(4);', /it ended itself with code 4/],
  ] as const) {
    it(`comes where cleanup ${what}, and tells so`, async (test) => {
      const workshop = await Workshop.open(test);
      const { plugin } = await workshop.inWorker(source(middleware, `cleanup() { ${cleanup} },`), {
        limits: { pluginCleanupTimeoutMs: 100 },
      });
      const thrown = await plugin.stop();
      assert.ok(thrown instanceof Error);
      assert.match(thrown.message, expected);
      assert.equal(plugin.restarts, 0);
    });
  }

  it('fails what is under way, and what comes later', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery: () => new Promise(() => {}) });`),
    );
    const underWay = Array.from({ length: 50 }, () => failure(ask(loaded)));
    await loaded.plugin.stop();
    for (const { message } of await Promise.all(underWay))
      assert.equal(message, "plugin 'sample' 1.2.3 has been stopped");
    assert.equal((await failure(ask(loaded))).message, "plugin 'sample' 1.2.3 has been stopped");
  });

  it('comes under load, and every request has its answer', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(
        `registerMiddleware({ name: 'm', beforeQuery: () => new Promise((resolve) => setTimeout(resolve, 2)) });`,
      ),
    );
    await using proxy = await startProxy({ middleware: loaded.middleware });
    const payload = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] };
    const statuses: number[] = [];
    const stop = Promise.withResolvers<void>();
    const clients = Array.from({ length: 8 }, async () => {
      for (let i = 0; i < 20; i += 1) {
        statuses.push((await proxy.ask(payload)).status);
        if (statuses.length === 40) stop.resolve();
      }
    });
    await stop.promise;
    await loaded.plugin.stop();
    await Promise.all(clients);
    assert.equal(statuses.length, 160);
    assert.deepEqual(new Set(statuses), new Set([200, 500]));
  });

  it('comes also while a new thread is being started, or is waited for', async (test) => {
    const workshop = await Workshop.open(test);
    const text = source(`registerMiddleware({ name: 'm', beforeQuery() { process.exit(); } });`);
    for (const waits of [false, true]) {
      const loaded = await workshop.inWorker(text);
      await failure(ask(loaded));
      if (waits) await new Promise((resolve) => setTimeout(resolve, 20));
      await loaded.plugin.stop();
      assert.match((await failure(ask(loaded))).message, /has been stopped/);
    }
  });

  it('leaves no thread behind', async (test) => {
    const workshop = await Workshop.open(test);
    const threads = async () => (await readdir('/proc/self/task')).length;
    const text = source(middleware, 'cleanup() {},');
    await (await workshop.inWorker(text)).plugin.stop();
    const before = await threads();
    for (let i = 0; i < 5; i += 1) {
      const loaded = await workshop.inWorker(text);
      await ask(loaded);
      await loaded.plugin.stop();
    }
    assert.equal(await threads(), before);
  });

  it('is no concern of a process that wants to end', async (test) => {
    const workshop = await Workshop.open(test);
    const build = await workshop.build(source(`setInterval(() => {}, 1_000); ${middleware}`));
    const here = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
    const program = `
      import { createNoopMeter } from '@opentelemetry/api';
      import { pino } from 'pino';
      import { defaultLimits } from ${here('src/limits.ts')};
      import { startWorkerPlugin } from ${here('src/plugins/worker/worker-plugin.ts')};
      const build = ${JSON.stringify({ ...build, inputs: undefined })};
      const { name } = await startWorkerPlugin({ build, config: () => ({}), log: pino({ level: 'silent' }),
        meter: () => createNoopMeter(), limits: defaultLimits });
      process.stdout.write(name + ' runs');`;
    await using child = runNode(['--input-type=module', '--eval', program]);
    assert.deepEqual(await child.exited, { code: 0, signal: null });
    assert.equal(child.stdout, 'sample runs');
    assert.equal(child.stderr, '');
    assert.ok(await readFile(build.file));
  });
});
