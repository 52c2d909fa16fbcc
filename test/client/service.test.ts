import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import {
  type ConnectOptions,
  connect,
  type ServerEvent,
  type StateChange,
  type StreamClient,
} from '../../src/client/index.ts';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { startService } from '../support/service.ts';
import { eventsOf } from './fake-server.ts';

const path = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'Hello!' }];
const body = { model: 'sim-tokens-2', messages };
const streamed = { ...body, stream: true, stream_options: { include_usage: true } };

interface Piece {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

describe('the client and a service', () => {
  let simulator: Simulator;
  let service: Service & AsyncDisposable;
  before(async () => {
    simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
    service = await startService({ config: { upstreams: { default: simulator.url } } });
  });
  after(async () => {
    await service.stop();
    await simulator.close();
  });

  const open = (options: ConnectOptions = {}, to: Service = service): StreamClient =>
    connect(new URL('/stream', to.dataUrl), options);

  /** Outcomes of the exchanges that end from here on. */
  const outcomes = (count: number, of: Service = service): Promise<unknown[]> => {
    const { promise, resolve } = Promise.withResolvers<unknown[]>();
    const seen: unknown[] = [];
    const remove = of.hooks.registerHook('exchange.ended', ({ exchange }) => {
      if (exchange.request.path === '/stream' || seen.push(exchange.outcome) < count) return;
      remove();
      resolve(seen);
    });
    return promise;
  };

  it('get a whole reply, with what is known of it', async () => {
    for (const webSocket of [undefined, WebSocket]) {
      await using sightline = open(webSocket ? { webSocket } : {});
      const {
        ok,
        status,
        outcome,
        usage,
        model,
        finishReasons,
        traceId,
        exchangeId,
        body: completion,
      } = await sightline.query<{ object: string }>({ path, body });
      assert.deepEqual(
        { ok, status, outcome, model, finishReasons },
        { ok: true, status: 200, outcome: 'completed', model: 'sim-tokens-2', finishReasons: ['stop'] },
      );
      assert.equal(completion?.object, 'chat.completion');
      assert.deepEqual([usage.input, usage.output], [5, 2]);
      assert.match(traceId ?? '', /^[0-9a-f]{32}$/);
      assert.match(exchangeId ?? '', /^[0-9a-f-]{36}$/);
    }
  });

  it('get a stream event by event', async () => {
    await using sightline = open();
    const query = sightline.query<Piece>({ path, body: streamed });
    const texts: (string | undefined)[] = [];
    for await (const { data, text } of query) texts.push(data?.choices[0]?.delta.content ?? text);
    assert.equal(texts.filter(Boolean).join(''), 'To debug[DONE]');
    assert.equal((await query).usage.output, 2);
  });

  it('are of one trace, where the app has one', async () => {
    await using sightline = open();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { traceId } = await sightline.query({ path, body, traceparent });
    assert.equal(traceId, '0af7651916cd43dd8448eb211c80319c');
  });

  it('give up a query in the middle, and count it so', async () => {
    await using sightline = open();
    const ended = outcomes(2);
    const slow = { ...streamed, model: 'sim-stall-1' };
    for await (const _event of sightline.query({ path, body: slow })) break;
    const controller = new AbortController();
    const aborted = sightline.query({ path, body: slow, signal: controller.signal });
    const { value } = await aborted[Symbol.asyncIterator]().next();
    assert.ok(value);
    controller.abort();
    await assert.rejects(aborted, { code: 'client_aborted', wasSent: true });
    assert.deepEqual(await ended, ['client_aborted', 'client_aborted']);
  });

  it('do fifty queries at once, also while one of them is not taken', async () => {
    await using sightline = open({ window: 20_000 });
    const long = { ...streamed, model: 'sim-tokens-200' };
    const slow = sightline.query<Piece>({ path, body: long })[Symbol.asyncIterator]();
    await slow.next();
    const queries = Array.from({ length: 49 }, () => sightline.query<Piece>({ path, body: long }));
    const lengths = await Promise.all(queries.map(async (query) => (await eventsOf(query)).length));
    const [length = 0] = lengths;
    assert.ok(length > 200);
    assert.ok(lengths.every((one) => one === length));
    const rest = await eventsOf({ [Symbol.asyncIterator]: () => slow });
    assert.equal(rest.length, length - 1);
    assert.deepEqual(rest.at(-1), { text: '[DONE]' });
  });

  it('collect a reply that is larger than the window', async () => {
    await using sightline = open({ window: 5_000 });
    const { events, outcome } = await sightline.query({
      path,
      body: { ...streamed, model: 'sim-tokens-200' },
    });
    assert.ok(events.length > 200);
    assert.equal(outcome, 'completed');
  });

  it('get any body in pieces', async () => {
    await using sightline = open();
    const pieces = await eventsOf(sightline.query({ path, body: streamed, reply: 'bytes' }));
    const text = pieces.map((piece) => piece.text ?? '').join('');
    assert.ok(text.startsWith('data: {') && text.endsWith('data: [DONE]\n\n'));
  });

  it('say what went wrong', async () => {
    await using sightline = open();
    const model = 'sim-status-404';
    await assert.rejects(sightline.query({ path: '/v1/chat', method: 'get' }), {
      code: 'message_invalid',
      field: 'method',
      status: 400,
    });
    const missing = await sightline.query({ path, body: { ...body, model } });
    assert.deepEqual([missing.ok, missing.status, missing.outcome], [false, 404, 'upstream_error']);
    await assert.rejects(eventsOf(sightline.query({ path, body: { ...streamed, model } })), {
      code: 'error_status',
      status: 404,
    });
    await assert.rejects(sightline.query({ path, body: { ...streamed, model: 'sim-truncate-1' } }), {
      code: 'upstream_truncated',
      outcome: 'upstream_truncated',
    });
    await assert.rejects(sightline.send({ type: 'sing' }), { code: 'unknown_type', field: 'type' });
  });

  it('find each other again after a restart on the same port', async () => {
    const port = Number(new URL(service.dataUrl).port);
    const config = { upstreams: { default: simulator.url } };
    const states: StateChange['state'][] = [];
    const reconnect = { delayMs: 10, delayMaxMs: 50, attempts: Number.POSITIVE_INFINITY };
    await using sightline = open({ reconnect, onState: ({ state }) => states.push(state) });
    await sightline.query({ path, body });
    await service.stop();
    const waiting = sightline.query({ path, body });
    assert.equal(sightline.state, 'reconnecting');
    service = await startService({ config: { ...config, data: { host: '127.0.0.1', port } } });
    assert.equal((await waiting).status, 200);
    assert.equal(states.at(-1), 'open');
  });

  it('speak message types of plugins', async () => {
    await using folder = await PluginFolder.create();
    await folder.saveFile(
      'types.plugin.ts',
      `import { defineMessageType, definePlugin } from 'sightline';
import { z } from 'zod';
const id = z.number();
const count = defineMessageType({
  type: 'count',
  schema: z.object({ type: z.literal('count'), id, to: z.number() }),
  validators: [({ to }) => (to > 5 ? { field: 'to', reason: 'expected 5 at most' } : undefined)],
  handle({ id, to }, { send }) {
    for (let n = 1; n <= to; n += 1) send({ type: 'counted', id, n });
    return null;
  },
});
const ask = defineMessageType({
  type: 'ask',
  schema: z.object({ type: z.literal('ask'), id, text: z.string() }),
  handle: ({ id, text }) => ({
    type: 'query',
    id,
    path: '${path}',
    body: { model: 'sim-tokens-2', stream: true, messages: [{ role: 'user', content: text }] },
  }),
});
export default definePlugin({
  name: 'types',
  version: '1.0.0',
  initialize({ registerMessageType }) {
    registerMessageType(count);
    registerMessageType(ask);
  },
});
`,
    );
    await using extended = await startWithFolder(folder, { upstreams: { default: simulator.url } });
    await using sightline = open({}, extended);
    const until = ({ n }: ServerEvent) => n === 3;
    const counted = await sightline.send<{ n: number }>({ type: 'count', to: 3 }, { until });
    assert.equal(counted.message.n, 3);
    assert.deepEqual(
      counted.events.map(({ message }) => message?.n),
      [1, 2],
    );
    await assert.rejects(sightline.send({ type: 'count', to: 9 }), {
      code: 'message_invalid',
      field: 'to',
      reason: 'expected 5 at most',
    });
    const asked = sightline.send<Piece>({ type: 'ask', text: 'Hello!' });
    const texts = (await eventsOf(asked)).map(({ data }) => data?.choices[0]?.delta.content);
    assert.equal(texts.filter(Boolean).join(''), 'To debug');
    assert.deepEqual((await asked).finishReasons, ['stop']);
  });
});
