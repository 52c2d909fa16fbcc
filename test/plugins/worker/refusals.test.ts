import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, failure, source, Workshop } from './workshop.ts';

interface Refusal {
  readonly initialize?: string;
  readonly extra?: string;
  readonly text?: string;
  readonly config?: unknown;
  readonly step: string;
  /** It is refused when its time is over. */
  readonly isStuck?: true;
  readonly message: RegExp;
  /** Line in the TypeScript source; `initialize` begins in line 9. */
  readonly line?: number;
}

const middleware = `registerMiddleware({ name: 'm', beforeQuery() {} });`;

const refusals: Readonly<Record<string, Refusal>> = {
  'an onChunk': {
    initialize: `registerMiddleware({ name: 'm', onChunk() {} });`,
    step: 'initialize',
    message: /has onChunk, which answers at once: a stream cannot wait for a worker\. Leave it out, or run/,
    line: 9,
  },
  'a tracer': {
    initialize: `const { tracer } = arguments[0];`,
    step: 'initialize',
    message: /context\.tracer is not to be had in a worker.*setAttribute, or run without isolation/,
    line: 9,
  },
  'a message type': {
    initialize: `rest.registerMessageType({ type: 'greet', schema: {}, handle() {} });`,
    step: 'initialize',
    message: /registerMessageType is not to be had in a worker.*Run without isolation/,
    line: 9,
  },
  'an observable gauge': {
    initialize: `meter.createObservableGauge('x');`,
    step: 'initialize',
    message: /createObservableGauge is not to be had in a worker.*Use createGauge/,
    line: 9,
  },
  'an observable callback': {
    initialize: `meter.addBatchObservableCallback(() => {}, []);`,
    step: 'initialize',
    message: /addBatchObservableCallback is not to be had in a worker/,
  },
  'use of another plugin': {
    initialize: `rest.use('tenant');`,
    step: 'initialize',
    message: /use\('tenant'\) is not to be had in a worker.*Run without isolation/,
  },
  'optional use of another plugin': {
    initialize: `rest.useOptional('tenant');`,
    step: 'initialize',
    message: /useOptional\('tenant'\) is not to be had in a worker/,
  },
  dependencies: {
    extra: `dependencies: { tenant: '^1.0.0' },`,
    step: 'shape',
    message: /has dependencies \(tenant\) and isolation 'worker'.*Leave out the one or the other/,
  },
  'optional dependencies': {
    extra: `optionalDependencies: { tenant: '^1.0.0' },`,
    step: 'shape',
    message: /has optionalDependencies \(tenant\)/,
  },
  'something for other plugins': {
    initialize: `return { lookUp() {} };`,
    step: 'initialize',
    message: /returned something for other plugins, which cannot leave its worker\. Return nothing, or/,
  },
  'another isolation': {
    text: source(middleware).replace(`isolation: 'worker'`, `isolation: 'none'`),
    step: 'shape',
    message: /isolation of plugin 'sample' is 'none'\. Expected that literal in definePlugin/,
  },
  'no plugin': {
    text: 'export default 42;',
    step: 'shape',
    message: /Expected "export default definePlugin/,
  },
  'an unknown field': { extra: `intialise() {},`, step: 'shape', message: /intialise is unknown/ },
  'a module that throws': {
    text: `\nthrow new Error('no such table');`,
    step: 'evaluate',
    message: /no such table/,
    line: 2,
  },
  'a module that never ends': {
    isStuck: true,
    text: 'for (;;);',
    step: 'evaluate',
    message: /^Its module was not evaluated: it gave no answer within 1000 ms, and its thread was ended$/,
  },
  'a module that ends the process': {
    text: 'process.exit(3);',
    step: 'evaluate',
    message: /^Its module was not evaluated: it ended itself with code 3/,
  },
  'an initialize that throws': {
    initialize: `\n  throw new TypeError('wrong');`,
    step: 'initialize',
    message: /^initialize of 'sample' failed: wrong$/,
    line: 10,
  },
  'an initialize that throws no error': {
    initialize: `throw undefined;`,
    step: 'initialize',
    message: /initialize of 'sample' failed: undefined/,
  },
  'an initialize that loops for ever': {
    isStuck: true,
    initialize: `for (;;);`,
    step: 'initialize',
    message:
      /^initialize did not come to its end: it gave no answer within 1000 ms, and its thread was ended$/,
  },
  'an initialize that never answers': {
    isStuck: true,
    initialize: `return new Promise(() => {});`,
    step: 'initialize',
    message: /gave no answer within 1000 ms/,
  },
  'an initialize that ends the process': {
    initialize: `process.exit(0);`,
    step: 'initialize',
    message: /^initialize did not come to its end: it ended itself with code 0/,
  },
  'an initialize that uses up its memory': {
    initialize: `const all = []; for (;;) all.push({ text: 'x'.repeat(100) + all.length });`,
    step: 'initialize',
    message: /memory|gave no answer/,
  },
  'a timer that throws meanwhile': {
    initialize: `setImmediate(() => { throw new Error('too late'); }); return new Promise(() => {});`,
    step: 'initialize',
    message: /nobody caught: too late/,
  },
  'a config that does not fit': {
    extra: `config: { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [
      { message: 'expected a number', path: ['limit'] }] }) } },`,
    step: 'config',
    message: /^plugins\.config\.sample\.limit: expected a number$/,
  },
  'a schema that throws': {
    extra: `config: { '~standard': { version: 1, vendor: 'test', validate() { throw new Error('odd'); } } },`,
    step: 'config',
    message: /^Its schema failed: odd$/,
  },
  'a schema that never answers': {
    isStuck: true,
    extra: `config: { '~standard': { version: 1, vendor: 'test', validate() { for (;;); } } },`,
    step: 'config',
    message: /^Its config was not checked: it gave no answer within 1000 ms/,
  },
  'a config that cannot cross': {
    config: { secret: () => 'a function' },
    step: 'config',
    message: /^plugins\.config\.sample cannot be sent to its worker: /,
  },
  'an unknown hook point': {
    initialize: `registerHook('exchange.begun', () => {});`,
    step: 'initialize',
    message: /Unknown hook point 'exchange\.begun'; expected one of exchange\.started/,
  },
  'a priority that is no number': {
    initialize: `registerHook('exchange.ended', () => {}, { priority: NaN });`,
    step: 'initialize',
    message: /priority must be a finite number/,
  },
  'two middleware of one name': {
    initialize: `${middleware} ${middleware}`,
    step: 'initialize',
    message: /Two middleware are named 'm'/,
  },
  'a middleware without callbacks': {
    initialize: `registerMiddleware({ name: 'm' });`,
    step: 'initialize',
    message: /has none of/,
  },
};

describe('a worker refuses at load, and says why and where:', () => {
  for (const [what, { initialize = middleware, extra, text, config, isStuck, ...expected }] of Object.entries(
    refusals,
  )) {
    it(what, async (test) => {
      const workshop = await Workshop.open(test);
      const plugin = text ?? source(initialize, extra);
      const problem = await workshop.refusal(plugin, {
        config,
        limits: {
          pluginInitializeTimeoutMs: isStuck ? 1_000 : 60_000,
          pluginWorkerHeapBytesMax: 32 * 1024 * 1024,
        },
      });
      assert.equal(problem.step, expected.step, problem.message);
      assert.match(problem.message, expected.message);
      assert.equal(problem.place?.file, workshop.folder.path('sample.plugin.ts'));
      if (expected.line !== undefined) assert.equal(problem.place.line, expected.line);
    });
  }

  it('takes nothing more when initialize has answered', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(
        `registerMiddleware({ name: 'm', beforeQuery() { registerHook('exchange.ended', () => {}); } });`,
      ),
    );
    assert.match(
      (await failure(ask(loaded))).message,
      /registerHook is possible until initialize has answered/,
    );
  });
});
