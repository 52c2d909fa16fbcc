import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { SightlineError } from '../../src/errors.ts';
import { defineMessageType, type MessageContext, type MessageType } from '../../src/messages/message-type.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import type { ErrorMessage } from '../../src/stream/protocol.ts';
import { Endings } from '../support/endings.ts';
import { startService } from '../support/service.ts';
import { chat, StreamClient } from './stream-client.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
});
after(() => simulator.close());

const start = (messageTypes: readonly MessageType[] = [], limits: object = {}) =>
  startService({ config: { upstreams: { default: simulator.url }, limits }, messageTypes });

const many = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, value]));

/** The first error after a message, and proof that the session goes on. */
async function refusalOf(client: StreamClient, message: unknown): Promise<ErrorMessage> {
  client.messages.length = 0;
  client.send(typeof message === 'string' ? message : JSON.stringify(message));
  client.send({ type: 'ping', id: 'next' });
  await client.until(({ type }) => type === 'pong');
  const [error] = client.messages;
  assert.equal(error?.type, 'error');
  return error as ErrorMessage;
}

describe('what a handler leaves to others', () => {
  const type = (name: string, handle: MessageType['handle']) =>
    defineMessageType({ type: name, schema: z.looseObject({ type: z.string() }), handle });

  it('is unknown here, unless the handler has answered', async () => {
    const silent = type('silent', () => undefined);
    const answering = type('answering', (_message, { send }) => send({ type: 'answer', id: 1 }));
    await using service = await start([silent, answering]);
    await using client = await StreamClient.open(service);
    const { id, error } = await refusalOf(client, { type: 'silent', id: 1 });
    assert.deepEqual([id, error.code], [1, 'unknown_type']);
    client.messages.length = 0;
    client.send({ type: 'answering', id: 1 });
    client.send({ type: 'ping', id: 'next' });
    await client.until(({ type }) => type === 'pong');
    assert.deepEqual(
      client.messages.map((message) => message.type),
      ['answer', 'pong'],
    );
  });

  it('is refused with the id of the message that it came from', async () => {
    await using service = await start([
      type('other', () => ({ type: 'nobody-knows' })),
      type('wrong', () => ({ type: 'query', path: '/x' })),
    ]);
    await using client = await StreamClient.open(service);
    for (const [name, code] of [
      ['other', 'unknown_type'],
      ['wrong', 'message_invalid'],
    ]) {
      const { id, error } = await refusalOf(client, { type: name, id: 'mine' });
      assert.deepEqual([id, error.code], ['mine', code]);
    }
  });
});

