import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { SightlineError } from '../../../src/errors.ts';
import type { ExchangeView } from '../../../src/exchange/view.ts';
import { defineMessageType } from '../../../src/messages/message-type.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import type { Service } from '../../../src/service.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { startService, type TestServiceOptions } from '../../support/service.ts';

/** Answers as a realtime API does: a response of three words to each `response.create`; `wait` has it never end. */
function answer(socket: WebSocket, text: string, number: number): void {
  const message = JSON.parse(text);
  const id = `resp_${number}`;
  const say = (payload: JsonObject) => socket.send(JSON.stringify(payload));
  const response = { id, object: 'realtime.response', status: 'in_progress' };
  if (message.type === 'session.update') say({ type: 'session.updated', session: message.session });
  if (message.type !== 'response.create') return;
  say({ type: 'response.created', response });
  for (const delta of ['one ', 'two ', 'three']) {
    say({
      type: 'response.output_text.delta',
      response_id: id,
      item_id: 'i',
      output_index: 0,
      content_index: 0,
      delta,
    });
  }
  if (message.wait) return;
  const usage = { input_tokens: 4, output_tokens: 3, total_tokens: 7 };
  say({ type: 'response.done', response: { ...response, status: 'completed', usage, output: [] } });
}

interface Stage extends AsyncDisposable {
  readonly service: Service;
  /** What the upstream got. */
  readonly got: JsonObject[];
  readonly ended: ExchangeView[];
  readonly upstreams: ReadonlySet<WebSocket>;
  connect(): Promise<Client>;
}

async function start(options: TestServiceOptions = {}): Promise<Stage> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const got: JsonObject[] = [];
  let number = 0;
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const text = String(data);
      if (!text.startsWith('{')) return;
      got.push(JSON.parse(text));
      number += 1;
      answer(socket, text, number);
    });
  });
  const { port } = server.address() as AddressInfo;
  const service = await startService({
    ...options,
    config: { upstreams: { default: `http://127.0.0.1:${port}` } },
  });
  const ended: ExchangeView[] = [];
  service.hooks.registerHook('exchange.ended', ({ exchange }) => ended.push(exchange));
  const clients: Client[] = [];
  return {
    service,
    got,
    ended,
    upstreams: server.clients,
    async connect() {
      const client = new Client(`${service.dataUrl}/v1/realtime?model=gpt-realtime`);
      clients.push(client);
      await once(client.socket, 'open');
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of clients) socket.terminate();
      await service.stop();
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

class Client {
  readonly socket: WebSocket;
  readonly #waiting: ((message: JsonObject) => void)[] = [];
  readonly #messages: JsonObject[] = [];

  constructor(url: string) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'));
    this.socket.on('message', (data: RawData) => {
      const message = JSON.parse(String(data));
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#messages.push(message);
    });
  }

  say(message: JsonObject): void {
    this.socket.send(JSON.stringify(message));
  }

  next(): Promise<JsonObject> {
    const message = this.#messages.shift();
    return message ? Promise.resolve(message) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Up to the next message of this type, that one included. */
  async until(type: string): Promise<JsonObject[]> {
    const messages = [await this.next()];
    while (messages.at(-1)?.type !== type) messages.push(await this.next());
    return messages;
  }

  async close(): Promise<void> {
    this.socket.close(1000);
    await once(this.socket, 'close');
  }
}

/** Resolves when this many exchanges have ended. */
async function endings(stage: Stage, count: number): Promise<(string | undefined)[]> {
  while (stage.ended.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  return stage.ended.map(({ kind, outcome }) => `${kind} ${outcome}`);
}

const create = { type: 'response.create' };
const words = (messages: readonly JsonObject[]) => messages.map(({ delta }) => delta ?? '').join('');

describe('a realtime session through the service', () => {
  it('has its turns as exchanges, with tokens, beside the session', async () => {
    await using stage = await start();
    const client = await stage.connect();
    for (let i = 0; i < 2; i += 1) {
      client.say(create);
      assert.equal(words(await client.until('response.done')), 'one two three');
    }
    await client.close();
    assert.deepEqual(await endings(stage, 3), ['turn completed', 'turn completed', 'session completed']);
    const [turn] = stage.ended;
    assert.deepEqual(turn?.usage, { input: 4, output: 3 });
    assert.equal(turn?.query?.model, 'gpt-realtime');
    assert.equal(turn?.sessionId, stage.ended[2]?.id);
    assert.equal(stage.service.inFlight.size, 0);
  });

  it('tells what became of a turn that its session did not outlive', async () => {
    await using stage = await start();
    const client = await stage.connect();
    client.say({ ...create, wait: true });
    await client.until('response.created');
    await client.close();
    assert.deepEqual(await endings(stage, 2), ['turn client_aborted', 'session completed']);
    const other = await stage.connect();
    other.say({ ...create, wait: true });
    await other.until('response.created');
    for (const socket of stage.upstreams) socket.terminate();
    assert.deepEqual((await endings(stage, 4)).slice(2), [
      'turn upstream_truncated',
      'session upstream_truncated',
    ]);
  });

  it('has middleware and message types act on single messages, and goes on where one is refused', async () => {
    const shout: Middleware = {
      name: 'shout',
      async beforeQuery(query) {
        await null;
        if (query.payload.bad) throw new SightlineError('blocked', { message: 'Not that.' });
        return query.with({ payload: { ...query.payload, seen: true } });
      },
      onChunk(chunk) {
        const { delta } = chunk.payload ?? {};
        return typeof delta === 'string'
          ? chunk.with({ payload: { ...chunk.payload, delta: delta.toUpperCase() } })
          : undefined;
      },
    };
    const loud = defineMessageType({
      type: 'loud',
      schema: z.object({ type: z.literal('loud'), times: z.number() }),
      handle: ({ times }) => (times > 0 ? create : null),
    });
    await using stage = await start({ middleware: [shout], messageTypes: [loud] });
    const client = await stage.connect();
    client.say({ ...create, bad: true });
    client.say({ type: 'loud', times: 'three' });
    client.say({ type: 'loud', times: 0 });
    client.say({ type: 'loud', times: 1 });
    const messages = await client.until('response.done');
    const problems = messages.filter(({ type }) => type === 'error').map(({ error }) => error as JsonObject);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['blocked', 'message_invalid'],
    );
    assert.equal(words(messages), 'ONE TWO THREE');
    const asked = stage.got.filter(({ type }) => type === 'response.create');
    assert.deepEqual(asked, [{ ...create, seen: true }]);
    await client.close();
    assert.deepEqual(await endings(stage, 3), ['turn blocked', 'turn completed', 'session completed']);
  });

  it('lets a turn end before it stops', async () => {
    await using stage = await start();
    const client = await stage.connect();
    client.say({ ...create, wait: true });
    await client.until('response.created');
    const stopped = stage.service.stop();
    const [upstream] = stage.upstreams;
    const response = { id: 'resp_1', status: 'completed', output: [] };
    upstream?.send(JSON.stringify({ type: 'response.done', response }));
    await client.until('response.done');
    await once(client.socket, 'close');
    await stopped;
    assert.deepEqual(await endings(stage, 2), ['turn completed', 'session completed']);
  });
});
