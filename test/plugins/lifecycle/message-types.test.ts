import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineMessageType } from '../../../src/messages/message-type.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { SessionContext } from '../../messages/session-context.ts';
import { createStage, type Stage } from './stage.ts';

const head = `import { defineMessageType, SightlineError } from 'sightline'; import { z } from 'zod';`;

/** Registers a type whose handler does this. */
const brings = (type: string, handle = 'return null;') => `
  context.registerMessageType(defineMessageType({
    type: '${type}',
    schema: z.looseObject({ type: z.string() }),
    async handle(message, { send }) { ${handle} },
  }));`;

const save = (stage: Stage, name: string, body = '', version = '1.0.0', more: object = {}) =>
  stage.writePlugin(name, { head, body, version, ...more });

/** What a session that lives on gets for a message now. */
function ask(stage: Stage, type: string, message: JsonObject = {}, context = new SessionContext()) {
  return stage.manager.services.messages.handle(type, { type, ...message }, context);
}

const says = (what: string) => `return { type: 'said', what: ${JSON.stringify(what)} };`;

async function said(stage: Stage, type: string): Promise<unknown> {
  const result = await ask(stage, type);
  return result.kind === 'changed' ? result.message.what : result.kind;
}

describe('message types of plugins', () => {
  it('come, change and go with their plugin', async () => {
    await using stage = await createStage();
    assert.equal(stage.manager.services.messages.size, 0);
    await save(stage, 'a', brings('greet', says('hello')));
    await stage.apply('a');
    assert.equal(await said(stage, 'greet'), 'hello');
    await save(stage, 'a', brings('greet', says('servus')) + brings('part', says('bye')), '1.1.0');
    await stage.apply('a');
    assert.equal(await said(stage, 'greet'), 'servus');
    assert.equal(await said(stage, 'part'), 'bye');
    await stage.remove('a');
    assert.equal(stage.manager.services.messages.size, 0);
    await stage.drained();
    assert.deepEqual(stage.manager.leaks, []);
  });

  it('are told to telemetry, and to the log where they fail', async () => {
    await using stage = await createStage();
    await save(stage, 'a', brings('greet', `throw new TypeError('no such table');`));
    await stage.apply('a');
    const result = await ask(stage, 'greet');
    assert.ok(result.kind === 'refused');
    assert.equal(result.error.message, "Message type 'greet' of a@1.0.0 failed.");
    assert.ok(stage.counted.includes('message greet of a: refused'));
    const record = stage.logged.find(({ messageType }) => messageType === 'greet');
    assert.equal(record?.msg, result.error.message);
    assert.equal(record?.exchange, 'session-1');
    assert.equal(record?.culprit, 'a@1.0.0/greet');
    assert.equal(record?.error, 'TypeError: no such table');
    assert.match(String(record?.stack), /a\.plugin\.ts:\d+:\d+/);
  });

  it('have breakers of their own, which are gone with the version', async () => {
    await using stage = await createStage({ limits: { breakerFailuresMax: 1 } });
    await save(stage, 'a', brings('greet', `throw new Error('broken');`) + brings('part'));
    await stage.apply('a');
    await ask(stage, 'greet');
    const second = await ask(stage, 'greet');
    assert.equal(second.kind === 'refused' && second.error.code, 'breaker_open');
    assert.deepEqual(await ask(stage, 'part'), { kind: 'dropped' });
    assert.ok(stage.counted.includes('breakers of a 1'));
    await save(stage, 'a', brings('greet'), '1.1.0');
    await stage.apply('a');
    assert.deepEqual(await ask(stage, 'greet'), { kind: 'dropped' });
    await stage.drained();
    assert.ok(stage.counted.includes('breakers of a -1'));
  });

  it('are cleaned up when the last message has been handled by the version that it began with', async () => {
    await using stage = await createStage();
    const answers = new Map<string, () => void>();
    (globalThis as { answerOf?: unknown }).answerOf = (version: string) =>
      new Promise<void>((resolve) => answers.set(version, resolve));
    const waits = `await globalThis.answerOf(context.version); return { type: 'said', what: context.version };`;
    await save(stage, 'a', brings('greet', waits));
    await stage.apply('a');
    const asked = said(stage, 'greet');
    await save(stage, 'a', brings('greet', waits), '1.1.0');
    await stage.apply('a');
    assert.equal(stage.manager.draining.length, 1);
    stage.takeNotes();
    answers.get('1.0.0')?.();
    assert.equal(await asked, '1.0.0');
    await stage.drained();
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 abort', 'a@1.0.0 cleanup']);
    Reflect.deleteProperty(globalThis, 'answerOf');
  });

  it('are registered until initialize has answered, checked, and once', async () => {
    await using stage = await createStage();
    const wrong = {
      late: `void context.signal.addEventListener('abort', () => { try { ${brings('x')} } catch (e) { note(e.message); } });`,
      twice: brings('x') + brings('x'),
      taken: brings('query'),
      shapeless: `context.registerMessageType({ type: 'x', handle() {} } as never);`,
    };
    for (const [name, body] of Object.entries(wrong)) await save(stage, name, body);
    await stage.apply(...Object.keys(wrong));
    assert.equal(stage.active, 'late@1.0.0');
    const problemOf = (name: string) => stage.events.find((event) => event.startsWith(`rejected ${name}@`));
    assert.match(problemOf('twice') ?? '', /Two message types are named 'x'; names must be unique/);
    assert.match(problemOf('taken') ?? '', /'query' is one of the stream protocol itself/);
    assert.match(problemOf('shapeless') ?? '', /'x' needs a schema/);
    await stage.remove('late');
    await stage.drained();
    assert.ok(
      stage
        .takeNotes()
        .some((note) => note.startsWith('registerMessageType is possible until initialize has answered')),
    );
  });
});