describe('a message that is not accepted', () => {
  it('is answered with what is wrong with it, by field and reason', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const query = { type: 'query', id: 'q', path: '/x' };
    const cases: readonly (readonly [unknown, string | undefined, RegExp])[] = [
      [{ ...query, path: 'x' }, 'path', /a path that begins with/],
      [{ ...query, path: undefined }, 'path', /^expected string/],
      [{ ...query, surprise: 1 }, 'surprise', /no field of this name/],
      [{ ...query, headers: { 'a b': 'c' } }, 'headers.a b', /header names/],
      [{ ...query, headers: { x: 'a\r\nb' } }, 'headers.x', /without line breaks/],
      [{ ...query, headers: { x: 1 } }, 'headers.x', /a text, or a list of texts/],
      [{ ...query, headers: [] }, 'headers', /headers by their names/],
      [{ ...query, headers: many(2_001, 'x') }, 'headers', /^expected at most 2000 headers$/],
      [{ ...query, headers: { x: 'x'.repeat(20_000) } }, 'headers.x', /at most 16384 characters/],
      [{ ...query, headers: { x: Array(65).fill('x') } }, 'headers.x', /at most 64 values/],
      [{ ...query, trailers: { x: ['a', 'b\n'] } }, 'trailers.x', /without line breaks/],
      [{ ...query, path: '/a b' }, 'path', /without spaces/],
      [{ ...query, traceparent: 'a\r\nb' }, 'traceparent', /without line breaks/],
      [{ ...query, traceparent: 'a', tracestate: 'a\u0100' }, 'tracestate', /header values/],
      [{ ...query, body: {}, text: '' }, 'body', /one of body, text and base64/],
      [{ ...query, body: [] }, 'body', /a JSON object/],
      [{ ...query, base64: 'ä' }, 'base64', /base64/],
      [{ ...query, method: 'CONNECT' }, 'method', /capital letters/],
      [{ ...query, reply: 'all' }, 'reply', /"events" or "bytes"/],
      [{ ...query, window: 0 }, 'window', />=1/],
      [{ type: 'window', id: 'q', bytes: 1.5 }, 'bytes', /int/],
      [{ type: 'cancel', id: 'q', now: true }, 'now', /no field/],
    ];
    for (const [message, field, reason] of cases) {
      const { id, error } = await refusalOf(client, message);
      assert.equal(error.code, 'message_invalid', field);
      assert.equal(error.field, field);
      assert.match(error.reason ?? '', reason);
      assert.equal(id, 'q');
      assert.equal(error.outcome, undefined);
    }
  });

  it('is told by the first of many things that are wrong with its headers', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const { error } = await refusalOf(client, {
      type: 'query',
      id: 'q',
      path: '/x',
      headers: many(2_000, 1),
    });
    assert.equal(
      error.message,
      "The message 'query' is not as its type wants it: headers.h0: expected a text, or a list of texts.",
    );
  });

  it('has no id where none can be read', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    for (const id of [undefined, {}, '', -1, 'x'.repeat(129)]) {
      const refusal = await refusalOf(client, { type: 'cancel', id });
      assert.equal(refusal.error.field, 'id');
      assert.equal(refusal.id, undefined);
    }
  });

  it('need not even be JSON, and is never quoted', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const broken = await refusalOf(client, '{"type":"query","secret":"sk-1');
    assert.equal(broken.error.code, 'malformed_json');
    assert.match(broken.error.message, /character 25/);
    assert.ok(!JSON.stringify(broken).includes('sk-1'));
    const deep = await refusalOf(client, '['.repeat(50_000));
    assert.equal(deep.error.code, 'malformed_json');
    for (const text of ['[]', '"query"', 'null'])
      assert.match((await refusalOf(client, text)).error.reason ?? '', /a JSON object/);
    assert.equal((await refusalOf(client, { id: 1 })).error.field, 'type');
    assert.equal((await refusalOf(client, { type: 5, id: 1 })).id, 1);
    const unknown = await refusalOf(client, { type: 'subscribe', id: 1 });
    assert.deepEqual([unknown.error.code, unknown.error.field, unknown.id], ['unknown_type', 'type', 1]);
    for (const type of ['chunk', 'response', '__proto__'])
      assert.equal((await refusalOf(client, `{"type":"${type}"}`)).error.code, 'unknown_type');
    client.messages.length = 0;
    client.socket.send(Buffer.from('{}'));
    const binary = await client.until(({ type }) => type === 'error');
    assert.match((binary as ErrorMessage).error.reason ?? '', /a text message/);
  });

  it('may be nested too deeply to go anywhere', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    const body = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    client.send(`{"type":"query","id":1,"path":"/v1/chat/completions","body":${body}}`);
    assert.equal((await client.answer(1)).error?.code, 'malformed_json');
    assert.equal((await client.ask(chat(2, 'sim-tokens-1'))).response?.status, 200);
  });

  it('is no end of anything where it names a query that is over', async () => {
    await using service = await start();
    await using client = await StreamClient.open(service);
    await client.ask(chat(1, 'sim-tokens-1'));
    client.messages.length = 0;
    client.send({ type: 'cancel', id: 1 }, { type: 'window', id: 1, bytes: 5 }, { type: 'pong' });
    client.send({ type: 'ping' });
    await client.until(({ type }) => type === 'pong');
    assert.deepEqual(client.messages, [{ type: 'pong' }]);
  });
});

