import type { ClientMessageType, ServerMessage } from '../stream/protocol.ts';
import { isStandardSchema } from '../wire/standard-schema.ts';
import type { MessageType } from './message-type.ts';

/** The compiler holds them against the protocol. */
const builtIn: Readonly<Record<ClientMessageType | ServerMessage['type'], true>> = {
  query: true,
  cancel: true,
  window: true,
  ping: true,
  pong: true,
  chunk: true,
  response: true,
  error: true,
};

/**
 * A message type as it was registered: what its object says later changes nothing. Throws a `TypeError` that says
 * what was expected: nothing checks the types of JavaScript.
 */
export function readMessageType(given: MessageType): MessageType {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(
      'Expected what defineMessageType returns: an object with a type, a schema and a handle.',
    );
  }
  const { type, schema, validators = [] } = given;
  if (typeof type !== 'string' || !/^[a-z][a-z0-9._-]{0,63}$/.test(type)) {
    throw new TypeError(
      'A message type needs a type of lower case letters, digits, dots, hyphens and underscores, beginning with a letter, 64 characters at most.',
    );
  }
  if (Object.hasOwn(builtIn, type)) {
    throw new TypeError(`The message type '${type}' is one of the stream protocol itself; expected another.`);
  }
  if (!isStandardSchema(schema)) {
    throw new TypeError(
      `The message type '${type}' needs a schema: a Standard Schema, for example z.object({ … }).`,
    );
  }
  if (!Array.isArray(validators) || validators.some((validator) => typeof validator !== 'function')) {
    throw new TypeError(`The validators of the message type '${type}' must be a list of functions.`);
  }
  const { on } = given;
  if (on !== undefined && on !== 'stream' && on !== 'proxied') {
    throw new TypeError(`'on' of the message type '${type}' must be 'stream' or 'proxied', or be left out.`);
  }
  if (typeof given.handle !== 'function') {
    throw new TypeError(`The message type '${type}' needs a function handle(message, context).`);
  }
  // One that is a method keeps its `this`.
  const handle = given.handle.bind(given);
  return Object.freeze({
    type,
    ...(on && { on }),
    schema,
    validators: Object.freeze([...validators]),
    handle,
  });
}
