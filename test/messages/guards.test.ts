import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { SightlineError } from '../../src/errors.ts';
import { Breaker } from '../../src/exchange/breaker.ts';
import type { Lease } from '../../src/flow/lease.ts';
import { defineMessageType, type MessageType } from '../../src/messages/message-type.ts';
import type { HandledMessage } from '../../src/messages/protocol-extension.ts';
import type { JsonObject } from '../../src/wire/json.ts';
import { ask, extend, greet, owner, refusalOf } from './greeting.ts';
import { SessionContext } from './session-context.ts';

describe('the deadline', () => {
  it('holds for schema, validators and handler, and aborts the signal', async () => {
    const never = new Promise<never>(() => undefined);
    const schema = (wait: unknown): StandardSchemaV1<unknown, JsonObject> => ({
      '~standard': { version: 1, vendor: 'by hand', validate: (value) => (wait ?? { value }) as never },
    });
    const types = [
      { schema: schema(never), handle: () => null },
      { schema: schema(undefined), validators: [() => never], handle: () => null },
      { schema: schema(undefined), handle: () => never },
    ];
    for (const type of types) {
      const messageType = defineMessageType({ type: 'greet', ...type });
      const { code, message } = refusalOf(await ask(extend({ messageType, owner }, { timeoutMs: 5 })));
      assert.equal(code, 'message_failed');
      assert.equal(message, "Message type 'greet' of greeter@1.2.0 gave no answer within 5 ms.");
    }
  });

  it('aborts the signal, and nothing that is sent later reaches anybody', async () => {
    const context = new SessionContext();
    const late = Promise.withResolvers<void>();
    const messageType = greet(async (_message, { signal, send }) => {
      await once(signal, 'abort');
      send({ type: 'late' });
      late.resolve();
      throw new Error('nobody hears of this');
    });
    const result = await ask(extend(messageType, { timeoutMs: 5 }), {}, context);
    assert.equal(refusalOf(result).code, 'message_failed');
    await late.promise;
    assert.deepEqual(context.sent, []);
  });

  it('does not end what was answered in time: it may send on', async () => {
    const context = new SessionContext();
    const later = Promise.withResolvers<void>();
    const messageType = greet((_message, { send, signal }) => {
      void later.promise.then(() => send({ type: 'tick', aborted: signal.aborted }));
      return null;
    });
    await ask(extend(messageType), {}, context);
    later.resolve();
    await later.promise;
    assert.deepEqual(context.sent, [{ type: 'tick', aborted: false }]);
  });

  it('is not the only one: the end of the session aborts the signal as well', async () => {
    const context = new SessionContext();
    const messageType = greet(async (_message, { signal }) => {
      setImmediate(() => context.end());
      await once(signal, 'abort');
      return null;
    });
    assert.deepEqual(await ask(extend(messageType), {}, context), { kind: 'dropped' });
  });
});

describe('the breaker of a type', () => {
  const guarded = (messageType: MessageType) => {
    let now = 0;
    const breaker = new Breaker({ failuresMax: 2, openMs: 1_000, now: () => now });
    return { extension: extend({ messageType, owner, breaker }), breaker, pass: (ms: number) => (now += ms) };
  };

  it('opens after failures, also of a schema, and lets one message try later', async () => {
    let isBroken = true;
    let calls = 0;
    const { extension, pass } = guarded(
      greet(() => {
        calls += 1;
        if (isBroken) throw new Error('broken');
        return null;
      }),
    );
    for (let i = 0; i < 2; i += 1) await ask(extension);
    const { code, message, culprit } = refusalOf(await ask(extension));
    assert.equal(code, 'breaker_open');
    assert.equal(message, "Message type 'greet' of greeter@1.2.0 is out of order after repeated failures.");
    assert.equal(culprit, 'greeter@1.2.0/greet');
    assert.equal(calls, 2);
    pass(1_000);
    isBroken = false;
    assert.deepEqual(await ask(extension), { kind: 'dropped' });
    assert.deepEqual(await ask(extension), { kind: 'dropped' });
  });

  it('does not open for messages that are invalid or refused', async () => {
    const { extension, breaker } = guarded(
      defineMessageType({
        type: 'greet',
        schema: z.looseObject({ to: z.string() }),
        handle: () => {
          throw new SightlineError('blocked');
        },
      }),
    );
    for (let i = 0; i < 5; i += 1) assert.equal(refusalOf(await ask(extension)).code, 'message_invalid');
    for (let i = 0; i < 5; i += 1)
      assert.equal(refusalOf(await ask(extension, { to: 'Ada' })).code, 'blocked');
    assert.equal(breaker.state, 'closed');
  });

  it('counts failures one after the other', async () => {
    const { extension, breaker } = guarded(
      greet(({ isBroken }) => {
        if (isBroken) throw new Error('broken');
      }),
    );
    for (const isBroken of [true, false, true, false, true]) await ask(extension, { isBroken });
    assert.equal(breaker.state, 'closed');
  });

  it('is not deceived by invalid messages between those that fail', async () => {
    const { extension, breaker } = guarded(
      defineMessageType({
        type: 'greet',
        schema: z.looseObject({ to: z.string() }),
        handle: () => assert.fail(),
      }),
    );
    for (const message of [{ to: 'Ada' }, {}, { to: 'Ada' }]) await ask(extension, message);
    assert.equal(breaker.state, 'open');
  });
});

describe('whoever watches', () => {
  it('is told of each message, with its result and time, and harms nobody', async () => {
    const handled: HandledMessage[] = [];
    const onHandled = (one: HandledMessage) => {
      handled.push(one);
      throw new Error('telemetry is broken');
    };
    const messageType = defineMessageType({
      type: 'greet',
      schema: z.looseObject({ to: z.string() }),
      handle: () => undefined,
    });
    const extension = extend({ messageType, owner }, { onHandled });
    assert.deepEqual(await ask(extension, { to: 'Ada' }), { kind: 'passed' });
    const refused = await ask(extension);
    assert.deepEqual(
      handled.map(({ durationMs, ...rest }) => ({ ...rest, isTimed: durationMs >= 0 })),
      [
        { type: 'greet', owner, result: 'passed', error: undefined, isTimed: true },
        {
          type: 'greet',
          owner,
          result: 'refused',
          error: refused.kind === 'refused' && refused.error,
          isTimed: true,
        },
      ],
    );
  });
});

class CountedLease implements Lease {
  held = 0;
  acquire(): void {
    this.held += 1;
  }
  release(): void {
    this.held -= 1;
  }
}

it('a lease is held until the handler has answered', async () => {
  const lease = new CountedLease();
  const answer = Promise.withResolvers<null>();
  const asked = ask(
    extend(
      greet(() => answer.promise),
      { lease },
    ),
  );
  assert.equal(lease.held, 1);
  answer.resolve(null);
  await asked;
  assert.equal(lease.held, 0);
  await ask(
    extend(
      greet(() => assert.fail()),
      { lease },
    ),
  );
  assert.equal(lease.held, 0);
});
