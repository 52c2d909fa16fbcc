import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { createKey } from '../../src/exchange/keys.ts';
import { defineMessageType, type MessageType } from '../../src/messages/message-type.ts';
import type { JsonObject } from '../../src/wire/json.ts';
import { anything, ask, extend, refusalOf } from './greeting.ts';
import { SessionContext } from './session-context.ts';

describe('a schema', () => {
  const schema = z.strictObject({
    type: z.literal('greet'),
    options: z.strictObject({ to: z.string('expected a name') }),
    names: z.array(z.strictObject({ first: z.string('expected a text') })).default([]),
    times: z.coerce.number('expected a number').default(1),
  });

  it('changes what the handler sees, and not what is passed on', async () => {
    const seen: unknown[] = [];
    const messageType = defineMessageType({
      type: 'greet',
      schema,
      handle: (message) => void seen.push(message.times + 1, message.names),
    });
    const message = { options: { to: 'Ada' }, times: '2' };
    assert.deepEqual(await ask(extend(messageType), message), { kind: 'passed' });
    assert.deepEqual(seen, [3, []]);
    assert.equal(message.times, '2');
  });

  it('refuses by field and reason, and tells of more than one problem', async () => {
    const messageType = defineMessageType({ type: 'greet', schema, handle: () => assert.fail() });
    const result = await ask(extend(messageType), { options: {}, names: [{ first: 'Ada' }, { first: 7 }] });
    assert.deepEqual(refusalOf(result), {
      code: 'message_invalid',
      message:
        "The message 'greet' is not as its type wants it: options.to: expected a name; names.1.first: expected a text.",
      culprit: undefined,
      field: 'options.to',
      reason: 'expected a name',
    });
  });

  it('refuses the whole message without a field', async () => {
    const messageType = defineMessageType({ type: 'greet', schema, handle: () => assert.fail() });
    const { field, reason } = refusalOf(await ask(extend(messageType), { options: { to: 'Ada' }, tiems: 3 }));
    assert.equal(field, undefined);
    assert.match(reason ?? '', /tiems/);
  });

  const byHand = (validate: StandardSchemaV1.Props<unknown, JsonObject>['validate']) =>
    extend(
      defineMessageType({
        type: 'greet',
        schema: { '~standard': { version: 1, vendor: 'by hand', validate } },
        handle: (message) => ({ type: 'greeted', ...(message as JsonObject) }),
      }),
    );

  it('may be of any library, and may take its time', async () => {
    const soon = byHand(async (value) => ({ value: { name: (value as JsonObject).to } }));
    assert.deepEqual(await ask(soon, { to: 'Ada' }), {
      kind: 'changed',
      message: { type: 'greeted', name: 'Ada' },
    });
    const never = byHand(async () => ({ issues: [{ message: 'nobody', path: ['a', { key: 'b' }, 0] }] }));
    const { field, reason } = refusalOf(await ask(never));
    assert.deepEqual([field, reason], ['a.b.0', 'nobody']);
  });

  it('may refuse without a word', async () => {
    const { code, field, reason, message } = refusalOf(await ask(byHand(() => ({ issues: [] }))));
    assert.deepEqual([code, field, reason], ['message_invalid', undefined, undefined]);
    assert.equal(message, "The message 'greet' is not as its type wants it.");
  });

  it('has its words cut short, and their number', async () => {
    const issues = Array.from({ length: 7 }, () => ({ message: 'x'.repeat(1e6), path: ['y'.repeat(1e6)] }));
    const { message, field, reason } = refusalOf(await ask(byHand(() => ({ issues }))));
    assert.ok(message.length < 2_000);
    assert.match(message, /; and 4 more\.$/);
    assert.deepEqual([field?.length, reason?.length], [201, 201]);
  });

  it('that throws, or answers with something else, is a failure of its type', async () => {
    const broken = [
      byHand(() => {
        throw new Error('odd');
      }),
      byHand(async () => Promise.reject(new Error('odd'))),
      byHand(() => undefined as never),
    ];
    for (const extension of broken) assert.equal(refusalOf(await ask(extension)).code, 'message_failed');
  });
});

describe('validators', () => {
  const withValidators = (...validators: NonNullable<MessageType['validators']>) =>
    extend(defineMessageType({ type: 'greet', schema: anything, validators, handle: () => null }));

  it('run in order, and the first to find something refuses the message', async () => {
    const ran: string[] = [];
    const extension = withValidators(
      async () => void ran.push('first'),
      () => {
        ran.push('second');
        return { field: 'options.to', reason: 'nobody of that name' };
      },
      () => void ran.push('third'),
    );
    const { code, message, field, reason } = refusalOf(await ask(extension));
    assert.deepEqual(ran, ['first', 'second']);
    assert.deepEqual([code, field, reason], ['message_invalid', 'options.to', 'nobody of that name']);
    assert.match(message, /: options\.to: nobody of that name\.$/);
  });

  it('find nothing by null as well', async () => {
    const nothing = (() => null) as never;
    assert.deepEqual(await ask(withValidators(nothing)), { kind: 'dropped' });
  });

  it('that find something else have failed', async () => {
    for (const answer of [false, 'wrong', { field: 'to' }, { reason: 'x' }, []]) {
      const { code, culprit } = refusalOf(await ask(withValidators((() => answer) as never)));
      assert.deepEqual([code, culprit], ['message_failed', 'greet']);
    }
  });

  it('see the session and keep state on it', async () => {
    const count = createKey<number>('count');
    const extension = withValidators((_message, { session }) => {
      session.set(count, (session.has(count) ? session.get(count) : 0) + 1);
    });
    const context = new SessionContext();
    await ask(extension, {}, context);
    await ask(extension, {}, context);
    assert.equal(context.session.get(count), 2);
  });
});
