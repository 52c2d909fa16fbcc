import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attributes, Meter, MetricOptions } from '@opentelemetry/api';
import { ask, failure, sampleExchange, source, Workshop } from './workshop.ts';

/** A meter that writes down what it is told. */
function notebook() {
  const notes: unknown[] = [];
  const create = (kind: string) => (name: string, options?: MetricOptions) => {
    notes.push([kind, name, options?.unit ?? null]);
    const note = (value: number, attributes?: Attributes) => notes.push([name, value, attributes ?? null]);
    return { add: note, record: note };
  };
  const meter = {
    createCounter: create('counter'),
    createUpDownCounter: create('upDownCounter'),
    createHistogram: create('histogram'),
    createGauge: create('gauge'),
  } as unknown as Meter;
  return { notes, meter };
}

describe('the telemetry of a plugin in a worker', () => {
  it('records its instruments in the service, before the answer', async (test) => {
    const { notes, meter } = notebook();
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`
        const seen = meter.createCounter('sample.seen', { unit: '{query}' });
        const open = meter.createUpDownCounter('sample.open');
        const size = meter.createHistogram('sample.size');
        registerMiddleware({ name: 'm', beforeQuery() {
          seen.add(1, { tenant: 'blue' });
          seen.add(2);
          open.add(-1);
          size.record(3.5);
          meter.createGauge('sample.last').record(7);
          meter.createGauge('sample.last').record(8);
        } });`),
      { meter },
    );
    await ask(loaded);
    assert.deepEqual(notes, [
      ['counter', 'sample.seen', '{query}'],
      ['upDownCounter', 'sample.open', null],
      ['histogram', 'sample.size', null],
      ['gauge', 'sample.last', null],
      ['sample.seen', 1, { tenant: 'blue' }],
      ['sample.seen', 2, null],
      ['sample.open', -1, null],
      ['sample.size', 3.5, null],
      ['sample.last', 7, null],
      ['sample.last', 8, null],
    ]);
  });

  it('logs with name and version, and errors with lines of the source', async (test) => {
    const workshop = await Workshop.open(test);
    const { book } = await workshop.inWorker(
      source(`
        log.info('plain');
        log.warn({ tenant: 'blue', size: 3n, open() {} }, 'with fields');
        log.error({ err: new RangeError('too far') }, 'with an error');
        const circle = {}; circle.circle = circle;
        log.debug(circle, 'with a circle');`),
    );
    const last = await book.find(({ msg }) => msg === 'with a circle');
    const [plain, fields, error] = book.records;
    assert.deepEqual(
      [plain?.level, plain?.msg, plain?.plugin, plain?.version],
      [30, 'plain', 'sample', '1.2.3'],
    );
    assert.deepEqual([fields?.level, fields?.tenant, fields?.size], [40, 'blue', '3']);
    assert.ok(error);
    const { stack, ...err } = error.err as Record<string, string>;
    assert.deepEqual(err, { type: 'RangeError', message: 'too far' });
    assert.match(String(stack), /at .*sample\.plugin\.ts:12:\d+/);
    assert.equal(last.level, 20);
  });

  it('gives what it prints to the log, and not to our output', async (test) => {
    const workshop = await Workshop.open(test);
    const { book } = await workshop.inWorker(
      source(`console.log('one\\ntwo'); console.error('three'); process.stdout.write('four');`),
    );
    for (const [msg, stream] of [
      ['one', 'stdout'],
      ['two', 'stdout'],
      ['three', 'stderr'],
    ]) {
      const record = await book.find((one) => one.msg === msg);
      assert.deepEqual([record.level, record.stream], [20, stream]);
    }
  });

  it('drops and counts log records that come faster than they are taken', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery() {
        for (let i = 0; i < 5_000; i += 1) log.info('record ' + i);
      } });`),
    );
    await ask(loaded);
    const told = await loaded.book.find(({ msg }) => /came too fast/.test(msg));
    const records = loaded.book.records.filter(({ msg }) => msg.startsWith('record '));
    assert.ok(records.length >= 1_000);
    assert.equal(records.length + Number(told.dropped), 5_000);
  });

  it('hears the last words before a hang', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery() { log.info('now it comes'); for (;;); } });`),
      { limits: { pluginWorkerTimeoutMs: 100 } },
    );
    const hangs = failure(ask(loaded));
    await loaded.book.find(({ msg }) => msg === 'now it comes');
    await hangs;
  });

  it('adds to an exchange also where the callback has failed, and after it has answered', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery(query, exchange) {
        exchange.setAttribute('early', true);
        setTimeout(() => { exchange.setAttribute('late', 1); exchange.setLabel('late', 'yes'); setImmediate(() => log.info('done')); });
        throw new Error('no');
      } });`),
    );
    const exchange = sampleExchange();
    await failure(ask(loaded, {}, exchange));
    assert.deepEqual([...exchange.attributes], [['early', true]]);
    await loaded.book.find(({ msg }) => msg === 'done');
    assert.deepEqual(
      [...exchange.attributes],
      [
        ['early', true],
        ['late', 1],
      ],
    );
    assert.deepEqual([...exchange.labels], [['late', 'yes']]);
  });

  it('leaves out what is no value of an attribute, and harms nothing', async (test) => {
    const { notes, meter } = notebook();
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery(query, exchange) {
        exchange.setAttribute('right', 'a');
        exchange.setAttribute('wrong', () => 1);
        exchange.setLabel('wrong', Symbol('x'));
        const seen = meter.createCounter('sample.seen');
        seen.add(1, { right: ['b'], wrong: () => 1, wrongToo: [{}] });
        seen.add(Symbol('x'));
        setImmediate(() => { exchange.setAttribute('late', { f() {} }); setImmediate(() => log.info('done')); });
      } });`),
      { meter },
    );
    const exchange = sampleExchange();
    await ask(loaded, {}, exchange);
    await loaded.book.find(({ msg }) => msg === 'done');
    assert.deepEqual([...exchange.attributes, ...exchange.labels], [['right', 'a']]);
    assert.deepEqual(notes.slice(1), [['sample.seen', 1, { right: ['b'] }]]);
    assert.equal(loaded.plugin.restarts, 0);
  });

  it('makes no instruments without end', async (test) => {
    const { notes, meter } = notebook();
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery() {
        for (let i = 0; ; i += 1) meter.createCounter('sample.' + i);
      } });`),
      { meter },
    );
    assert.match((await failure(ask(loaded))).message, /'sample\.1000' would be instrument 1001/);
    assert.equal(notes.length, 1_000);
  });

  it('cuts log records that are too long for people', async (test) => {
    const workshop = await Workshop.open(test);
    const { book } = await workshop.inWorker(
      source(`const long = 'x'.repeat(10_000_000); log.info(long); log.info({ long, n: 1 }, long);`),
    );
    for (const { msg, long } of book.records) {
      assert.ok(msg.length > 1_000 && msg.length < 100_000);
      assert.equal(long, undefined);
    }
    assert.equal(book.records.length, 2);
  });

  it('tells where in the source an error was thrown, and what caused it', async (test) => {
    const workshop = await Workshop.open(test);
    const loaded = await workshop.inWorker(
      source(`registerMiddleware({ name: 'm', beforeQuery() {
        throw new Error('outer', { cause: new SyntaxError('inner') });
      } });`),
    );
    const error = await failure(ask(loaded));
    assert.match(loaded.plugin.frames(error).split('\n')[0] ?? '', /at .*\/sample\.plugin\.ts:10:\d+\)$/);
    assert.ok(error.cause instanceof SyntaxError);
    assert.equal(error.cause.message, 'inner');
  });
});
