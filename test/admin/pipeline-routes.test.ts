import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PipelineView } from '../../src/admin/api/pipeline.ts';
import { figuresAsJson } from '../../src/admin/figures-as-json.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Service } from '../../src/service.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { readToEnd, sendChat } from '../support/chat-client.ts';
import { parsePage } from '../telemetry/prometheus-text.ts';

const noPlace = { config: {}, middleware: [] as readonly Middleware[] };

async function start({
  config,
  middleware,
}: {
  config?: object;
  middleware?: readonly Middleware[];
} = noPlace) {
  const folder = await PluginFolder.create();
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  const service = await startWithFolder(
    folder,
    { upstreams: { default: { url: simulator.url, probe: false } }, ...config },
    { middleware: middleware ?? [] },
  );
  return {
    folder,
    service,
    async send(isStream: boolean, count = 1) {
      for (let i = 0; i < count; i += 1)
        await readToEnd(await sendChat(service, `r${i}`, 'sim-tokens-2', isStream).head);
      await service.inFlight.empty();
    },
    async [Symbol.asyncDispose]() {
      await service.stop();
      await simulator.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function pipelineOf({ adminUrl }: Service): Promise<PipelineView> {
  const reply = await fetch(`${adminUrl}/api/pipeline`);
  assert.equal(reply.status, 200);
  return (await reply.json()) as PipelineView;
}

const callsOf = ({ middleware }: PipelineView, name: string) =>
  Object.fromEntries(
    middleware
      .find((one) => one.name === name)
      ?.phases.map(({ phase, cost }) => [phase, cost && [cost.calls, cost.errors]]) ?? [],
  );

describe('the pipeline', () => {
  test('of a service without middleware and hooks is empty', async () => {
    await using stage = await start();
    assert.deepEqual(await pipelineOf(stage.service), {
      generation: 1,
      exchanges: 0,
      middleware: [],
      hooks: [],
    });
  });

  test('has the middleware in the order in which they are entered, each with the callbacks that it has', async () => {
    const entered: string[] = [];
    const own: Middleware = {
      name: 'own',
      onFailure: 'continue',
      beforeQuery: () => void entered.push('own'),
      onError: () => undefined,
    };
    await using stage = await start({ config: { middleware: ['stream-usage'] }, middleware: [own] });
    const scope = globalThis as typeof globalThis & { entered?: string[] };
    scope.entered = entered;
    const note = (name: string) => `beforeQuery: () => void (globalThis as any).entered.push('${name}')`;
    await stage.folder.savePlugin(
      'shop',
      `registerMiddleware({ name: 'late', ${note('shop/late')}, onChunk: () => undefined }, { priority: 10 });
       registerMiddleware({ name: 'shop', ${note('shop')}, afterResponse: () => undefined });`,
    );
    await stage.folder.savePlugin(
      'gate',
      `registerMiddleware({ name: 'gate', ${note('gate')}, onFailure: 'continue' }, { priority: 90 });`,
    );
    await stage.service.plugins.scan();
    await stage.send(true);
    const { generation, middleware } = await pipelineOf(stage.service);
    assert.equal(generation, 2);
    assert.deepEqual(
      middleware.map(({ phases, ...one }) => ({ ...one, phases: phases.map(({ phase }) => phase) })),
      [
        {
          name: 'gate',
          plugin: 'gate',
          priority: 90,
          onFailure: 'continue',
          breaker: 'closed',
          phases: ['before_query'],
        },
        { name: 'stream-usage', onFailure: 'fail', phases: middleware[1]?.phases.map(({ phase }) => phase) },
        { name: 'own', onFailure: 'continue', phases: ['before_query', 'on_error'] },
        {
          name: 'shop',
          plugin: 'shop',
          priority: 50,
          onFailure: 'fail',
          breaker: 'closed',
          phases: ['before_query', 'after_response'],
        },
        {
          name: 'shop/late',
          plugin: 'shop',
          priority: 10,
          onFailure: 'fail',
          breaker: 'closed',
          phases: ['before_query', 'on_chunk'],
        },
      ],
    );
    assert.deepEqual(
      entered,
      middleware.map(({ name }) => name).filter((name) => name !== 'stream-usage'),
    );
  });

  test('has what each has cost, as much as ran and as the metrics have it', async () => {
    const counted: Middleware = {
      name: 'counted',
      onFailure: 'continue',
      beforeQuery() {
        if (counter++ % 3 === 2) throw new Error('every third');
      },
      onChunk: () => undefined,
      afterResponse: () => undefined,
      onError: () => undefined,
    };
    let counter = 0;
    await using stage = await start({ middleware: [counted] });
    await stage.send(true, 4);
    await stage.send(false, 2);
    const view = await pipelineOf(stage.service);
    assert.deepEqual(callsOf(view, 'counted'), {
      before_query: [6, 2],
      // Two were not entered: the third, a stream, and the sixth, which is none. All events of one are one run.
      on_chunk: [3, 0],
      after_response: [4, 0],
      on_error: undefined,
    });
    const page = parsePage(await (await fetch(`${stage.service.adminUrl}/metrics`)).text());
    const sums = page.get('sightline_middleware_duration_seconds')?.samples ?? assert.fail('not measured');
    for (const { phase, cost } of view.middleware[0]?.phases ?? []) {
      const seconds = sums
        .filter(({ name, labels }) => name.endsWith('_sum') && labels.sightline_phase === phase)
        .reduce((sum, { value }) => sum + value, 0);
      const totalMs = cost?.totalMs ?? 0;
      assert.equal(totalMs, figuresAsJson('', seconds * 1_000), phase);
      if (cost) assert.ok((cost.p95Ms ?? 0) > 0);
    }
  });

  test('has the hooks that somebody watches, in the order in which they are called, with their cost', async () => {
    await using stage = await start();
    const called: string[] = [];
    const scope = globalThis as typeof globalThis & { called?: string[] };
    scope.called = called;
    const note = (name: string) => `() => void (globalThis as any).called.push('${name}')`;
    stage.service.hooks.registerHook('exchange.ended', () => called.push('service'), { owner: 'audit' });
    await stage.folder.savePlugin(
      'meter',
      `registerHook('exchange.ended', ${note('meter')}, { priority: 10 });
       registerHook('exchange.ended', ${note('meter')}, { priority: 80 });
       registerHook('query.ready', () => { throw new Error('no'); });`,
    );
    await stage.service.plugins.scan();
    await stage.send(false, 3);
    const { hooks } = await pipelineOf(stage.service);
    assert.deepEqual(
      hooks.map(({ point, callbacks }) => [
        point,
        callbacks.map(({ owner, plugin, priority, breaker, cost }) => [
          owner,
          plugin,
          priority,
          breaker,
          cost && [cost.calls, cost.errors],
        ]),
      ]),
      [
        ['query.ready', [['meter', 'meter', 50, 'closed', [3, 3]]]],
        [
          'exchange.ended',
          [
            ['meter', 'meter', 80, 'closed', [6, 0]],
            ['audit', undefined, 50, undefined, undefined],
            ['meter', 'meter', 10, 'closed', [6, 0]],
          ],
        ],
      ],
    );
    assert.deepEqual(called.slice(0, 3), ['meter', 'service', 'meter']);
  });

  test('is that of now: what is unloaded is gone from it, and what has opened says so', async () => {
    await using stage = await start({ config: { limits: { breakerFailuresMax: 1 } } });
    await stage.folder.savePlugin(
      'one',
      `registerHook('query.ready', () => { throw new Error('no'); });
       registerMiddleware({ name: 'one', onFailure: 'continue', beforeQuery() { throw new Error('no'); } });`,
    );
    await stage.service.plugins.scan();
    await stage.send(false);
    const { middleware, hooks } = await pipelineOf(stage.service);
    assert.deepEqual([middleware[0]?.breaker, hooks[0]?.callbacks[0]?.breaker], ['open', 'open']);
    await stage.service.plugins.unload('one');
    assert.deepEqual(await pipelineOf(stage.service), {
      generation: 3,
      exchanges: 1,
      middleware: [],
      hooks: [],
    });
  });

  test('has no figures where telemetry is disabled', async () => {
    const folder = await PluginFolder.create();
    await using service = await startWithFolder(
      folder,
      {},
      { otel: { OTEL_SDK_DISABLED: 'true' }, middleware: [{ name: 'own', beforeQuery: () => undefined }] },
    );
    await readToEnd(await sendChat(service, 'one', 'sim-tokens-2').head);
    const { middleware } = await pipelineOf(service);
    assert.deepEqual(middleware, [{ name: 'own', onFailure: 'fail', phases: [{ phase: 'before_query' }] }]);
    await folder[Symbol.asyncDispose]();
  });
});
