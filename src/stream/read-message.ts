import type { z } from 'zod';
import { SightlineError } from '../errors.ts';
import { invalidMessage, type Wrong } from '../messages/message-error.ts';
import { isJsonObject, type JsonObject } from '../wire/json.ts';
import { jsonErrorOffset } from '../wire/json-error-offset.ts';
import { type ClientMessageType, clientMessages, type MessageId } from './protocol.ts';

/** A message of a client that has a type. What the type wants is not looked at yet. */
export interface TypedMessage {
  readonly type: string;
  readonly message: JsonObject;
}

/** A message that is not accepted. The client is told, and the session goes on. */
export interface Refusal {
  readonly error: SightlineError;
  readonly id?: MessageId | undefined;
  readonly field?: string | undefined;
  readonly reason?: string | undefined;
}

export type ClientMessage = {
  [Type in ClientMessageType]: z.output<(typeof clientMessages)[Type]>;
}[ClientMessageType];

/** In a larger text the place of an error is not looked for: that takes longer than the parsing did. */
const searchedCharsMax = 65_536;

export function readMessage(data: Buffer, isBinary: boolean): TypedMessage | Refusal {
  if (isBinary) return refuse('message', [{ field: undefined, reason: 'expected a text message' }]);
  const text = data.toString();
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return { error: new SightlineError('malformed_json', { message: whyNoJson(text) }) };
  }
  if (!isJsonObject(message))
    return refuse('message', [{ field: undefined, reason: 'expected a JSON object' }]);
  const { type } = message;
  if (typeof type === 'string') return { type, message };
  return refuse('message', [{ field: 'type', reason: 'expected the name of a message type' }], message);
}

export function isBuiltIn(type: string): type is ClientMessageType {
  return Object.hasOwn(clientMessages, type);
}

export function readBuiltIn(type: ClientMessageType, message: JsonObject): ClientMessage | Refusal {
  const read = clientMessages[type].safeParse(message);
  return read.success ? read.data : refuse(type, read.error.issues.map(wrongIn), message);
}

export function unknownType({ type, message }: TypedMessage): Refusal {
  const known = Object.keys(clientMessages).join(', ');
  return {
    error: new SightlineError('unknown_type', {
      message: `Nobody has registered the message type '${type.slice(0, 64)}'; those of the protocol itself are ${known}.`,
    }),
    id: idOf(message),
    field: 'type',
  };
}

/** The id of a message, where it has a good one. */
export function idOf(message: JsonObject): MessageId | undefined {
  return clientMessages.cancel.shape.id.safeParse(message.id).data;
}

function refuse(type: string, problems: readonly Wrong[], message: JsonObject = {}): Refusal {
  const { error, field, reason } = invalidMessage(type, problems);
  return { error, field, reason, id: idOf(message) };
}

function wrongIn(issue: z.core.$ZodIssue): Wrong {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return { field: [...path, issue.keys[0]].join('.'), reason: 'expected no field of this name' };
  const { message } = issue.code === 'invalid_key' ? (issue.issues[0] ?? issue) : issue;
  return { field: path.join('.'), reason: message.replace(/^[A-Z][\w ]*: /, '') };
}

function whyNoJson(text: string): string {
  const place = text.length > searchedCharsMax ? undefined : jsonErrorOffset(text);
  return `The message is not valid JSON${place === undefined ? '' : `: it breaks off at character ${place}`}.`;
}
