import assert from 'node:assert/strict';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Owner } from '../../src/exchange/owner.ts';
import { defineMessageType, type MessageContext, type MessageType } from '../../src/messages/message-type.ts';
import {
  type ExtensionOptions,
  type MessageEntry,
  type MessageResult,
  ProtocolExtension,
} from '../../src/messages/protocol-extension.ts';
import type { JsonObject } from '../../src/wire/json.ts';
import { SessionContext } from './session-context.ts';

export const anything: StandardSchemaV1<unknown, JsonObject> = {
  '~standard': { version: 1, vendor: 'by hand', validate: (value) => ({ value: value as JsonObject }) },
};
export const owner: Owner = {
  name: 'greeter',
  version: '1.2.0',
  frames: () => '    at greet (greeter.plugin.ts:7:3)',
};

/** A type `greet` that does this with its messages. */
export function greet(handle: (message: JsonObject, context: MessageContext) => unknown): MessageType {
  return defineMessageType({ type: 'greet', schema: anything, handle: handle as MessageType['handle'] });
}

export function extend(entry: MessageEntry | MessageType, options: ExtensionOptions = {}): ProtocolExtension {
  return new ProtocolExtension(['messageType' in entry ? entry : { messageType: entry }], options);
}

export function ask(
  extension: ProtocolExtension,
  message: JsonObject = {},
  context: MessageContext = new SessionContext(),
): Promise<MessageResult> {
  return extension.handle('greet', { type: 'greet', ...message }, context);
}

export function refusalOf(result: MessageResult) {
  assert.equal(result.kind, 'refused');
  const { error, field, reason } = result;
  return { code: error.code, message: error.message, culprit: error.culprit, field, reason };
}
