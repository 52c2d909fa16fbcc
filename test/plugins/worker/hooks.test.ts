import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import type { HookPoint } from '../../../src/hooks/points.ts';
import { PluginProblem } from '../../../src/plugins/problem.ts';
import { startProxy } from '../../middleware/proxy.ts';
import { failure, type Loaded, sampleExchange, sampleQuery, source, Workshop } from './workshop.ts';

/** Logs what each hook point tells. */
const witness = source(`
  const plain = ({ exchange, query, error, problem, bytes, ...rest }) => ({
    ...rest,
    ...(exchange && { exchange: exchange.id, outcome: exchange.outcome ?? 'none' }),
    ...(query && { isQuery: query instanceof Query, model: query.payload.model }),
    ...(error && { isOurs: error instanceof SightlineError, code: error.code, message: error.message }),
    ...(problem && { problem: { name: problem.name, step: problem.step, message: problem.message, place: problem.place } }),
    ...(bytes && { isBuffer: Buffer.isBuffer(bytes), bytes: bytes.toString() }),
  });
  for (const point of ['exchange.started', 'query.ready', 'attempt.started', 'reply.head', 'reply.first_token',
    'reply.chunk', 'attempt.ended', 'exchange.error', 'exchange.ended', 'plugin.loaded', 'plugin.rejected']) {
    registerHook(point, (payload) => log.info({ payload: plain(payload) }, point));
  }`);

async function told(loaded: Loaded, point: HookPoint, payload: object): Promise<unknown> {
  const hook = loaded.hooks.find((one) => one.point === point);
  assert.ok(hook);
  loaded.book.records.length = 0;
  hook.callback(payload as never);
  return (await loaded.book.find(({ msg }) => msg === point)).payload;
}

