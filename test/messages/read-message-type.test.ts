import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import type { MessageType } from '../../src/messages/message-type.ts';
import { readMessageType } from '../../src/messages/read-message-type.ts';
import { clientMessages } from '../../src/stream/protocol.ts';

const valid = { type: 'greet', schema: z.object({}), handle: () => null };

function refused(given: unknown, message: RegExp): void {
  assert.throws(() => readMessageType(given as MessageType), { name: 'TypeError', message });
}

describe('a message type is refused', () => {
  it('where it is none', () => {
    refused(undefined, /Expected what defineMessageType returns/);
    refused('greet', /Expected what defineMessageType returns/);
  });

  it('where its name is none', () => {
    for (const type of [undefined, 7, '', 'Greet', '1greet', 'greet!', '.greet', 'g'.repeat(65)]) {
      refused({ ...valid, type }, /needs a type of lower case letters/);
    }
  });

  it('where its name is one of the stream protocol', () => {
    const names = [...Object.keys(clientMessages), 'chunk', 'response', 'error'];
    for (const type of names) refused({ ...valid, type }, /is one of the stream protocol itself/);
  });

  it('where it has no schema, no handler, or other validators than functions', () => {
    refused({ ...valid, schema: undefined }, /'greet' needs a schema/);
    refused({ ...valid, schema: {} }, /'greet' needs a schema/);
    refused({ ...valid, handle: undefined }, /'greet' needs a function handle/);
    refused({ ...valid, validators: [() => undefined, {}] }, /validators of the message type 'greet'/);
    refused({ ...valid, validators: 7 }, /validators of the message type 'greet'/);
  });
});

it('names of APIs are names of types', () => {
  for (const type of ['conversation.item.create', 'x-greet_2', 'g'.repeat(64), 'constructor']) {
    assert.equal(readMessageType({ ...valid, type }).type, type);
  }
});

it('a message type is what it was when it was registered', () => {
  class Greet {
    type = 'greet';
    schema = z.object({});
    validators = [() => undefined];
    #greeting = { type: 'hello' };
    handle() {
      return this.#greeting;
    }
  }
  const given = new Greet();
  const read = readMessageType(given);
  given.type = 'other';
  given.validators.push(() => undefined);
  assert.equal(read.type, 'greet');
  assert.equal(read.validators?.length, 1);
  assert.deepEqual(read.handle({}, undefined as never), { type: 'hello' });
});