describe('a message type of a plugin', () => {
  const message = (type: string) =>
    z.object({ type: z.literal(type), id: z.number().optional(), n: z.number() });

  it('is handled in its turn, and what goes on is a message of the protocol', async () => {
    const gate = Promise.withResolvers<void>();
    const types = [
      defineMessageType({
        type: 'slow',
        schema: message('slow'),
        handle: async ({ n }, context) => {
          await gate.promise;
          context.send({ type: 'slow.done', n });
          return null;
        },
      }),
      defineMessageType({
        type: 'ask',
        schema: message('ask'),
        handle: ({ n, id }) => chat(id ?? 0, `sim-tokens-${n}`),
      }),
      defineMessageType({ type: 'note', schema: message('note'), handle: () => undefined }),
      defineMessageType({
        type: 'wrong',
        schema: message('wrong'),
        handle: ({ n }) => (n === 1 ? { type: 'note', n: 1 } : { type: 'cancel' }),
      }),
    ];
    await using service = await start(types);
    await using client = await StreamClient.open(service);
    client.send({ type: 'slow', n: 1 }, { type: 'slow', n: 2 }, { type: 'ping', id: 'behind' });
    client.send({ type: 'ask', id: 3, n: 2 }, { type: 'note', n: 1 });
    gate.resolve();
    const { response } = await client.answer(3);
    assert.equal(response?.model, 'sim-tokens-2');
    const order = client.messages.map(({ type, id }) => [type, id].filter(Boolean).join(' ')).slice(0, 3);
    assert.deepEqual(order, ['slow.done', 'slow.done', 'pong behind']);
    assert.equal((await refusalOf(client, { type: 'wrong', n: 1 })).error.code, 'unknown_type');
    assert.equal((await refusalOf(client, { type: 'wrong', n: 2 })).error.field, 'id');
  });

  it('refuses with field and reason, or fails, and the session goes on', async () => {
    const types = [
      defineMessageType({
        type: 'picky',
        schema: message('picky'),
        handle: ({ n }) => {
          if (n === 1) throw new SightlineError('blocked', { message: 'Not you.' });
          if (n === 2) throw new Error('secret');
          return null;
        },
      }),
    ];
    await using service = await start(types);
    await using client = await StreamClient.open(service);
    const invalid = await refusalOf(client, { type: 'picky', id: 1, n: 'x' });
    assert.deepEqual([invalid.error.code, invalid.error.field, invalid.id], ['message_invalid', 'n', 1]);
    assert.equal((await refusalOf(client, { type: 'picky', id: 1, n: 1 })).error.message, 'Not you.');
    const failed = await refusalOf(client, { type: 'picky', id: 1, n: 2 });
    assert.equal(failed.error.code, 'message_failed');
    assert.ok(!JSON.stringify(failed).includes('secret'));
  });

  it('can send to the client later, until the session has ended', async () => {
    const contexts: MessageContext[] = [];
    const subscribe = defineMessageType({
      type: 'subscribe',
      schema: message('subscribe'),
      handle: (_message, context) => {
        contexts.push(context);
        return null;
      },
    });
    await using service = await start([subscribe]);
    const endings = new Endings(service);
    await using client = await StreamClient.open(service, {
      headers: { 'x-request-id': 'session', 'x-tenant': 'acme' },
    });
    client.send({ type: 'subscribe', n: 1 }, { type: 'ping' });
    await client.until(({ type }) => type === 'pong');
    const [context] = contexts;
    assert.ok(context);
    assert.equal(context.kind, 'stream');
    assert.equal(context.session.header('x-tenant'), 'acme');
    context.send({ type: 'news', n: 5 });
    const news: unknown = await client.until(({ type }) => (type as string) === 'news');
    assert.deepEqual(news, { type: 'news', n: 5 });
    assert.equal(context.signal.aborted, false);
    client.socket.close();
    await endings.of('session');
    assert.equal(context.signal.aborted, true);
    context.send({ type: 'news', n: 6 });
  });

  it('waits with what is behind it, and not without bound', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = defineMessageType({
      type: 'slow',
      schema: message('slow'),
      handle: async () => {
        await gate.promise;
        return null;
      },
    });
    await using service = await start([slow], {
      messageBytesMax: 1_000,
      clientMessagesPerSecondMax: 1_000_000,
    });
    await using client = await StreamClient.open(service);
    // In one piece: what has been read already cannot be held back.
    client.raw.cork();
    client.send({ type: 'slow', n: 1 });
    for (let i = 0; i < 50; i += 1) client.send({ type: 'ping', id: 'x'.repeat(100) });
    client.raw.uncork();
    assert.deepEqual(await client.closed, { code: 1008, reason: 'The client sends too many messages.' });
    gate.resolve();
  });
});