describe('of two plugins with one message type', () => {
  it('the one that comes later is rejected, and told by whom; it waits', async () => {
    await using stage = await createStage();
    await save(stage, 'b', brings('greet', says('b')));
    await stage.apply('b');
    await save(stage, 'a');
    await save(stage, 'c', brings('greet', says('c')));
    await stage.apply('a', 'c');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
    assert.equal(stage.stateOf('c'), 'rejected');
    assert.ok(
      stage.events.includes(
        "rejected c@1.0.0 (dependencies): The message type 'greet' is taken by the plugin 'b'.",
      ),
    );
    // Nothing of it is left, and nobody else was begun anew for it.
    assert.deepEqual(stage.takeNotes(), [
      'b@1.0.0 initialize',
      'a@1.0.0 initialize',
      'c@1.0.0 initialize',
      'c@1.0.0 abort',
      'c@1.0.0 cleanup',
    ]);
    assert.equal(await said(stage, 'greet'), 'b');
    await stage.remove('b');
    assert.equal(stage.active, 'a@1.0.0 c@1.0.0');
    assert.equal(await said(stage, 'greet'), 'c');
  });

  it('the first in order is active where they come together', async () => {
    await using stage = await createStage();
    for (const name of ['a', 'b', 'c']) await save(stage, name, brings('greet', says(name)));
    await stage.apply('c', 'b', 'a');
    assert.equal(stage.active, 'a@1.0.0');
    assert.match(stage.events.join('\n'), /rejected b@1\.0\.0.*taken by the plugin 'a'/);
    assert.match(stage.events.join('\n'), /rejected c@1\.0\.0.*taken by the plugin 'a'/);
  });

  it('a new version does not take what another one has', async () => {
    await using stage = await createStage();
    await save(stage, 'a', brings('part', says('a')));
    await save(stage, 'b', brings('greet', says('b')));
    await stage.apply('a', 'b');
    await save(stage, 'a', brings('greet', says('a')), '1.1.0');
    await stage.apply('a');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
    assert.equal(await said(stage, 'part'), 'a');
    assert.equal(await said(stage, 'greet'), 'b');
  });

  it('also where both have new versions', async () => {
    await using stage = await createStage();
    await save(stage, 'a', '');
    await save(stage, 'b', brings('greet', says('b')));
    await stage.apply('a', 'b');
    await save(stage, 'a', brings('greet', says('a')), '1.1.0');
    await save(stage, 'b', brings('greet', says('new b')), '1.1.0');
    await stage.apply('a', 'b');
    assert.equal(stage.active, 'a@1.0.0 b@1.1.0');
    assert.equal(await said(stage, 'greet'), 'new b');
  });

  it('it can move from the one to the other in one step', async () => {
    await using stage = await createStage();
    await save(stage, 'a', '');
    await save(stage, 'b', brings('greet', says('b')));
    await stage.apply('a', 'b');
    await save(stage, 'a', brings('greet', says('a')), '1.1.0');
    await save(stage, 'b', '', '1.1.0');
    await stage.apply('a', 'b');
    assert.equal(stage.active, 'a@1.1.0 b@1.1.0');
    assert.equal(await said(stage, 'greet'), 'a');
  });

  it('those that need the one that is rejected go with it', async () => {
    await using stage = await createStage();
    await save(stage, 'x', brings('greet', says('x')));
    await stage.apply('x');
    await save(stage, 'a', brings('greet', says('a')));
    await save(stage, 'b', '', '1.0.0', { needs: { a: '^1.0.0' } });
    await stage.apply('a', 'b');
    assert.equal(stage.active, 'x@1.0.0');
    await stage.remove('x');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
  });
});

describe('message types of the embedding program', () => {
  const greet = defineMessageType({
    type: 'greet',
    schema: z.looseObject({}),
    handle: () => ({ type: 'said', what: 'program' }),
  });

  it('are there with every generation', async () => {
    await using stage = await createStage({ messageTypes: [greet] });
    assert.equal(await said(stage, 'greet'), 'program');
    await save(stage, 'a', brings('part'));
    await stage.apply('a');
    assert.equal(await said(stage, 'greet'), 'program');
    assert.ok(stage.counted.includes('message greet of undefined: changed'));
  });

  it('cannot be taken by a plugin', async () => {
    await using stage = await createStage({ messageTypes: [greet] });
    await save(stage, 'a', brings('greet'));
    await stage.apply('a');
    assert.equal(stage.active, '');
    assert.match(stage.events.at(-1) ?? '', /'greet' is one of the program that embeds Sightline/);
    assert.equal(await said(stage, 'greet'), 'program');
  });
});
