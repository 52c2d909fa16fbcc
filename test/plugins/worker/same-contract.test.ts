import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExchangeView } from '../../../src/exchange/view.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { startProxy } from '../../middleware/proxy.ts';
import { type Loaded, source, Workshop } from './workshop.ts';

/*
 * The same file, in the process and in a worker, before the same traffic: clients, the upstream and telemetry
 * see the same.
 */

const secret = 'call 555-1234';

const plugins: Readonly<Record<string, string>> = {
  'leaves everything': `registerMiddleware({ name: 'm', beforeQuery: () => undefined });`,
  'gives back what it was given': `
    registerMiddleware({ name: 'm', beforeQuery: (query) => query, afterResponse: (reply) => reply });`,
  'changes the payload': `
    registerMiddleware({ name: 'm', beforeQuery: (query) =>
      query.with({ payload: { ...query.payload, model: 'sim-tokens-3' } }) });`,
  'changes headers and target': `
    registerMiddleware({ name: 'm', beforeQuery: (query) => query.with({
      target: query.target + '?added=1', headers: [...query.headers, 'x-added', 'yes'] }) });`,
  blocks: `
    registerMiddleware({ name: 'm', beforeQuery() {
      throw new SightlineError('blocked', { message: 'No phone numbers.' }); } });`,
  'answers with a whole reply': `
    registerMiddleware({ name: 'm', beforeQuery: async () =>
      Reply.json(201, { from: 'worker' }, ['x-from', 'worker']) });`,
  'answers with a stream': `
    registerMiddleware({ name: 'm', beforeQuery: () => Reply.events([
      new Chunk({ event: '', data: '{"choices":[{"index":0,"delta":{"content":"hi"}}]}' }),
      new Chunk({ event: 'named', data: 'two\\nlines', id: '7' }),
      new Chunk({ event: '', data: '[DONE]' }),
    ]) });`,
  'masks texts both ways': `
    const mask = (text) => text.replace(/[0-9]{3}-[0-9]{4}/g, '###');
    registerMiddleware({ name: 'm',
      beforeQuery: (query, { dialect }) =>
        query.with({ payload: dialect.mapQueryText(query.payload, mask) }),
      afterResponse: (reply, { dialect }) =>
        reply.payload && reply.with({ payload: dialect.mapReplyText(reply.payload, (text) => text + '!') }),
    });`,
  'changes status and headers of the reply': `
    registerMiddleware({ name: 'm', afterResponse: (reply) =>
      reply.with({ status: 202, headers: [...reply.headers, 'x-seen', String(reply.isSent)] }) });`,
  throws: `registerMiddleware({ name: 'm', beforeQuery() { throw new TypeError('out of order'); } });`,
  'throws and is passed over': `
    registerMiddleware({ name: 'm', onFailure: 'continue', beforeQuery() { throw 'a text'; } });`,
  'gives back something else': `registerMiddleware({ name: 'm', beforeQuery: () => 42 });`,
  'gives back a query where a reply was expected': `
    registerMiddleware({ name: 'm', afterResponse: () => new Query({ method: 'GET', target: '/', headers: [] }) });`,
  'repairs an error': `
    registerMiddleware({ name: 'm', beforeQuery: () => undefined, onError: (error) =>
      Reply.json(299, { code: error.code, message: error.message, culprit: error.culprit ?? null,
        status: error.status, isOurs: error instanceof SightlineError }) });
    registerMiddleware({ name: 'inner', beforeQuery() { throw new SightlineError('blocked', { message: 'no' }); } });`,
  'adds to telemetry': `
    registerMiddleware({ name: 'm',
      beforeQuery: (query, exchange) => {
        exchange.setAttribute('tenant', exchange.header('x-tenant') ?? 'none');
        exchange.setAttribute('count', 3);
        exchange.setLabel('team', 'blue');
      },
      afterResponse: async (reply, exchange) => {
        exchange.setAttribute('tokens', exchange.usage.output ?? -1);
        exchange.setAttribute('status', exchange.status ?? 0);
      } });`,
  'keeps state on the exchange': `
    const key = createKey('seen');
    const views = new WeakMap();
    registerMiddleware({ name: 'm',
      beforeQuery: (query, exchange) => {
        exchange.setAttribute('had', exchange.has(key));
        exchange.set(key, { model: query.payload.model });
        views.set(exchange, 'the same');
      },
      afterResponse: (reply, exchange) => {
        exchange.setAttribute('model', exchange.get(key).model);
        exchange.setAttribute('view', views.get(exchange) ?? 'another');
      } });`,
  'tells all that it sees of an exchange': `
    const seen = (exchange) => JSON.stringify({
      id: exchange.id, request: { ...exchange.request, headers: 'left out' }, upstream: exchange.upstream,
      dialect: exchange.dialect?.name, operation: exchange.dialect?.operation, query: exchange.query,
      usage: exchange.usage, reply: exchange.reply && { ...exchange.reply, id: 'left out' },
      attempts: exchange.attempts, status: exchange.status ?? null, outcome: exchange.outcome ?? null,
      elapsed: exchange.elapsedMs > 0 && exchange.elapsedMs < 60_000,
      started: Math.abs(exchange.clock.startedEpochMs - Date.now()) < 60_000
        && exchange.clock.startedAt <= performance.now() });
    registerMiddleware({ name: 'm',
      beforeQuery: (query, exchange) => exchange.setAttribute('in', seen(exchange)),
      afterResponse: (reply, exchange) => exchange.setAttribute('out', seen(exchange)) });`,
};

const ofTheMoment = new Set(['date', 'traceresponse', 'openai-processing-ms']);

/** What clients, the upstream and telemetry saw of one query. */
async function traffic(loaded: Loaded, payload: JsonObject) {
  const view = Promise.withResolvers<{ attributes: unknown; labels: unknown }>();
  await using proxy = await startProxy({ middleware: loaded.middleware });
  // The exchange behind a view is nobody's business but telemetry's; here it is the test's.
  const { recorder } = proxy.service.telemetry;
  const end = recorder.end.bind(recorder);
  recorder.end = (exchange) => {
    view.resolve({ attributes: Object.fromEntries(exchange.attributes), labels: [...exchange.labels] });
    end(exchange);
  };
  const answer = await proxy.ask(payload, { headers: { 'x-tenant': 'blue' } });
  const ended: ExchangeView = await proxy.endings.of(answer.id);
  const headers = Object.entries(answer.headers).filter(([name]) => !ofTheMoment.has(name));
  return {
    status: answer.status,
    headers: Object.fromEntries(headers),
    body: answer.bytes.toString().replaceAll(/"trace_id":"[^"]*"/g, ''),
    isClean: answer.isClean,
    outcome: ended.outcome,
    query: ended.query,
    received: (await proxy.simulator.journal.settled()).map(({ url, requestSha256, modelRequested }) => ({
      url,
      requestSha256,
      modelRequested,
    })),
    ...(await view.promise),
  };
}

describe('a plugin in a worker does what it does in the process', () => {
  for (const [what, initialize] of Object.entries(plugins)) {
    for (const stream of [false, true]) {
      it(`${what}, ${stream ? 'before a stream' : 'before a whole reply'}`, async (test) => {
        const workshop = await Workshop.open(test);
        const text = source(initialize);
        const payload = { model: 'gpt-4o', stream, messages: [{ role: 'user', content: secret }] };
        const inside = await traffic(await workshop.inProcess(text), payload);
        const worker = await traffic(await workshop.inWorker(text), payload);
        assert.deepEqual(worker, inside);
      });
    }
  }
});