describe('hooks of a plugin in a worker', () => {
  it('are told the same as in the process, at each point', async (test) => {
    const workshop = await Workshop.open(test);
    const exchange = sampleExchange();
    const upstream = { name: 'default', provider: 'openai', address: '127.0.0.1', port: 1 };
    const attempt = exchange.beginAttempt(upstream);
    attempt.bytes = 7;
    const { view } = exchange;
    const problem = new PluginProblem('shape', 'wrong', { file: '/a.plugin.ts', line: 3 });
    const small = Buffer.from('a piece of a pool');
    const payloads: readonly (readonly [HookPoint, object])[] = [
      ['exchange.started', { exchange: view }],
      ['query.ready', { exchange: view, query: sampleQuery({ model: 'x' }) }],
      ['reply.head', { exchange: view, status: 200, headers: ['a', 'b'] }],
      ['reply.first_token', { exchange: view, elapsedMs: 12.5 }],
      ['reply.chunk', { exchange: view, bytes: small }],
      ['exchange.error', { exchange: view, error: new SightlineError('blocked', { message: 'no' }) }],
      ['exchange.ended', { exchange: view }],
      ['plugin.loaded', { plugin: 'a', version: '1.0.0', file: '/a.plugin.ts' }],
      ['plugin.rejected', { plugin: undefined, version: undefined, file: '/a.plugin.ts', problem }],
    ];
    const inside = await workshop.inProcess(witness);
    const worker = await workshop.inWorker(witness);
    for (const [point, payload] of payloads) {
      assert.deepEqual(await told(worker, point, payload), await told(inside, point, payload), point);
    }
    assert.equal(String(small), 'a piece of a pool');
    assert.deepEqual(await told(worker, 'attempt.ended', { exchange: view, attempt }), {
      exchange: exchange.id,
      outcome: 'none',
      attempt: { number: 1, upstream, outputChunks: 0, bytes: 7 },
    });
  });

  it('watch real traffic, and share state with the middleware of the plugin', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`
        const key = createKey('model');
        registerMiddleware({ name: 'm', beforeQuery(query, exchange) { exchange.set(key, query.payload.model); } });
        registerHook('exchange.ended', ({ exchange }) =>
          log.info({ model: exchange.get(key), outcome: exchange.outcome, elapsed: exchange.elapsedMs }, 'ended'));`),
    );
    await using proxy = await startProxy({ middleware: loaded.middleware });
    for (const { point, callback } of loaded.hooks)
      proxy.service.hooks.registerHook(point, callback as never);
    // The same id twice: clients choose them.
    await Promise.all(
      ['gpt-4o', 'gpt-4o-mini'].map((model) =>
        proxy.ask(
          { model, messages: [{ role: 'user', content: 'Hello!' }] },
          { headers: { 'x-request-id': 'the-same' } },
        ),
      ),
    );
    await loaded.book.find(({ msg, model }) => msg === 'ended' && model === 'gpt-4o');
    const record = await loaded.book.find(({ msg, model }) => msg === 'ended' && model === 'gpt-4o-mini');
    assert.equal(record.outcome, 'completed');
  });

  it('tell of their failures, by themselves or to whom it concerns', async (test) => {
    const workshop = await Workshop.open(test);
    const text = source(`registerHook('exchange.ended', async () => { throw new Error('no table'); });`);
    const alone = await workshop.inWorker(text);
    alone.hooks[0]?.callback({ exchange: sampleExchange().view } as never);
    const record = await alone.book.find(({ msg }) => msg === 'a hook callback failed');
    assert.deepEqual([record.level, record.plugin, record.point], [40, 'sample', 'exchange.ended']);
    assert.match(String(record.stack), /sample\.plugin\.ts:9/);

    const heard = Promise.withResolvers<[HookPoint, Error]>();
    const watched = await workshop.inWorker(text, { onHookFailure: (...told) => heard.resolve(told) });
    watched.hooks[0]?.callback({ exchange: sampleExchange().view } as never);
    const [point, error] = await heard.promise;
    assert.deepEqual([point, error.message], ['exchange.ended', 'no table']);
  });

  it('are not waited for, and dropped where too many wait', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`
        let seen = 0;
        registerHook('exchange.ended', () => { seen += 1; if (seen === 3) log.info('three'); }, { priority: 7 });`),
      { limits: { pluginWorkerCallsMax: 2 } },
    );
    const [hook] = loaded.hooks;
    assert.equal(hook?.priority, 7);
    const tell = () => hook?.callback({ exchange: sampleExchange().view } as never);
    assert.equal(tell(), undefined);
    tell();
    assert.throws(tell, /^Error: plugin 'sample' 1\.2\.3: 2 calls of its worker are under way already$/);
    // Told of as soon as there is room again.
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      try {
        tell();
        break;
      } catch {
        // Still full.
      }
    }
    await loaded.book.find(({ msg }) => msg === 'three');
  });

  it('are gone when they are removed, before and after initialize', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`
        registerHook('exchange.started', () => log.info('never'))();
        const remove = registerHook('exchange.ended', () => { log.info('once'); remove(); remove(); });
        registerHook('plugin.loaded', () => log.info('after'));`),
    );
    assert.deepEqual(
      loaded.hooks.map(({ point }) => point),
      ['exchange.ended', 'plugin.loaded'],
    );
    const [ended, last] = loaded.hooks;
    ended?.callback({ exchange: sampleExchange().view } as never);
    await loaded.book.find(({ msg }) => msg === 'once');
    ended?.callback({ exchange: sampleExchange().view } as never);
    last?.callback({ plugin: 'a', version: '1.0.0', file: '/a' } as never);
    await loaded.book.find(({ msg }) => msg === 'after');
    assert.equal(loaded.book.records.filter(({ msg }) => msg === 'once').length, 1);
  });

  it('end a thread that hangs, and are refused until there is another', async (test) => {
    const workshop = await Workshop.open(test);
    const heard = Promise.withResolvers<Error>();
    const loaded = await workshop.inWorker(source(`registerHook('exchange.ended', () => { for (;;); });`), {
      limits: { pluginWorkerTimeoutMs: 100 },
      onHookFailure: (_point, error) => heard.resolve(error),
    });
    const [hook] = loaded.hooks;
    const stay = setInterval(() => undefined, 1_000);
    hook?.callback({ exchange: sampleExchange().view } as never);
    const { message } = await heard.promise;
    clearInterval(stay);
    assert.match(
      message,
      /its thread was ended, as its hook at exchange\.ended gave no answer within 100 ms/,
    );
    const refused = failure((async () => hook?.callback({ exchange: sampleExchange().view } as never))());
    assert.match((await refused).message, /is being started again/);
    assert.equal(loaded.plugin.restarts, 1);
  });
});
