import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { SightlineError } from '../../../src/errors.ts';
import type { Owner } from '../../../src/exchange/owner.ts';
import {
  defineMessageType,
  type MessageContext,
  type MessageType,
} from '../../../src/messages/message-type.ts';
import { ProtocolExtension } from '../../../src/messages/protocol-extension.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { ReaderStage, settled } from './reader-stage.ts';
import { toyDialect } from './toy-dialect.ts';

const owner: Owner = { name: 'test', version: '1.0.0', frames: () => '' };

type Handle = (message: JsonObject, context: MessageContext) => ReturnType<MessageType['handle']>;

function withType(type: string, handle: Handle): ProtocolExtension {
  const schema = z.looseObject({ type: z.literal(type), text: z.string('expected a text').optional() });
  return new ProtocolExtension([{ messageType: defineMessageType({ type, schema, handle }), owner }]);
}

const parsed = (texts: readonly string[]) => texts.map((text) => JSON.parse(text));

/** With a dialect and without one: message types are there for both. */
for (const dialect of [toyDialect, undefined]) {
  describe(`a message type on a session ${dialect ? 'with' : 'without'} a dialect`, () => {
    const start = (type: string, handle: Handle, middleware: readonly Middleware[] = []) =>
      new ReaderStage({ dialect, messages: withType(type, handle), middleware });

    it('gets its messages before anybody else, and the others go on as the same bytes', async () => {
      const got: unknown[] = [];
      using stage = start('note', (message) => void got.push(message));
      await stage.client({ type: 'note', text: 'a' });
      const odd = ['{ "type":"other" }', 'no JSON', '[]', '{"type":1}'];
      for (const text of odd) await stage.client(text);
      assert.deepEqual(got, [{ type: 'note', text: 'a' }]);
      assert.deepEqual(stage.got.upstream, ['{"type":"note","text":"a"}', ...odd]);
      assert.equal(stage.lease.acquired, stage.lease.released);
    });

    it('changes a message, or drops it and answers', async () => {
      using stage = start('note', ({ text }, { send, session, kind }) => {
        if (text !== 'answer') return { type: 'other', text };
        send({ type: 'noted', session: session.id, kind });
        return null;
      });
      await stage.client({ type: 'note', text: 'a' });
      await stage.client({ type: 'note', text: 'answer' });
      assert.deepEqual(parsed(stage.got.upstream), [{ type: 'other', text: 'a' }]);
      assert.deepEqual(parsed(stage.got.client), [{ type: 'noted', session: 'session-1', kind: 'proxied' }]);
    });

    it('refuses what is wrong with an error to the client, and the session goes on', async () => {
      using stage = start('note', () => {
        throw new Error('secret');
      });
      await stage.client({ type: 'note', id: 'n1', text: 1 });
      await stage.client({ type: 'note' });
      assert.deepEqual(stage.got.upstream, []);
      const [invalid, failed] = parsed(stage.got.client);
      if (dialect) {
        const { message, requestId, ...told } = invalid;
        assert.deepEqual(told, {
          type: 'problem',
          code: 'message_invalid',
          id: 'n1',
          field: 'text',
          reason: 'expected a text',
        });
        assert.match(message, /text: expected a text/);
      } else {
        const { code, field, reason } = invalid.error;
        assert.deepEqual(
          { type: invalid.type, code, field, reason },
          {
            type: 'error',
            code: 'message_invalid',
            field: 'text',
            reason: 'expected a text',
          },
        );
      }
      assert.equal((dialect ? failed : failed.error).code, 'message_failed');
      assert.equal(stage.facts.refused, 2);
      assert.equal(stage.session.exchange.hasEnded, false);
    });

    it('learns that the session has ended; what it says then goes nowhere', async () => {
      let aborted = false;
      using stage = start('note', async (_message, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        aborted = true;
      });
      const asked = stage.client({ type: 'note' });
      await settled();
      stage.close('client');
      await asked;
      assert.equal(aborted, true);
      assert.deepEqual(stage.got.upstream, []);
      assert.equal(stage.lease.acquired, stage.lease.released);
    });

    it('comes before middleware, which sees what goes on', async () => {
      const seen: unknown[] = [];
      const watch: Middleware = { name: 'watch', beforeQuery: ({ payload }) => void seen.push(payload) };
      using stage = start('note', () => ({ type: 'other' }), [watch]);
      await stage.client({ type: 'note' });
      assert.deepEqual(seen, [{ type: 'other' }]);
    });
  });
}

describe('a message type', () => {
  it('can make a query of a message', async () => {
    using stage = new ReaderStage({ messages: withType('note', ({ text }) => ({ type: 'ask', text })) });
    await stage.client({ type: 'note', text: 'a' });
    stage.upstream({ type: 'begin', turn: 't1' });
    stage.upstream({ type: 'end', turn: 't1' });
    assert.equal(stage.turns[0]?.outcome, 'completed');
    assert.equal(stage.turns[0]?.requestBytes, stage.got.upstream[0]?.length);
  });

  it('comes and goes while a session runs', async () => {
    using stage = new ReaderStage({ dialect: undefined });
    assert.equal(stage.reader.plan('client', false), 'pass');
    stage.reload({ messages: withType('note', () => null) });
    assert.equal(stage.reader.plan('client', false), 'hold');
    await stage.client({ type: 'note' });
    assert.deepEqual(stage.got.upstream, []);
    stage.reload({ messages: new ProtocolExtension([]) });
    await stage.client({ type: 'note' });
    assert.equal(stage.got.upstream.length, 1);
  });

  it('is asked for by the exact type, whatever a message looks like at first', async () => {
    using stage = new ReaderStage({ messages: withType('note', () => null) });
    await stage.client('{"type":"audio","type":"note"}');
    assert.deepEqual(stage.got.upstream, []);
  });

  it('refuses in its own words', async () => {
    using stage = new ReaderStage({
      messages: withType('note', () => {
        throw new SightlineError('blocked', { message: 'Not now.' });
      }),
    });
    await stage.client({ type: 'note' });
    assert.deepEqual(parsed(stage.got.client), [
      { type: 'problem', code: 'blocked', message: 'Not now.', requestId: 'session-1' },
    ]);
  });
});
