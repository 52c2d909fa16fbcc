import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { ProtocolExtension } from '../../src/messages/protocol-extension.ts';
import type { JsonObject } from '../../src/wire/json.ts';
import { ask, extend, greet, owner, refusalOf } from './greeting.ts';
import { SessionContext } from './session-context.ts';

describe('a handler', () => {
  it('changes the message, by what it returned then', async () => {
    const answer = { type: 'query', body: { model: 'a', gone: undefined } };
    const result = await ask(extend(greet(() => answer)));
    answer.body.model = 'b';
    assert.deepEqual(result, { kind: 'changed', message: { type: 'query', body: { model: 'a' } } });
  });

  it('drops it, with an answer of its own', async () => {
    const context = new SessionContext();
    const extension = extend(
      greet(async ({ name }, { send, kind }) => {
        send({ type: 'greeted', name, kind });
        return null;
      }),
    );
    assert.deepEqual(await ask(extension, { name: 'Ada' }, context), { kind: 'dropped' });
    assert.deepEqual(context.sent, [{ type: 'greeted', name: 'Ada', kind: 'stream' }]);
  });

  it('passes it on', async () => {
    assert.deepEqual(await ask(extend(greet(() => undefined))), { kind: 'passed' });
    assert.deepEqual(await ask(extend(greet(async () => undefined))), { kind: 'passed' });
  });

  it('cannot change what is passed on', async () => {
    const extension = extend(
      greet((message) => {
        (message.options as { to: string }).to = 'Eve';
      }),
    );
    const message = { options: { to: 'Ada' } };
    assert.equal(refusalOf(await ask(extension, message)).code, 'message_failed');
    assert.deepEqual(message, { options: { to: 'Ada' } });
  });

  it('has failed where it returns anything else', async () => {
    const circular: Record<string, unknown> = { type: 'query' };
    circular.self = circular;
    for (const answer of [
      false,
      7,
      'query',
      {},
      { type: 7 },
      [{ type: 'x' }],
      { type: 'x', n: 7n },
      circular,
    ]) {
      const { code, message } = refusalOf(await ask(extend(greet(() => answer))));
      assert.equal(code, 'message_failed');
      assert.equal(message, "Message type 'greet' failed.");
    }
  });

  it('has failed where it throws, and is told with its plugin, version and place', async () => {
    const cause = new Error('no such table');
    const messageType = greet(async () => Promise.reject(cause));
    const result = await ask(extend({ messageType, owner }));
    assert.equal(result.kind, 'refused');
    assert.equal(result.error.code, 'message_failed');
    assert.equal(result.error.message, "Message type 'greet' of greeter@1.2.0 failed.");
    assert.equal(result.error.culprit, 'greeter@1.2.0/greet');
    assert.equal(result.error.cause, cause);
    assert.match(result.error.frames ?? '', /greeter\.plugin\.ts:7:3/);
  });

  it('refuses with words of its own', async () => {
    const messageType = greet(() => {
      throw new SightlineError('blocked', { message: 'Not after ten.' });
    });
    const { code, message, culprit } = refusalOf(await ask(extend({ messageType, owner })));
    assert.deepEqual([code, message, culprit], ['blocked', 'Not after ten.', 'greeter@1.2.0/greet']);
  });

  it('is not called for a message that is nested too deep', async () => {
    let deep: JsonObject = {};
    for (let i = 0; i < 300; i += 1) deep = { deep };
    const { code, reason } = refusalOf(await ask(extend(greet(() => assert.fail())), deep));
    assert.deepEqual([code, reason], ['message_invalid', 'JSON is nested deeper than 256']);
  });

  it('gets nothing that is of another type', async () => {
    const extension = extend(greet(() => null));
    assert.equal(extension.size, 1);
    assert.ok(extension.has('greet', 'stream') && extension.has('greet', 'proxied'));
    assert.ok(!extension.has('other', 'stream'));
    const result = await extension.handle('other', { type: 'other' }, new SessionContext());
    assert.deepEqual(result, { kind: 'passed' });
  });

  for (const on of ['stream', 'proxied'] as const) {
    it(`is one on the sessions that it is for: ${on}`, async () => {
      const extension = extend({ ...greet(() => null), on });
      for (const kind of ['stream', 'proxied'] as const) {
        assert.equal(extension.has('greet', kind), kind === on);
        const context = new SessionContext(kind);
        const { kind: result } = await extension.handle('greet', { type: 'greet', name: 'you' }, context);
        assert.equal(result, kind === on ? 'dropped' : 'passed');
      }
    });
  }

  it('sends JSON objects only', async () => {
    const context = new SessionContext();
    for (const wrong of ['text', undefined, [1]]) {
      const extension = extend(greet((_message, { send }) => send(wrong as never)));
      assert.equal(refusalOf(await ask(extension, {}, context)).code, 'message_failed');
    }
    assert.deepEqual(context.sent, []);
  });
});

it('two types of one name cannot be together', () => {
  const entry = { messageType: greet(() => null) };
  assert.throws(() => new ProtocolExtension([entry, entry]), /Two message types are named 'greet'/);
});
